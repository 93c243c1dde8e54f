"""Cities with their time zones, from GeoNames (https://www.geonames.org, CC BY 4.0).

`infra/catalogues/cities.py` makes the catalogue. Look-ups search its 7 MB of text directly: reading the file takes 40
ms once, a look-up about 3 ms, and no index costs memory. Call from a thread, not from a coroutine.
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
    """A row of the catalogue."""

    country: str
    """The code of ISO 3166-1."""
    subdivision: str
    """The code of ISO 3166-2 after the hyphen; empty where the catalogue has none."""
    zone: str
    population: int
    name: str


@lru_cache(1)
def _catalogue() -> bytes:
    return gzip.decompress(_CATALOGUE.read_bytes())


def cities_named(name: str) -> list[City]:
    """Find all cities that have or had this name, in any language of the catalogue."""
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
    """List the cities of a country, or of one of its subdivisions."""
    cities = (_city(row) for row in _rows_of(country))
    return tuple(city for city in cities if subdivision is None or city.subdivision == subdivision)


def _rows_of(country: str) -> Iterator[bytes]:
    """Find the rows of a country, which stand together as rows are sorted."""
    text, start = _catalogue(), f"\n{country}\t".encode()
    first, last = text.find(start), text.rfind(start)
    if first >= 0:
        yield from text[first + 1 : text.index(b"\n", last + 1)].split(b"\n")


def _city(row: bytes) -> City:
    country, subdivision, zone, population, name, _ = row.decode().split("\t")
    return City(country, subdivision, zone, int(population), name)
