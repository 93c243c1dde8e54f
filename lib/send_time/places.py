"""Find the place of a record: the recipient's time zone, and the country whose holidays are kept there.

The record's own time zone comes first, then its address: the city, within its country and region if these are given;
else the region or the country alone, if nearly all people there keep the same time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from lib.people.records import Address
from lib.send_time.cities import City, cities_named, cities_of
from lib.send_time.countries import country_code, country_name, subdivision_code
from lib.send_time.zones import country_of_zone, name_of_zone

CERTAIN = 1.0
_CITY_IN_ITS_COUNTRY = 0.95
_COUNTRY_OR_REGION = 0.9
_CITY_ALONE = 0.7
"""Certainty of a place by the kind of evidence. These are estimates, and only their order matters: the CRM states a
record's own zone; a city can be mistyped; without a country it can be another city of that name."""
_NEARLY_ALL = 0.95


@dataclass(frozen=True, slots=True)
class Place:
    """The place of a recipient."""

    zone: str
    """A name of the IANA database."""
    name: str
    """The name in sentences."""
    country: str | None
    """The code of ISO 3166-1, if known."""
    subdivision: str | None
    """The code of ISO 3166-2 after the hyphen, if known."""
    certainty: float
    """From 0 to 1: the certainty of the kind of evidence, times the share of people who keep the chosen place's time
    among those at all places that the evidence may mean."""


@dataclass(frozen=True, slots=True)
class Nowhere:
    """The answer where no place can be named."""

    because: str
    """A sentence for the salesperson."""


NO_ADDRESS = Nowhere("The recipient's record has neither a time zone nor an address, so the local time is not known.")


def place_of(time_zone: str | None, address: Address | None, now: datetime) -> Place | Nowhere:
    """Find a record's place in the built-in data. The first call takes some 0.2 s to read them: call it in a thread."""
    address = address or Address()
    if time_zone:
        return _by_zone(time_zone, address)
    if not any((address.city, address.region, address.postal_code, address.country)):
        return NO_ADDRESS
    return _by_city(address, now) or _by_area(address, now)


def _by_zone(zone: str, address: Address) -> Place:
    country = country_code(address.country) or country_of_zone(zone)
    subdivision = subdivision_code(country, address.region, address.postal_code) if country else None
    return Place(zone, address.city or name_of_zone(zone), country, subdivision, CERTAIN)


def _by_city(address: Address, now: datetime) -> Place | None:
    candidates = cities_named(address.city or "")
    country = country_code(address.country)
    if country:
        candidates = [city for city in candidates if city.country == country]
    candidates = [city for city in candidates if _is_in_region(city, address)] or candidates
    if not candidates:
        return None
    city, share = _largest(candidates, now)
    subdivision = subdivision_code(city.country, address.region, address.postal_code) or _subdivision(city, candidates)
    certainty = share * (_CITY_IN_ITS_COUNTRY if country else _CITY_ALONE)
    return Place(city.zone, address.city or city.name, city.country, subdivision, certainty)


def _is_in_region(city: City, address: Address) -> bool:
    return city.subdivision == subdivision_code(city.country, address.region, address.postal_code)


def _subdivision(chosen: City, candidates: Sequence[City]) -> str | None:
    """The chosen city's subdivision, if nearly all people at the candidates live there: it decides about holidays."""
    here = [city for city in candidates if (city.country, city.subdivision) == (chosen.country, chosen.subdivision)]
    return chosen.subdivision or None if _people(here) / _people(candidates) >= _NEARLY_ALL else None


def _by_area(address: Address, now: datetime) -> Place | Nowhere:
    country = country_code(address.country)
    if country is None:
        what = address.city or address.country or address.region or address.postal_code
        return Nowhere(f"No place called {what} is known, so the recipient's local time is not known.")
    subdivision = subdivision_code(country, address.region, address.postal_code)
    in_region = cities_of(country, subdivision) if subdivision else ()
    cities = in_region or cities_of(country)
    if not cities:
        return Nowhere(f"No time zone is known for {country_name(country)}.")
    city, share = _largest(cities, now)
    if share < _NEARLY_ALL:
        return Nowhere(
            f"{country_name(country)} has several time zones, and the address does not say which one the recipient is "
            "in: a city that is known, or the record's own time zone, would."
        )
    area = address.region if in_region and address.region else country_name(country)
    return Place(city.zone, address.city or area, country, subdivision, share * _COUNTRY_OR_REGION)


def _largest(cities: Sequence[City], now: datetime) -> tuple[City, float]:
    """The largest city, and the share of the cities' people (0 to 1) who keep its time in the coming year."""
    chosen = max(cities, key=lambda city: city.population)
    clocks = {zone: _clock(zone, now) for zone in {city.zone for city in cities}}
    same = [city for city in cities if clocks[city.zone] == clocks[chosen.zone]]
    return chosen, _people(same) / _people(cities)


def _people(cities: Iterable[City]) -> int:
    """Number of people in the cities, and one more for each city, as some have no number in the catalogue."""
    return sum(city.population + 1 for city in cities)


def _clock(zone: str, now: datetime) -> tuple[timedelta | None, ...]:
    """Offsets from UTC in the coming year. Some zones, such as those of Argentina, differ in their past only."""
    moments = (now + timedelta(days=days) for days in range(0, 366, 15))
    return tuple(moment.astimezone(ZoneInfo(zone)).utcoffset() for moment in moments)
