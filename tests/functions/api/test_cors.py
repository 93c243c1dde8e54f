"""Pages of other origins call the API from a browser: those that are named, and no others."""

from __future__ import annotations

from typing import Any

import pytest

from lib.organizations.rate_limits import WRONG_KEYS
from tests.support.heed import ADMIN_KEY, Heed, Response

CRM = "https://crm.example.com"
OTHER = "https://evil.example.com"


@pytest.fixture
async def heed() -> Heed:
    settings = {"HEED_CORS_ORIGINS": "https://console.example.com, http://localhost:3000"}
    started = await Heed(settings=settings).start(cors_origins=[CRM])
    await started.organization("globex")
    return started


async def preflight(heed: Heed, origin: str, path: str = "/api/orgs/acme/messages") -> Response:
    headers = {
        "origin": origin,
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization,content-type",
    }
    return await heed.request("OPTIONS", path, headers=headers)


async def get(heed: Heed, origin: str, path: str = "/api/orgs/acme/users", key: str | None = None) -> Response:
    return await heed.request("GET", path, key=key or heed.key, headers={"origin": origin})


@pytest.mark.parametrize("origin", [CRM, "https://console.example.com", "http://localhost:3000"])
async def test_a_named_origin_may_ask_and_read(heed: Heed, origin: str) -> None:
    asked, read = await preflight(heed, origin), await get(heed, origin)

    assert asked.status == 204
    assert asked.headers["access-control-allow-origin"] == origin
    assert "POST" in asked.headers["access-control-allow-methods"]
    assert {"Authorization", "X-Heed-User"} <= set(asked.headers["access-control-allow-headers"].split(", "))
    assert (read.status, read.headers["access-control-allow-origin"], read.headers["vary"]) == (200, origin, "Origin")
    assert "ETag" in read.headers["access-control-expose-headers"]
    assert "access-control-allow-credentials" not in {**asked.headers, **read.headers}


@pytest.mark.parametrize(
    "origin",
    [OTHER, "null", "*", f"{CRM}.evil.example", f"{CRM}:8443", "http://crm.example.com", "https://CRM.example.com", ""],
)
async def test_any_other_origin_may_not(heed: Heed, origin: str) -> None:
    for answer in (await preflight(heed, origin), await get(heed, origin)):
        assert not [name for name in answer.headers if name.startswith("access-control-")]
        assert answer.headers["vary"] == "Origin"


async def test_origins_of_an_organization_count_for_it_alone(heed: Heed) -> None:
    assert "access-control-allow-origin" not in (await preflight(heed, CRM, "/api/orgs/globex/messages")).headers
    assert "access-control-allow-origin" not in (await preflight(heed, CRM, "/api/orgs/nothing/messages")).headers
    assert "access-control-allow-origin" not in (await preflight(heed, CRM, "/api/health")).headers
    assert "access-control-allow-origin" in (await preflight(heed, "http://localhost:3000", "/api/health")).headers


async def test_a_page_can_read_problems(heed: Heed) -> None:
    answers = [
        (401, await get(heed, CRM, key="wrong")),
        (404, await get(heed, CRM, "/api/orgs/acme/nothing/here/at/all")),
        (404, await get(heed, CRM, "/api/orgs/acme/users/nobody")),
    ]
    for status, answer in answers:
        assert (answer.status, answer.headers["access-control-allow-origin"]) == (status, CRM)


@pytest.mark.parametrize(
    "origin",
    [
        "*",
        "https://*.example.com",
        "null",
        "http://crm.example.com",
        "https://crm.example.com/",
        "https://CRM.example.com",
        "https://crm.example.com:443",
        "https://crm.example.com\r\nX: y",
        "https://user@crm.example.com",
        "javascript:alert(1)",
    ],
)
async def test_an_origin_that_no_browser_sends_is_refused_when_it_is_set(heed: Heed, origin: str) -> None:
    body = {"settings": {"cors_origins": [origin]}}

    answer = await heed.request("PATCH", "/api/orgs/acme", body, key=ADMIN_KEY)

    assert (answer.status, answer.json["errors"][0]["loc"]) == (422, ["settings", "cors_origins", 0])


async def test_pages_that_name_made_up_organizations_cost_a_bounded_number_of_reads(
    heed: Heed, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables: Any = heed.storage.tables
    read, reads = tables.read_row, list[str]()

    async def counted(table: str, partition: str, key: str) -> object:
        reads.append(partition)
        return await read(table, partition, key)

    monkeypatch.setattr(tables, "read_row", counted)
    for number in range(200):
        await preflight(heed, OTHER, f"/api/orgs/madeup{number}/messages")

    assert len(reads) == WRONG_KEYS
    heed.clock.move(seconds=5)
    assert (await preflight(heed, CRM)).headers["access-control-allow-origin"] == CRM
