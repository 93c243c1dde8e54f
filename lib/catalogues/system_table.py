"""The table of autonomous systems: the system that announces an address, its name and its country.

`autonomous_systems.bin` is made from public routing data (`infra/catalogues/autonomous_systems.py`), and mapped into
memory: opening it reads nothing, and a look-up touches some pages of it. The data are RouteViews', the NRO's and
DB-IP's (https://db-ip.com), CC BY 4.0.

The file holds a header, then arrays, each sorted so that bisection finds its way. The owner of an address is the system
at the last start that is not above it; system 0 stands for none. Addresses count in blocks, a /24 or a /48: a block
that belongs to several systems is nobody's.
"""

from __future__ import annotations

import mmap
import struct
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, NamedTuple, cast

MAGIC: Final = b"HEEDAS01"
HEADER: Final = struct.Struct("=8s10sH5I")
"""Magic, day of the data (`2026-06-17`), 1; numbers of starts of IPv4, of IPv6, of systems, of bytes of names; 1.

All numbers are native ones. The two ones find out a file that was made on a machine with another order of bytes.
"""

_CODES: Final[tuple[Literal["Q", "I", "B"], ...]] = ("Q", "I", "I", "I", "I", "I", "B", "B")
"""Types of the arrays: starts of IPv6, of IPv4, holders of IPv4, of IPv6, numbers, name starts, countries, names."""

BLOCK_BITS: Final[Mapping[int, int]] = {4: 8, 6: 80}
"""Host bits of a block, by IP version."""


class System(NamedTuple):
    """An autonomous system."""

    number: int

    name: str
    """The holder's name, as the data have it."""

    country: str | None
    """Country in which nearly all of the system's addresses are registered (ISO 3166-1 alpha-2); None for several."""


@dataclass(frozen=True, slots=True, eq=False)
class SystemTable:
    """The mapped file. Arrays are views of its memory. Each object equals itself alone."""

    as_of: str
    """Day of the data, such as `2026-06-17`."""

    starts: Mapping[int, Sequence[int]]
    """First blocks of ranges, by IP version."""

    holders: Mapping[int, Sequence[int]]
    """Numbers of the systems that these ranges belong to; 0 for none."""

    numbers: Sequence[int]
    """Numbers of all systems."""

    name_starts: Sequence[int]
    """Places of their names in `names`, and the end of the last one."""

    countries: bytes | memoryview
    """Their countries, two letters each; two spaces for none."""

    names: bytes | memoryview
    """Names in UTF-8."""

    def number_of(self, version: int, first: int, last: int) -> int | None:
        """Number of the system to which all addresses from `first` to `last` belong; None for several or none."""
        starts, bits = self.starts[version], BLOCK_BITS[version]
        place = bisect_right(starts, first >> bits)
        if not place or (place < len(starts) and starts[place] <= last >> bits):
            return None
        return self.holders[version][place - 1] or None

    def system(self, number: int) -> System:
        """The system of this number, which the table has."""
        place = bisect_left(self.numbers, number)
        name = bytes(self.names[self.name_starts[place] : self.name_starts[place + 1]]).decode()
        country = bytes(self.countries[2 * place : 2 * place + 2]).decode().strip()
        return System(number, name, country or None)


def open_table(path: Path) -> SystemTable | None:
    """Map the file. None where there is none, or it is not whole."""
    try:
        with path.open("rb") as file:
            memory = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        return _table(memory)
    except (OSError, ValueError, struct.error):
        return None


def _table(memory: memoryview) -> SystemTable:
    magic, as_of, one, four, six, systems, length, long_one = HEADER.unpack_from(memory)
    sizes = (8 * six, 4 * four, 4 * four, 4 * six, 4 * systems, 4 * (systems + 1), 2 * systems, length)
    if magic != MAGIC or (one, long_one) != (1, 1) or len(memory) != HEADER.size + sum(sizes):
        raise ValueError("it is no table of autonomous systems, or not all of one")
    parts, place = [], HEADER.size
    for size, code in zip(sizes, _CODES, strict=True):
        parts.append(memory[place : place + size].cast(code))
        place += size
    six_starts, four_starts, four_holders, six_holders, numbers, name_starts, countries, names = parts
    return SystemTable(
        as_of=cast(bytes, as_of).decode("ascii"),
        starts={4: four_starts, 6: six_starts},
        holders={4: four_holders, 6: six_holders},
        numbers=numbers,
        name_starts=name_starts,
        countries=countries,
        names=names,
    )
