"""Azure Maps, played by a small server on this machine that answers as the published examples do."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from pydantic import SecretStr

from lib.people.records import Address
from lib.send_time import azure_maps
from lib.send_time.azure_maps import AzureMaps

KEY = "key-of-the-maps-account"
REDMOND = Address(city="Redmond", region="WA", postal_code="98052", country="US")
MATCH = {
    "address": {"municipality": "Redmond, Ames Lake", "countrySubdivision": "WA", "countryCode": "US"},
    "position": {"lat": 47.6308, "lon": -122.1385},
}


@dataclass
class Maps:
    """What the service answers, and what it was asked."""

    matches: Any = field(default_factory=lambda: {"summary": {}, "results": [MATCH]})
    zones: Any = field(default_factory=lambda: {"Version": "2026a", "TimeZones": [{"Id": "America/Los_Angeles"}]})
    status: int = 200
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    """Set as long as it answers."""

    asked: list[web.Request] = field(default_factory=list)
    url: str = ""

    async def search(self, request: web.Request) -> web.Response:
        return await self._answer(request, self.matches)

    async def time_zone(self, request: web.Request) -> web.Response:
        return await self._answer(request, self.zones)

    async def _answer(self, request: web.Request, answer: Any) -> web.Response:
        self.asked.append(request)
        await self.ready.wait()
        if self.status == 302:
            raise web.HTTPFound(f"{self.url}/elsewhere")
        return web.json_response(answer, status=self.status)


@pytest.fixture
async def maps() -> AsyncIterator[Maps]:
    played = Maps()
    played.ready.set()
    application = web.Application()
    application.router.add_get("/search/address/json", played.search)
    application.router.add_get("/timezone/byCoordinates/json", played.time_zone)
    application.router.add_get("/elsewhere", played.search)
    async with TestServer(application) as server:
        played.url = str(server.make_url("")).rstrip("/")
        yield played


async def test_an_address_is_searched_and_its_time_zone_asked_for(maps: Maps) -> None:
    place = await AzureMaps(maps.url, SecretStr(KEY)).place_of(REDMOND)

    assert place is not None
    assert (place.zone, place.name, place.country, place.subdivision) == ("America/Los_Angeles", "Redmond", "US", "WA")
    search, time_zone = maps.asked
    assert dict(search.query) == {
        "api-version": "1.0",
        "query": "Redmond, WA, 98052, US",
        "limit": "1",
        "countrySet": "US",
    }
    assert dict(time_zone.query) == {"api-version": "1.0", "query": "47.6308,-122.1385"}


async def test_the_key_travels_in_the_header_alone(maps: Maps, caplog: pytest.LogCaptureFixture) -> None:
    maps.status = 401

    with caplog.at_level(logging.DEBUG):
        await AzureMaps(maps.url, SecretStr(KEY)).place_of(REDMOND)

    [asked] = maps.asked
    assert asked.headers["subscription-key"] == KEY
    assert KEY not in str(asked.rel_url)
    assert "Azure Maps gave no place" in caplog.text
    assert KEY not in caplog.text
    assert "Redmond" not in "".join(record.getMessage() for record in caplog.records if record.name.startswith("heed"))


@pytest.mark.parametrize(
    ("matches", "zones"),
    [
        ({"results": []}, {"TimeZones": [{"Id": "America/Los_Angeles"}]}),
        ({"results": [{"address": {}}]}, {"TimeZones": [{"Id": "America/Los_Angeles"}]}),
        ([], {"TimeZones": [{"Id": "America/Los_Angeles"}]}),
        ({"results": [MATCH]}, {"TimeZones": []}),
        ({"results": [MATCH]}, {"TimeZones": [{"Id": "Mars/Olympus_Mons"}]}),
        ({"results": [MATCH]}, {}),
    ],
)
async def test_an_answer_without_a_time_zone_is_no_place(maps: Maps, matches: Any, zones: Any) -> None:
    maps.matches, maps.zones = matches, zones

    assert await AzureMaps(maps.url, SecretStr(KEY)).place_of(REDMOND) is None


@pytest.mark.parametrize("status", [302, 401, 403, 429, 500])
async def test_a_refusal_is_no_place_and_no_redirect_is_followed(maps: Maps, status: int) -> None:
    maps.status = status

    assert await AzureMaps(maps.url, SecretStr(KEY)).place_of(REDMOND) is None
    assert len(maps.asked) == 1


async def test_a_slow_service_is_not_waited_for(maps: Maps, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(azure_maps, "SECONDS", 0.05)
    maps.ready.clear()

    assert await AzureMaps(maps.url, SecretStr(KEY)).place_of(REDMOND) is None

    maps.ready.set()


async def test_a_service_that_is_not_there_is_no_place() -> None:
    assert await AzureMaps("http://127.0.0.1:9", SecretStr(KEY)).place_of(REDMOND) is None
