"""The catalogue `autonomous_systems.csv`: classes of the autonomous systems that announce addresses.

The table of systems (`lib.catalogues.system_table`) says which system announces a network; a row here says what the
system is. A system without a row is told, less surely, by words of its holder's name.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Final, Literal, NamedTuple, cast

from lib.catalogues.csv_rows import read_rows
from lib.catalogues.networks import network_bounds
from lib.catalogues.system_table import SystemTable, open_table

NetworkKind = Literal["access", "mobile", "business", "hosting", "vpn", "web-gateway", "security-vendor"]
NETWORK_KINDS: Final[tuple[NetworkKind, ...]] = (
    "access",
    "mobile",
    "business",
    "hosting",
    "vpn",
    "web-gateway",
    "security-vendor",
)

FILE: Final = "autonomous_systems.csv"
TABLE: Final = Path(__file__).with_name("autonomous_systems.bin")

_WORDS: Final[Mapping[NetworkKind, str]] = {
    "hosting": r"host(?:ing|er|ed)?\b|\bhost\w+|servers?\b|cloud|data ?cent(?:er|re)s?\b|\bcolo(?:cation)?\b|\bvps\b|"
    r"\bdedicated\b|\bidc\b",
    "mobile": r"(?<!auto)mobil[eo]?\b|\bmobile|wireless|cellular|\bcelular\b|\bgsm\b|\bm[oó]viles\b",
    "access": r"tele(?:com|kom)|broadband|\bcable|\bfib(?:er|re|ra)\b|\bisp\b|internet|\bnet\b|provedor|\bwisp\b|"
    r"comunica[cç][oõ]es|comunicaciones|telephone",
    "business": r"universi[td]|\bcollege\b|\bschools?\b|\binstitut|\bbank\b|hospital|\bhealth\b|insurance|ministry|"
    r"government|\b(?:city|county|state) of\b|\bairlines?\b|\bfoundation\b|\bindustries\b|\bmotors?\b",
    "vpn": r"\bvpn\b|\bproxy\b|\bproxies\b",
}
"""Words of holders' names. A name with words of two kinds tells nothing."""


@dataclass(frozen=True, slots=True)
class NetworkClass:
    """Whose a network is, and what it is used for."""

    kind: NetworkKind | None
    """The use; None where nothing tells.

    - `access`: lines of households, and of offices beside them;
    - `mobile`: phones, and what is tethered to them;
    - `business`: an organization's own network, or a carrier of organizations alone;
    - `hosting`: rented machines;
    - `vpn`: exits of VPNs and relays, behind which people hide, and machines;
    - `web-gateway`: a security service that carries people's browsing;
    - `security-vendor`: machines of a company that scans mail or the web.
    """

    name: str
    """The owner's name in sentences."""

    country: str | None
    """Country in which nearly all of the owner's addresses are registered (ISO 3166-1 alpha-2); None for several."""

    is_certain: bool
    """False where the kind is guessed from words of the name."""


class _Row(NamedTuple):
    kind: NetworkKind
    name: str


class AutonomousSystems:
    """Classes of networks. The files are read at the first question."""

    def __init__(self, folder: Path | None = None, table: Path = TABLE) -> None:
        self._folder = folder
        self._table_path = table
        # Caches for this object alone: judging asks for the same networks and systems again and again.
        self.class_of = lru_cache(maxsize=4096)(self._class_of)
        self._class_of_system = lru_cache(maxsize=4096)(self._named)

    def _class_of(self, network: str | None) -> NetworkClass | None:
        """The class of `192.0.2.0/24` or `2001:db8:1::/48`, or of an address; None if it belongs to no one system."""
        ends = _ends(network or "")
        if ends is None or self._table is None:
            return None
        number = self._table.number_of(*ends)
        return None if number is None else self._class_of_system(self._table, number)

    def _named(self, table: SystemTable, number: int) -> NetworkClass:
        system, row = table.system(number), self._rows.get(number)
        if row is not None:
            return NetworkClass(row.kind, row.name, system.country, is_certain=True)
        return NetworkClass(kind_by_words(system.name), system.name, system.country, is_certain=False)

    @property
    def as_of(self) -> str | None:
        """Day of the table's data, such as `2026-06-17`; None if there is no table."""
        return None if self._table is None else self._table.as_of

    @cached_property
    def _table(self) -> SystemTable | None:
        return open_table(self._table_path)

    def read_rows(self) -> None:
        """Read the catalogue, unless that has been done. Raises BrokenCatalogue."""
        _ = self._rows

    @cached_property
    def _rows(self) -> Mapping[int, _Row]:
        """Kinds and names by number of the system."""
        rows: dict[int, _Row] = {}
        seen: set[tuple[bool, int]] = set()
        for entry in read_rows(FILE, ("asn", "kind", "name"), self._folder):
            if not (entry["asn"].isascii() and entry["asn"].isdigit() and entry["name"]):
                raise entry.broken("it needs the number of a system, such as 3320, and a name")
            number = int(entry["asn"])
            if (entry.ours, number) in seen:
                raise entry.broken(f"{number} stands there twice")
            seen.add((entry.ours, number))
            rows[number] = _Row(cast(NetworkKind, entry.one_of("kind", NETWORK_KINDS)), entry["name"])
        return rows


@lru_cache(maxsize=1024)
def kind_by_words(name: str) -> NetworkKind | None:
    """Guess the kind from a holder's name; None where it has no telling word, or words of several kinds."""
    found = [kind for kind, words in _WORDS.items() if re.search(words, name, re.IGNORECASE)]
    return found[0] if len(found) == 1 else None


def _ends(text: str) -> tuple[int, int, int] | None:
    """Parse a network or an address into IP version, first and last address. None if it is none.

    An IPv4 network inside an IPv6 one (mapped or 6to4) is extracted.
    """
    bounds = network_bounds(text)
    if bounds is None or bounds[0] == 4:
        return bounds
    first, size = ipaddress.IPv6Address(bounds[1]), bounds[2] - bounds[1] + 1
    if first.ipv4_mapped is not None and size <= 1 << 32:
        begin = int(first.ipv4_mapped)
        return 4, begin, begin + size - 1
    if first.sixtofour is not None and size <= 1 << 112:
        # The first 48 bits of a 6to4 address hold a whole IPv4 address.
        begin = int(first.sixtofour)
        return 4, begin, begin + (size - 1 >> 80)
    return bounds
