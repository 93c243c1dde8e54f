"""Names and countries of time zones, also of zones under their other names, such as `Asia/Calcutta` and `US/Eastern`.

`zone.tab` of the IANA database names one country for each zone. It leaves out other names of a zone. Those are links in
`tzdata.zi`, and a link may lead abroad: `Iceland` keeps the time of Abidjan, one zone that `zone1970.tab` gives to
twelve countries. The name itself then says which of these countries is meant.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from functools import lru_cache
from importlib.resources import files

from lib.send_time.cities import cities_named
from lib.send_time.countries import country_code

_ABBREVIATION = re.compile(r"[A-Z]{2}T([0-9][A-Z]{2}T)?")
"""A zone such as CET or EST5EDT, which is the time of many countries."""


def name_of_zone(zone: str) -> str:
    """Return the city in a zone's name: `Asia/Kolkata` gives Kolkata; `Etc/GMT+5` has no city."""
    area, _, city = zone.rpartition("/")
    return city.replace("_", " ") if area not in ("", "Etc") else f"the time zone {zone}"


def country_of_zone(zone: str) -> str | None:
    """Return the country in which a zone of the IANA database is, by any of the zone's names.

    The answer is None for zones of no country, such as UTC, and for names that leave several countries open. Reads the
    catalogue of cities for a few names: call it in a thread.
    """
    known = _countries_of_zones("zone.tab").get(zone)
    if known:
        return known[0]
    countries = _countries_of_zones("zone1970.tab").get(_links().get(zone, ""), ())
    if _ABBREVIATION.fullmatch(zone) or not countries:
        return None
    if len(countries) == 1:
        return countries[0]
    named = country_code(re.split("[/-]", zone)[0])
    return named if named in countries else _country_of_city(name_of_zone(zone), countries)


def _country_of_city(name: str, countries: Collection[str]) -> str | None:
    cities = [city for city in cities_named(name) if city.country in countries]
    return max(cities, key=lambda city: city.population).country if cities else None


@lru_cache(2)
def _countries_of_zones(table: str) -> dict[str, tuple[str, ...]]:
    rows = (line.split("\t") for line in _lines(table) if line and not line.startswith("#"))
    return {row[2]: tuple(row[0].split(",")) for row in rows}


@lru_cache(1)
def _links() -> dict[str, str]:
    """Return the zones by their other names. A line is `L <zone> <other name>` (zic, 8)."""
    rows = (line.split() for line in _lines("tzdata.zi") if line.startswith("L "))
    return {other: zone for _, zone, other in rows}


def _lines(file: str) -> Iterator[str]:
    yield from files("tzdata").joinpath("zoneinfo", file).read_text(encoding="utf-8").splitlines()
