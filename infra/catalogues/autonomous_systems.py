"""Make `autonomous_systems.bin` of `lib/catalogues` from public routing data: `make networks`.

The data are those of npm's `@ip-location-db/asn` (RouteViews, then the regional registries, then DB-IP) and
`@ip-location-db/asn-country` (the regional registries), CC BY 4.0. npm's client fetches them into a temporary folder;
with two folders, newer releases of the same files are read instead:

    python -m infra.catalogues.autonomous_systems FOLDER_OF_ASN FOLDER_OF_ASN_COUNTRY

The npm packages ended in June 2026; their author publishes the same files elsewhere from then on.
"""

from __future__ import annotations

import csv
import json
import re
import subprocess
import sys
import tarfile
import tempfile
from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from lib.catalogues.autonomous_systems import TABLE
from lib.catalogues.system_table import BLOCK_BITS, HEADER, MAGIC

PACKAGES = ("@ip-location-db/asn", "@ip-location-db/asn-country")

_MOSTLY = 0.95
"""Share of a system's addresses that must be registered in one country for the system to have that country."""


class Span(NamedTuple):
    """A row of the data: addresses and what they belong to."""

    first: int
    last: int
    holder: str


def block_starts(spans: Iterable[tuple[int, int, int]], host_bits: int) -> Iterator[tuple[int, int]]:
    """Turn sorted spans (first, last, system) into pairs (first block, system) at which another system begins.

    A block that a system has only in part is given to none, 0, and so is what no span holds.
    """
    size = 1 << host_bits
    end, before = 0, 0
    for first, last, system in _joined(spans):
        begin, after = -(-first // size), (last + 1) // size
        if begin >= after:
            continue
        if begin > end and before:
            yield end, 0
            before = 0
        if system != before:
            yield begin, system
        end, before = after, system
    if before:
        yield end, 0


def _joined(spans: Iterable[tuple[int, int, int]]) -> Iterator[tuple[int, int, int]]:
    """Join neighbors of one system, so that a block of two halves is whole."""
    found: tuple[int, int, int] | None = None
    for first, last, system in spans:
        if found is not None and found[2] == system and first <= found[1] + 1:
            found = found[0], max(last, found[1]), system
            continue
        if found is not None:
            # Of two spans that overlap the later one begins where the one before ends.
            yield found
            first = max(first, found[1] + 1)
        found = first, last, system
    if found is not None:
        yield found


def countries_of(systems: Sequence[Span], countries: Sequence[Span]) -> dict[str, str]:
    """Find the country in which nearly all addresses of a system are registered, by system. Both are sorted."""
    sizes: dict[str, Counter[str]] = defaultdict(Counter)
    place = 0
    for span in systems:
        while place < len(countries) and countries[place].last < span.first:
            place += 1
        at = place
        while at < len(countries) and countries[at].first <= span.last:
            both = min(span.last, countries[at].last) - max(span.first, countries[at].first) + 1
            sizes[span.holder][countries[at].holder] += both
            at += 1
        sizes[span.holder][""] += 0
    found = {system: counted.most_common(1)[0] for system, counted in sizes.items()}
    return {
        system: country
        for system, (country, size) in found.items()
        if country and size >= _MOSTLY * sum(sizes[system].values())
    }


def make_table(asn: Path, asn_country: Path) -> bytes:
    """Read the two packages and return the bytes of the table."""
    names: dict[int, str] = {}
    countries: dict[str, str] = {}
    starts: dict[int, array[int]] = {}
    holders: dict[int, array[int]] = {}
    for version, code in ((6, "Q"), (4, "I")):
        spans = []
        for row in _rows(asn / f"asn-ipv{version}-num.csv"):
            spans.append(Span(int(row[0]), int(row[1]), row[2]))
            names[int(row[2])] = row[3].strip()
        registered = [Span(int(a), int(b), c) for a, b, c in _rows(asn_country / f"asn-country-ipv{version}-num.csv")]
        countries |= countries_of(spans, registered)
        pairs = list(block_starts(((a, b, int(c)) for a, b, c in spans), BLOCK_BITS[version]))
        starts[version] = array(code, (first for first, _ in pairs))
        holders[version] = array("I", (system for _, system in pairs))
    return _packed(_day(asn), starts, holders, names, countries)


def _packed(
    day: str,
    starts: Mapping[int, array[int]],
    holders: Mapping[int, array[int]],
    names: Mapping[int, str],
    countries: Mapping[str, str],
) -> bytes:
    numbers = sorted(names)
    texts = [names[number].encode() for number in numbers]
    places = array("I", [0])
    for text in texts:
        places.append(places[-1] + len(text))
    header = HEADER.pack(MAGIC, day.encode(), 1, len(starts[4]), len(starts[6]), len(numbers), places[-1], 1)
    letters = "".join(countries.get(str(number), "  ") for number in numbers).encode()
    arrays = (starts[6], starts[4], holders[4], holders[6], array("I", numbers), places)
    return b"".join([header, *(each.tobytes() for each in arrays), letters, *texts])


def _rows(path: Path) -> Iterator[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        yield from csv.reader(file)


def _day(folder: Path) -> str:
    """Read the day of the data, such as 2026-06-17, from the package's version, such as 2.3.2026061719."""
    version = json.loads((folder / "package.json").read_text(encoding="utf-8"))["version"]
    found = re.search(r"\.(20\d\d)(\d\d)(\d\d)\d*$", version)
    if found is None:
        raise ValueError(f"{folder / 'package.json'}: version {version} names no day")
    return "-".join(found.groups())


def _fetched(folder: Path, package: str) -> Path:
    """Fetch a package with npm's client and unpack it; return its folder."""
    target = folder / package.rpartition("/")[2]
    target.mkdir()
    subprocess.run(["npm", "pack", "--silent", package], cwd=target, check=True, stdout=subprocess.DEVNULL)
    with tarfile.open(next(target.glob("*.tgz"))) as archive:
        archive.extractall(target, filter="data")
    return target / "package"


def main(arguments: Sequence[str]) -> None:
    """Write the table."""
    with tempfile.TemporaryDirectory() as temporary:
        given = [Path(each) for each in arguments] or [_fetched(Path(temporary), each) for each in PACKAGES]
        asn, asn_country = given
        content = make_table(asn, asn_country)
    TABLE.write_bytes(content)
    print(f"{TABLE}: {len(content) / 1e6:.1f} MB")


if __name__ == "__main__":
    main(sys.argv[1:])
