"""Limits of the API: requests of each key, and wrong keys of each network."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from lib.organizations.rate_limits import WRONG_KEYS
from lib.storage import Row
from tests.support.heed import ADMIN_KEY, Heed, Response

GUESSER, NEIGHBOR, ELSEWHERE = "203.0.113.7", "203.0.113.99", "198.51.100.1"


@pytest.fixture
async def limited() -> Heed:
    return await Heed(settings={"HEED_REQUESTS_PER_SECOND": "5"}).start()


def wrong_key(number: int) -> str:
    return f"acme.{number:032x}.{'A' * 43}"


async def ask(heed: Heed, key: str, address: str = ELSEWHERE, organization: str = "acme") -> Response:
    return await heed.request(
        "GET", f"/api/orgs/{organization}/users/rep1", key=key, headers={"x-forwarded-for": address}
    )


async def test_a_key_may_ask_so_often_a_second_and_is_told_how_often(limited: Heed) -> None:
    limited.clock.move(seconds=10)
    answers = [await ask(limited, limited.key) for _ in range(6)]
    assert [answer.status for answer in answers] == [200] * 5 + [429]
    assert {answer.headers["ratelimit-policy"] for answer in answers} == {'"key";q=5;w=1'}
    assert [answer.headers["ratelimit"] for answer in answers] == [
        *(f'"key";r={left};t=1' for left in (4, 3, 2, 1, 0)),
        '"key";r=0;t=1',
    ]
    refused = answers[-1]
    assert (refused.headers["content-type"], refused.headers["retry-after"]) == ("application/problem+json", "1")
    assert refused.json["status"] == 429
    limited.clock.move(seconds=1)
    assert (await ask(limited, limited.key)).status == 200


async def test_problems_tell_of_the_limit_too(limited: Heed) -> None:
    limited.clock.move(seconds=10)
    missing = await limited.api("GET", "/users/nobody")
    assert (missing.status, missing.headers["ratelimit"]) == (404, '"key";r=4;t=1')


async def test_a_refused_request_reads_no_storage(limited: Heed, monkeypatch: pytest.MonkeyPatch) -> None:
    limited.clock.move(seconds=10)
    for _ in range(5):
        await ask(limited, limited.key)
    reads = count_reads(limited, monkeypatch)
    assert (await ask(limited, limited.key)).status == 429
    assert reads == []


async def test_another_organizations_key_and_another_key_have_limits_of_their_own(limited: Heed) -> None:
    other = await limited.organization("globex")
    second = (await limited.request("POST", "/api/orgs/acme/keys", {"scope": "read"}, key=ADMIN_KEY)).json["key"]
    limited.clock.move(seconds=10)
    for _ in range(9):
        await ask(limited, limited.key)
    assert (await ask(limited, second)).status == 200
    assert (await ask(limited, other, organization="globex")).status == 404


async def test_a_key_has_one_limit_however_its_header_is_spelled(limited: Heed) -> None:
    limited.clock.move(seconds=10)
    keys = (limited.key, limited.key.removeprefix("heed_"))
    schemes = ("Bearer ", "bearer ", "BEARER  ")
    spelled = [f"{scheme}{key}" for scheme in schemes for key in keys]

    answers = [
        await limited.request("GET", "/api/orgs/acme/users/rep1", headers={"authorization": each}) for each in spelled
    ]

    assert [answer.status for answer in answers] == [200] * 5 + [429]


async def test_a_page_that_takes_no_key_is_not_limited(limited: Heed) -> None:
    assert {(await limited.request("GET", "/api/health")).status for _ in range(20)} == {200}


async def test_a_network_that_guesses_keys_is_refused_without_reading_the_registry(
    heed: Heed, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads = count_reads(heed, monkeypatch)
    answers = [await ask(heed, wrong_key(number), GUESSER) for number in range(200)]
    assert [answer.status for answer in answers] == [401] * WRONG_KEYS + [429] * (200 - WRONG_KEYS)
    assert int(answers[-1].headers["retry-after"]) >= 1
    assert len(reads) == 2 * WRONG_KEYS


async def test_a_guesser_of_the_administrators_key_is_refused(heed: Heed) -> None:
    found = [await heed.request("GET", "/api/orgs/acme", key=f"guess-{number}") for number in range(WRONG_KEYS + 1)]
    assert [answer.status for answer in found[-2:]] == [401, 429]


async def test_a_guesser_locks_out_no_good_key_and_no_other_network(heed: Heed) -> None:
    assert (await ask(heed, heed.key, NEIGHBOR)).status == 200
    for number in range(200):
        await ask(heed, wrong_key(number), GUESSER)
    assert (await ask(heed, heed.key, NEIGHBOR)).status == 200
    assert (await ask(heed, wrong_key(999), ELSEWHERE)).status == 401


async def test_a_client_with_an_old_key_uses_up_nothing_of_its_neighbors(heed: Heed) -> None:
    for _ in range(200):
        assert (await ask(heed, wrong_key(1), GUESSER)).status == 401
    fresh = await heed.organization("globex")
    assert (await ask(heed, fresh, NEIGHBOR, "globex")).status == 404


async def test_tokens_that_have_expired_count_as_nothing_that_their_network_guesses(heed: Heed) -> None:
    for number in range(WRONG_KEYS + 5):
        await heed.put(f"/users/u{number}", {"email": f"u{number}@acme.example"})
    tokens = [(await heed.post(f"/users/u{number}/tokens"))["token"] for number in range(WRONG_KEYS + 5)]
    heed.clock.move(minutes=16)

    answers = [await ask(heed, token, GUESSER) for token in tokens]
    fresh = await heed.organization("globex")

    assert {answer.status for answer in answers} == {401}
    assert {answer.headers["www-authenticate"] for answer in answers} == {'Bearer error="invalid_token"'}
    assert (await ask(heed, fresh, GUESSER, "globex")).status == 404


async def test_a_network_may_try_again_later(heed: Heed) -> None:
    for number in range(WRONG_KEYS + 5):
        await ask(heed, wrong_key(number), GUESSER)
    heed.clock.move(seconds=2)
    assert (await ask(heed, heed.key, GUESSER)).status == 200


async def test_a_revoked_key_is_refused_at_once_and_then_counts_as_wrong(heed: Heed) -> None:
    made = (await heed.request("POST", "/api/orgs/acme/keys", {"scope": "full"}, key=ADMIN_KEY)).json
    assert (await ask(heed, made["key"])).status == 200
    await heed.request("DELETE", f"/api/orgs/acme/keys/{made['id']}", key=ADMIN_KEY)
    assert (await ask(heed, made["key"])).status == 401


async def test_no_line_of_the_log_holds_a_key(heed: Heed, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for key in (heed.key, wrong_key(1), ADMIN_KEY, f"{heed.key}x"):
        await ask(heed, key)
    for number in range(WRONG_KEYS + 5):
        await ask(heed, wrong_key(number), GUESSER)
    secrets = (heed.key.rpartition(".")[2], "A" * 43, ADMIN_KEY)
    assert not any(secret in caplog.text for secret in secrets)


def count_reads(heed: Heed, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The tables of rows that are read from now on."""
    tables: Any = heed.storage.tables
    read, reads = tables.read_row, list[str]()

    async def counted(table: str, partition: str, key: str) -> Row | None:
        reads.append(table)
        found: Row | None = await read(table, partition, key)
        return found

    monkeypatch.setattr(tables, "read_row", counted)
    return reads
