"""What is kept under an Idempotency-Key goes after a day, and with the message that it shows."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest

from lib.organizations.idempotency import Begun, Idempotency
from lib.storage import Range, Row, Unavailable
from lib.storage.memory import MemoryBlobs
from tests.support.cards import cards, opened
from tests.support.disturbed import disturbed_heed
from tests.support.failing import Failure, When
from tests.support.heed import TOKEN_KEYS, Heed, InvocationError, Response

KEY = "a-key-of-the-clients"
DRAFT = {"from": "rep1", "to": [{"email": "ada@example.com"}], "subject": "Hello", "text": "Hi"}
LARGE = {**DRAFT, "html": "<p>large</p>" * 20_000}
RETIRED_BY = "k2:" + TOKEN_KEYS.removeprefix("k1:")[::-1].replace("-", "A")[:85] + "A"


@pytest.fixture
async def heed() -> Heed:
    return await Heed().start()


async def post(heed: Heed, path: str = "/messages", body: Any = None, key: str = KEY, **headers: str) -> Response:
    body = DRAFT if path == "/messages" and body is None else body
    return await heed.api("POST", path, body, idempotency_key=key, **headers)


async def kept(heed: Heed) -> list[Row]:
    """All rows of the table of requests."""
    return [row async for row in heed.storage.tables.query("heedacmerequests", Range())]


def blobs(heed: Heed) -> list[str]:
    assert isinstance(heed.storage.blobs, MemoryBlobs)
    return [name for name in heed.storage.blobs.names("heed-acme") if name.startswith("answers/")]


async def test_after_a_day_nothing_is_left_of_requests_and_answers(heed: Heed) -> None:
    for number in range(3):
        assert (await post(heed, key=f"{number}")).status == 201
    assert (await post(heed, body=LARGE, key="large")).status == 201
    assert (await post(heed, body={**DRAFT, "from": "nobody"}, key="refused")).status == 422
    assert await kept(heed)
    assert blobs(heed)

    heed.clock.move(hours=25)
    await heed.tick("delete_kept_answers")

    assert (await kept(heed), blobs(heed)) == ([], [])
    assert len((await heed.get("/messages"))["items"]) == 4


async def test_before_its_day_is_over_an_answer_is_given(heed: Heed) -> None:
    first = await post(heed)
    for _ in range(23):
        heed.clock.move(hours=1)
        await heed.tick("delete_kept_answers")

    assert (await post(heed)).json == first.json


async def test_a_key_that_has_come_again_after_a_day_keeps_its_new_answer(heed: Heed) -> None:
    await post(heed, body=LARGE)
    heed.clock.move(hours=24, minutes=5)
    second = await post(heed, body=LARGE)
    heed.clock.move(hours=1)
    await heed.tick("delete_kept_answers")

    assert (await post(heed, body=LARGE)).json == second.json
    heed.clock.move(hours=25)
    await heed.tick("delete_kept_answers")
    assert await kept(heed) == []


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_run_that_storage_cuts_short_is_finished_by_the_next(when: When) -> None:
    failure = Failure()
    heed = await disturbed_heed(failure)
    for number in range(200):
        failure.arm(0, when)
        for key in ("1", "2"):
            await post(heed, key=key)
        heed.clock.move(hours=26)
        failure.arm(number + 1, when)
        with suppress(InvocationError):
            await heed.tick("delete_kept_answers")
        finished = failure.count <= number
        failure.arm(0, when)
        await heed.tick("delete_kept_answers")
        assert await kept(heed) == [], number
        if finished:
            return
    raise AssertionError("a run has fewer operations")


async def test_an_organization_that_fails_does_not_keep_others_from_being_tidied(
    heed: Heed, monkeypatch: pytest.MonkeyPatch
) -> None:
    await heed.organization("aaa")
    await post(heed)
    heed.clock.move(hours=26)
    query = heed.storage.tables.query

    def failing(table: str, *arguments: Any, **named: Any) -> Any:
        if table == "heedaaarequests":
            raise Unavailable("down")
        return query(table, *arguments, **named)

    with monkeypatch.context() as patched:
        patched.setattr(heed.storage.tables, "query", failing)
        await heed.tick("delete_kept_answers")

    assert await kept(heed) == []


async def holding_answers(heed: Heed) -> tuple[str, dict[str, Any]]:
    """A draft, and every kind of request about it with what it was sent as."""
    message = (await post(heed, body=LARGE)).json["id"]
    paths: dict[str, Any] = {
        "/messages": LARGE,
        f"/messages/{message}/attachments?filename=secret.txt": b"Hi",
        f"/messages/{message}/prepare": None,
    }
    for path, body in paths.items():
        answer = await post(heed, path, body)
        assert answer.status < 300, answer.body
    return message, paths


async def test_with_a_message_goes_every_answer_that_shows_it(heed: Heed) -> None:
    message, paths = await holding_answers(heed)
    other = (await post(heed, key="other")).json

    assert (await heed.api("DELETE", f"/messages/{message}")).status == 200

    answers = [row for row in await kept(heed) if "answer" in str(row.values) or "blob" in str(row.values)]
    assert len(answers) == 1
    assert blobs(heed) == []
    for path, body in paths.items():
        again = await post(heed, path, body)
        assert (again.status, "deleted with the message" in again.json["detail"]) == (409, True), path
    assert (await post(heed, key="other")).json == other
    assert [each["id"] for each in (await heed.get("/messages"))["items"]] == [other["id"]]


async def test_what_was_answered_about_a_card_goes_with_its_message(heed: Heed) -> None:
    await opened(heed)
    [card] = await cards(heed)
    path = f"/cards/{card['id']}/feedback"
    assert (await post(heed, path, {"useful": True}, x_heed_user="rep1")).status == 200

    await heed.services.kept_answers.forget_message("acme", card["message"])

    assert (await post(heed, path, {"useful": True}, x_heed_user="rep1")).status == 409


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_deletion_that_storage_cuts_short_is_finished_when_it_is_asked_for_again(when: When) -> None:
    failure = Failure()
    for number in range(1, 200):
        heed = await disturbed_heed(failure)
        message = (await post(heed)).json["id"]
        assert (await post(heed, f"/messages/{message}/attachments?filename=a.txt", b"Hi")).status == 201
        failure.arm(number, when)
        answer = await heed.api("DELETE", f"/messages/{message}")
        finished = failure.count < number
        failure.arm(0, when)
        for _ in range(3):
            if answer.status not in (409, 503):
                break
            answer = await heed.api("DELETE", f"/messages/{message}")
        assert answer.status in (200, 404), number
        assert (await heed.api("GET", f"/messages/{message}")).status == 404
        assert not any("answer" in str(row.values) for row in await kept(heed)), number
        if finished:
            return
    raise AssertionError("a deletion has fewer operations")


async def test_an_answer_sealed_with_a_retired_key_is_a_clear_error(heed: Heed) -> None:
    made = await post(heed)
    large = await post(heed, body=LARGE, key="large")
    later = Heed(clock=heed.clock, storage=heed.storage, settings={"HEED_TOKEN_KEYS": RETIRED_BY}, key=heed.key)
    both = Heed(
        clock=heed.clock, storage=heed.storage, settings={"HEED_TOKEN_KEYS": f"{RETIRED_BY},{TOKEN_KEYS}"}, key=heed.key
    )

    for first, again in ((made, await post(later)), (large, await post(later, body=LARGE, key="large"))):
        assert again.status == 409
        assert "token key that is retired" in again.json["detail"]
        assert first.json["id"] in again.json["detail"]
        assert "new Idempotency-Key" in again.json["detail"]
    assert (await post(both)).json == made.json
    assert len((await heed.get("/messages"))["items"]) == 2


@pytest.mark.parametrize(
    ("first", "other"),
    [
        ({"content_type": "application/json"}, {"content_type": "application/merge-patch+json"}),
        ({"x_heed_user": "rep1"}, {}),
        ({"x_heed_user": "rep1"}, {"x_heed_user": "rep2"}),
    ],
)
async def test_another_content_type_or_acting_user_makes_another_request(
    heed: Heed, first: dict[str, str], other: dict[str, str]
) -> None:
    await heed.put("/users/rep2", {"email": "rep2@acme.example", "opt_in": True})
    made = await post(heed, **first)

    assert (await post(heed, **first)).json == made.json
    refused = await post(heed, **other)
    assert refused.status == 422
    assert "content type or acting user" in refused.json["detail"]
    assert len((await heed.get("/messages"))["items"]) == 1


async def test_a_request_that_an_earlier_release_has_kept_is_still_answered(heed: Heed) -> None:
    """Its row says nothing of content type and user."""
    idempotency = heed.services.idempotency
    begun = await idempotency.begin("acme", "api/orgs/acme/messages", KEY, json.dumps(DRAFT).encode())
    assert isinstance(begun, Begun)
    await idempotency.complete("acme", begun, 201, b'{"id": "old"}', None)

    answer = await post(heed, content_type="application/json", x_heed_user="rep1")

    assert answer.json == {"id": "old"}


async def test_an_answer_that_comes_when_the_organization_is_gone_is_dropped(heed: Heed) -> None:
    idempotency: Idempotency = heed.services.idempotency
    begun = await idempotency.begin("acme", "api/orgs/acme/messages", KEY, b"{}")
    assert isinstance(begun, Begun)
    await heed.services.organizations.delete_organization("acme")

    await idempotency.complete("acme", begun, 201, b"{}", None, "0" * 32)

    assert await kept(heed) == []
