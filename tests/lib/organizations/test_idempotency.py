"""`Idempotency-Key`: a POST that is repeated gets its first answer, and does nothing a second time."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from lib.organizations.idempotency import Begun, OtherBody, UnderWay
from lib.storage import Range, Unavailable
from lib.storage.protocols import EVERYTHING
from tests.support.heed import ADMIN_KEY, Heed, Response

KEY = "a-key-of-the-clients"
DRAFT = {"from": "rep1", "to": [{"email": "ada@example.com"}], "subject": "Hello", "text": "Hi"}
PATH = "api/orgs/acme/messages"


@pytest.fixture
async def heed() -> Heed:
    return await Heed().start()


async def post(heed: Heed, body: Any = DRAFT, key: str = KEY, path: str = "/messages") -> Response:
    return await heed.api("POST", path, body, idempotency_key=key)


async def messages(heed: Heed) -> int:
    return len((await heed.get("/messages?view=all"))["items"])


async def test_the_same_post_again_gets_the_same_answer_and_makes_nothing(heed: Heed) -> None:
    first = await post(heed)
    heed.clock.move(hours=23)
    again = await post(heed)
    assert first.status == again.status == 201
    assert again.json == first.json
    assert again.headers["etag"] == first.headers["etag"]
    assert await messages(heed) == 1


async def test_another_key_makes_another_message(heed: Heed) -> None:
    first, second = await post(heed), await post(heed, key="another")
    assert first.json["id"] != second.json["id"]
    assert await messages(heed) == 2


async def test_the_same_key_with_another_body_is_refused(heed: Heed) -> None:
    await post(heed)
    other = await post(heed, {**DRAFT, "subject": "Other"})
    assert other.status == 422
    assert "another body" in other.json["detail"]
    assert await messages(heed) == 1


async def test_the_same_key_with_another_query_string_is_refused(heed: Heed) -> None:
    message = await heed.draft()
    path = f"/messages/{message}/attachments?filename="
    first = await heed.api("POST", f"{path}a.txt&followed=false", b"Hi", idempotency_key=KEY)

    same = await heed.api("POST", f"{path}a.txt&followed=false", b"Hi", idempotency_key=KEY)
    in_another_order = await heed.api(
        "POST", f"/messages/{message}/attachments?followed=false&filename=a.txt", b"Hi", idempotency_key=KEY
    )
    other = await heed.api("POST", f"{path}b.txt&followed=false", b"Hi", idempotency_key=KEY)

    assert (first.status, same.json, in_another_order.json) == (201, first.json, first.json)
    assert other.status == 422
    assert "another body or query string" in other.json["detail"]
    assert [file["filename"] for file in (await heed.get(f"/messages/{message}"))["attachments"]] == ["a.txt"]


async def test_the_same_key_on_another_path_is_another_request(heed: Heed) -> None:
    message = (await post(heed)).json["id"]
    assert (await post(heed, None, path=f"/messages/{message}/send")).status == 202


async def test_the_same_key_of_another_organization_is_another_request(heed: Heed) -> None:
    await post(heed)
    other = Heed(clock=heed.clock, storage=heed.storage)
    other.key = await other.organization("other")
    path = "/api/orgs/other/users/rep1"
    await other.request("PUT", path, {"email": "rep@other.example", "opt_in": True}, key=other.key)
    made = await other.request(
        "POST", "/api/orgs/other/messages", DRAFT, key=other.key, headers={"idempotency-key": KEY}
    )
    assert made.status == 201


async def test_a_key_is_forgotten_after_a_day(heed: Heed) -> None:
    first = await post(heed)
    heed.clock.move(hours=24, seconds=1)
    assert (await post(heed, {**DRAFT, "subject": "Other"})).json["id"] != first.json["id"]


async def test_a_send_that_is_repeated_sends_once(heed: Heed) -> None:
    message = await heed.draft()
    answers = [await post(heed, None, path=f"/messages/{message}/send") for _ in range(3)]
    await heed.work()
    assert [answer.status for answer in answers] == [202, 202, 202]
    assert heed.mail(0)
    with pytest.raises(IndexError):
        heed.mail(1)


async def test_a_post_whose_first_is_still_worked_on_has_to_wait(heed: Heed, monkeypatch: pytest.MonkeyPatch) -> None:
    arrived, gate = asyncio.Event(), asyncio.Event()
    make = heed.services.messages.make

    async def slow(*arguments: Any) -> str:
        arrived.set()
        await gate.wait()
        return await make(*arguments)

    monkeypatch.setattr(heed.services.messages, "make", slow)
    first = asyncio.create_task(post(heed))
    await arrived.wait()
    second = await post(heed)
    assert second.status == 409
    assert second.headers["retry-after"]
    gate.set()
    assert (await first).status == 201
    assert (await post(heed)).json == (await first).json
    assert await messages(heed) == 1


async def test_of_many_posts_at_the_same_moment_one_is_done(heed: Heed) -> None:
    answers = await asyncio.gather(*(post(heed) for _ in range(10)))
    assert {answer.status for answer in answers} <= {201, 409}
    assert await messages(heed) == 1
    assert (await post(heed)).status == 201


async def test_a_post_that_was_refused_may_be_tried_again_at_once(heed: Heed) -> None:
    wrong = {**DRAFT, "from": "nobody"}
    assert (await post(heed, wrong)).status == 422
    assert (await post(heed, wrong)).status == 422
    await heed.put("/users/nobody", {"email": "nobody@acme.example"})
    assert (await post(heed, wrong)).status == 201


async def test_a_post_that_met_a_fault_may_be_tried_again_at_once(heed: Heed, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*arguments: Any) -> str:
        raise Unavailable("storage answers 503")

    with monkeypatch.context() as patched:
        patched.setattr(heed.services.messages, "make", fail)
        assert (await post(heed)).status == 503
    assert (await post(heed)).status == 201
    assert await messages(heed) == 1


async def die_before_the_answer(heed: Heed, body: bytes) -> Begun:
    """What is left of a process that was killed in the middle of its work."""
    begun = await heed.services.idempotency.begin("acme", PATH, KEY, body)
    assert isinstance(begun, Begun)
    return begun


async def test_after_a_crash_the_lease_is_waited_for_and_the_same_id_used(heed: Heed) -> None:
    body = json.dumps(DRAFT).encode()
    dead = await die_before_the_answer(heed, body)
    assert (await post(heed, body)).status == 409
    heed.clock.move(seconds=61)
    answer = await post(heed, body)
    assert answer.status == 201
    assert answer.json["id"] == dead.made_id


async def test_a_crash_after_the_work_was_done_makes_nothing_twice(heed: Heed, monkeypatch: pytest.MonkeyPatch) -> None:
    async def die(*arguments: Any) -> None:
        raise Unavailable("storage answers 503")

    with monkeypatch.context() as patched:
        patched.setattr(heed.services.idempotency, "complete", die)
        assert (await post(heed)).status == 503
    assert await messages(heed) == 1
    heed.clock.move(seconds=61)
    answer = await post(heed)
    assert answer.status == 201
    assert (await heed.get("/messages?view=all"))["items"][0]["id"] == answer.json["id"]
    assert await messages(heed) == 1


async def test_who_took_over_is_not_overwritten_by_who_was_thought_dead(heed: Heed) -> None:
    idempotency, body = heed.services.idempotency, b"{}"
    slow = await die_before_the_answer(heed, body)
    heed.clock.move(seconds=61)
    quick = await die_before_the_answer(heed, body)
    await idempotency.complete("acme", quick, 201, b"quick", None)
    await idempotency.complete("acme", slow, 201, b"slow", None)
    answered = await idempotency.begin("acme", PATH, KEY, body)
    assert not isinstance(answered, Begun)
    assert answered.body == b"quick"


async def test_two_who_take_over_at_the_same_moment_are_not_both_let_in(heed: Heed) -> None:
    await die_before_the_answer(heed, b"{}")
    heed.clock.move(seconds=61)
    tries = [heed.services.idempotency.begin("acme", PATH, KEY, b"{}") for _ in range(2)]
    outcomes = await asyncio.gather(*tries, return_exceptions=True)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == [Begun.__name__, UnderWay.__name__]


async def test_a_body_is_compared_while_the_first_is_under_way_too(heed: Heed) -> None:
    await die_before_the_answer(heed, b"{}")
    with pytest.raises(OtherBody):
        await heed.services.idempotency.begin("acme", PATH, KEY, b"[]")


async def test_a_key_that_is_shown_once_is_shown_again_to_the_same_request_and_stored_sealed(heed: Heed) -> None:
    async def make_key() -> Response:
        headers = {"idempotency-key": KEY}
        return await heed.request("POST", "/api/orgs/acme/keys", {"scope": "full"}, key=ADMIN_KEY, headers=headers)

    first, again = await make_key(), await make_key()
    assert first.status == 201
    assert again.json == first.json
    secret = first.json["key"].rpartition(".")[2]
    for kind in ("heedacmerequests", "heedorgs"):
        rows = [row async for row in heed.storage.tables.query(kind, Range(), EVERYTHING)]
        assert rows
        assert not any(secret in str(row.values) for row in rows)


@pytest.mark.parametrize("key", ["", "x" * 256])
async def test_a_key_of_no_or_too_many_characters_is_refused(heed: Heed, key: str) -> None:
    assert (await post(heed, key=key)).status == 400


@pytest.mark.parametrize("body", [b"", b'{"detail": "x"}', b"x" * 100_000])
async def test_any_answer_is_remembered_as_it_was(heed: Heed, body: bytes) -> None:
    begun = await die_before_the_answer(heed, b"{}")
    await heed.services.idempotency.complete("acme", begun, 200, body, 'W/"1"')
    answered = await heed.services.idempotency.begin("acme", PATH, KEY, b"{}")
    assert not isinstance(answered, Begun)
    assert (answered.status, answered.body, answered.version) == (200, body, 'W/"1"')


async def test_a_very_large_answer_is_remembered_too() -> None:
    heed = await Heed().start()
    draft = {"from": "rep1", "to": [{"email": "ada@example.com"}], "html": "<p>large</p>" * 100_000}

    first = await heed.api("POST", "/messages", draft, idempotency_key="large")
    again = await heed.api("POST", "/messages", draft, idempotency_key="large")

    assert (first.status, again.status) == (201, 201)
    assert again.json == first.json
