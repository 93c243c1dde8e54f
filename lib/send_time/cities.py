"""Cities with their time zones, from GeoNames (https://www.geonames.org, CC BY 4.0).

`infra/catalogues/cities.py` makes the catalogue. It is 7 MB of text that is searched as it stands: a look-up takes about 3 ms, reading the file 40 ms once,
and no index costs memory. Call from a thread, not from a coroutine.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from lib.send_time.names import folded

_CATALOGUE = Path(__file__).with_name("cities.tsv.gz")
_MOST_NAMESAKES = 500


@dataclass(frozen=True, slots=True)
class City:
    """`country` is ISO 3166-1's code, `subdivision` the part of ISO 3166-2's after the hyphen, empty where not kept."""

    country: str
    subdivision: str
    zone: str
    population: int
    name: str


@lru_cache(1)
def _catalogue() -> bytes:
    return gzip.decompress(_CATALOGUE.read_bytes())


def cities_named(name: str) -> list[City]:
    """All that have this name, or had, in any of the languages that are kept."""
    text, wanted = _catalogue(), f"|{folded(name)}|".encode()
    found: list[City] = []
    at = text.find(wanted) if wanted != b"||" else -1
    while at >= 0 and len(found) < _MOST_NAMESAKES:
        end = text.index(b"\n", at)
        found.append(_city(text[text.rindex(b"\n", 0, at) + 1 : end]))
        at = text.find(wanted, end)
    return found


@lru_cache(64)
def cities_of(country: str, subdivision: str | None = None) -> tuple[City, ...]:
    """All of a country, or of one of its subdivisions."""
    cities = (_city(row) for row in _rows_of(country))
    return tuple(city for city in cities if subdivision is None or city.subdivision == subdivision)


def _rows_of(country: str) -> Iterator[bytes]:
    """Rows are sorted, so those of a country stand together."""
    text, start = _catalogue(), f"\n{country}\t".encode()
    first, last = text.find(start), text.rfind(start)
    if first >= 0:
        yield from text[first + 1 : text.index(b"\n", last + 1)].split(b"\n")


def _city(row: bytes) -> City:
    country, subdivision, zone, population, name, _ = row.decode().split("\t")
    return City(country, subdivision, zone, int(population), name)
