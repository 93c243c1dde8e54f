"""Azure Maps: the place of an address and its time zone; used before the built-in data if a key is set.

Two requests for an address: Search Address, then Timezone by Coordinates, both of api-version 1.0
(https://learn.microsoft.com/rest/api/maps/search/get-search-address and
https://learn.microsoft.com/rest/api/maps/timezone/get-timezone-by-coordinates). Both are billed.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TypeVar

import aiohttp
from pydantic import BaseModel, Field, SecretStr

from lib.fields import TimeZone
from lib.people.records import Address
from lib.send_time.countries import country_code, subdivision_code
from lib.send_time.places import Place
from lib.send_time.zones import name_of_zone

log = logging.getLogger("heed.send_time")

SECONDS = 2.0
"""Limit for both requests together: a person waits for the answer, and there are the built-in data."""
_CERTAINTY = 0.95


class _Position(BaseModel):
    lat: float
    lon: float


class _Address(BaseModel):
    municipality: str | None = None
    countryCode: str | None = None
    countrySubdivision: str | None = None


class _Match(BaseModel):
    position: _Position
    address: _Address = _Address()


class _Matches(BaseModel):
    results: list[_Match]


class _Zone(BaseModel):
    id: TimeZone = Field(alias="Id")


class _Zones(BaseModel):
    zones: list[_Zone] = Field(alias="TimeZones")


_Model = TypeVar("_Model", bound=BaseModel)


class AzureMaps:
    """A client of Azure Maps."""

    def __init__(self, url: str, key: SecretStr) -> None:
        self._url = url
        self._key = key

    async def place_of(self, address: Address) -> Place | None:
        """Find the address; None if the service does not know it, does not answer in time or answers nonsense."""
        try:
            async with asyncio.timeout(SECONDS), aiohttp.ClientSession() as session:
                return await self._place_of(session, address)
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            # The log gets neither the error's text nor the address: the text may quote the address.
            log.warning("Azure Maps gave no place: %s", type(error).__name__)
            return None

    async def _place_of(self, session: aiohttp.ClientSession, address: Address) -> Place | None:
        country = country_code(address.country)
        parts = (address.city, address.region, address.postal_code, address.country)
        query = {"query": ", ".join(part for part in parts if part), "limit": "1"}
        if country:
            query["countrySet"] = country
        matches = await self._get(session, "/search/address/json", query, _Matches)
        if not matches.results:
            return None
        match = matches.results[0]
        position = {"query": f"{match.position.lat},{match.position.lon}"}
        zones = await self._get(session, "/timezone/byCoordinates/json", position, _Zones)
        return _place(address, match.address, zones.zones[0].id) if zones.zones else None

    async def _get(
        self, session: aiohttp.ClientSession, path: str, query: dict[str, str], model: type[_Model]
    ) -> _Model:
        request = session.get(
            self._url + path,
            params={"api-version": "1.0", **query},
            headers={"subscription-key": self._key.get_secret_value()},
            # A redirect could take the key elsewhere.
            allow_redirects=False,
            raise_for_status=True,
        )
        async with request as response:
            return model.model_validate_json(await response.read())


def _place(given: Address, found: _Address, zone: str) -> Place:
    country = country_code(found.countryCode)
    region = found.countrySubdivision or given.region
    subdivision = subdivision_code(country, region, given.postal_code) if country else None
    return Place(zone, given.city or found.municipality or name_of_zone(zone), country, subdivision, _CERTAINTY)
