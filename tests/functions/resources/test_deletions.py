"""Users and records that are deleted."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any, Literal

import pytest

from lib.operations import deleted_users
from lib.organizations.job_orders import DeletedUserOrder
from lib.storage import StorageError
from lib.storage.memory import memory_storage
from tests.support.failing import Failure, failing_storage
from tests.support.heed import ADMIN_KEY, Heed

LATER = "2026-05-05T09:00:00Z"


async def scheduled(heed: Heed, **fields: Any) -> str:
    message = await heed.draft(deliver_at=LATER, **fields)
    assert (await heed.api("POST", f"/messages/{message}/send")).status == 202
    return message


async def read_state(heed: Heed, message: str) -> tuple[str, str | None]:
    read = await heed.get(f"/messages/{message}")
    return read["status"], read["failure"] and read["failure"]["code"]


async def test_scheduled_mail_of_a_deleted_user_is_held_with_a_card_for_who_has_deleted(heed: Heed) -> None:
    await heed.put("/users/boss", {"email": "boss@acme.example"})
    waiting, draft = await scheduled(heed), await heed.draft()

    answer = await heed.api("DELETE", "/users/rep1", x_heed_user="boss")

    assert (answer.status, answer.json) == (200, {"deleted": "rep1"})
    assert await read_state(heed, waiting) == ("failed", "sender_deleted")
    assert await read_state(heed, draft) == ("draft", None)
    [card] = (await heed.get("/cards", x_heed_user="boss"))["items"]
    assert (card["kind"], card["message"], card["priority"]) == ("send_failed", waiting, "high")
    assert "rep1" in card["text"]
    assert (await heed.get("/messages?view=scheduled"))["items"] == []
    assert (await heed.api("GET", "/users/rep1")).status == 404


async def schedule_many(heed: Heed, count: int) -> list[str]:
    return [await scheduled(heed, subject=f"Mail {number}") for number in range(count)]


async def test_any_number_of_mails_is_held_with_a_card_each_by_pieces_of_the_queue(
    heed: Heed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deleted_users, "_HELD_BEFORE_THE_ANSWER", 2)
    monkeypatch.setattr(deleted_users, "_HELD_IN_A_PIECE", 3)
    await heed.put("/users/boss", {"email": "boss@acme.example"})
    messages = await schedule_many(heed, 12)

    assert (await heed.api("DELETE", "/users/rep1", x_heed_user="boss")).status == 200
    assert 2 <= [(await read_state(heed, each))[0] for each in messages].count("failed") < 12
    await heed.work("jobs")

    assert {await read_state(heed, each) for each in messages} == {("failed", "sender_deleted")}
    cards = (await heed.get("/cards?limit=50", x_heed_user="boss"))["items"]
    assert sorted(each["message"] for each in cards) == sorted(messages)


async def test_a_piece_that_comes_twice_or_dies_half_way_holds_each_mail_with_one_card(heed: Heed) -> None:
    await heed.put("/users/boss", {"email": "boss@acme.example"})
    memory, failure = heed.storage, Failure()
    number, failed = 0, 0
    order = DeletedUserOrder("acme", "rep1", "boss")
    while number < failed + 5:
        number += 1
        message = await scheduled(heed)
        found = await heed.services.people.users.load("acme", "user", "rep1")
        assert found
        await heed.services.people.users.remove("acme", "user", "rep1", found[1])
        failing = Heed(storage=replace(failing_storage(memory, failure), queues=memory.queues), clock=heed.clock)
        failure.arm(number, "after")
        try:
            await failing.services.deleted_users.do_piece(order)
        except StorageError:
            failed = number
        failure.arm(0, "after")
        for _ in range(2):
            await heed.services.deleted_users.do_piece(order)
        assert await read_state(heed, message) == ("failed", "sender_deleted"), number
        assert (await heed.get("/messages?view=scheduled"))["items"] == []
        cards = (await heed.get("/cards?limit=200", x_heed_user="boss"))["items"]
        assert [each["message"] for each in cards].count(message) == 1, number
        await heed.put("/users/rep1", {"email": "rep@acme.example", "opt_in": True})
    assert failed > 5


async def test_mail_that_was_scheduled_at_the_moment_of_the_deletion_is_held_a_minute_later(heed: Heed) -> None:
    message = await scheduled(heed)
    found = await heed.services.people.users.load("acme", "user", "rep1")
    assert found
    await heed.api("DELETE", "/users/rep1")
    loaded = await heed.services.messages.load("acme", message)
    assert loaded
    late = loaded.message.model_copy(update={"state": "scheduled", "failure": None})
    await heed.services.messages.change("acme", late, loaded.etag)
    await heed.services.assessor.refresh("acme", message)

    await heed.work("jobs")

    assert await read_state(heed, message) == ("failed", "sender_deleted")


async def test_a_user_who_was_not_deleted_after_all_or_is_made_again_keeps_the_mail(heed: Heed) -> None:
    message = await scheduled(heed)

    await heed.services.deleted_users.do_piece(DeletedUserOrder("acme", "rep1", None))

    assert await read_state(heed, message) == ("scheduled", None)


async def test_two_deletions_at_once_end_with_one_deleted_user_and_one_card(heed: Heed) -> None:
    await heed.put("/users/boss", {"email": "boss@acme.example"})
    messages = await schedule_many(heed, 3)

    answers = await asyncio.gather(*(heed.api("DELETE", "/users/rep1", x_heed_user="boss") for _ in range(3)))
    await heed.work()

    assert sorted({answer.status for answer in answers} - {404, 409, 412}) == [200]
    assert {await read_state(heed, each) for each in messages} == {("failed", "sender_deleted")}
    assert len((await heed.get("/cards", x_heed_user="boss"))["items"]) == 3


async def test_mailboxes_of_a_deleted_user_are_read_no_more_and_others_are(heed: Heed) -> None:
    spec = {"kind": "imap", "host": "imap.example.com", "user": "rep", "secret": "HEED_MAILBOX_ACME_REP"}
    await heed.put("/mailboxes/mine", {**spec, "owner": "rep1"})
    await heed.put("/mailboxes/theirs", {**spec, "owner": "rep2"})
    await heed.put("/mailboxes/shared", {**spec, "queue": True})

    await heed.api("DELETE", "/users/rep1")

    boxes = {each["id"]: each for each in (await heed.get("/mailboxes"))["items"]}
    assert {name: each["enabled"] for name, each in boxes.items()} == {"mine": False, "theirs": True, "shared": True}
    assert "rep1 was deleted" in boxes["mine"]["last_error"]


async def test_held_mail_never_leaves_by_itself_and_leaves_with_another_sender(heed: Heed) -> None:
    await heed.put("/users/boss", {"email": "boss@acme.example", "opt_in": True})
    message = await scheduled(heed)
    await heed.api("DELETE", "/users/rep1")

    heed.clock.move(days=2)
    await heed.tick("sweep_due")
    await heed.work()
    assert heed.services.transport.sent == []  # type: ignore[union-attr]

    patched = await heed.api("PATCH", f"/messages/{message}", {"from": "boss", "deliver_at": None})
    assert patched.status == 200, patched.body
    await heed.post(f"/messages/{message}/send")
    await heed.work()
    assert (await heed.get(f"/messages/{message}"))["status"] == "sent"


@pytest.mark.parametrize("when", ["before", "after"])
async def test_wherever_a_deletion_dies_the_next_one_finishes_it(when: Literal["before", "after"]) -> None:
    number, failed = 0, {0}
    while number < max(failed) + 6:  # some failures do no harm, so that one without an error is not the last one
        number += 1
        memory, failure = memory_storage(), Failure()
        heed = await Heed(storage=replace(failing_storage(memory, failure), queues=memory.queues)).start()
        message = await scheduled(heed)
        await heed.put("/records/contact/c1", {"emails": ["ada@example.com"], "follow_email": "do_not_allow"})

        failure.arm(number, when)
        answers = [await heed.api("DELETE", path) for path in ("/users/rep1", "/records/contact/c1")]
        failure.arm(0, when)
        if any(answer.status != 200 for answer in answers):
            failed.add(number)

        for path in ("/users/rep1", "/records/contact/c1"):
            assert (await heed.api("DELETE", path)).status in (200, 404), number
        await heed.work()
        assert await read_state(heed, message) == ("failed", "sender_deleted"), number
        assert (await heed.get("/consents/ada@example.com"))["follow"] == "do_not_allow", number
        assert (await heed.get("/records?email=ada@example.com"))["items"] == [], number
    assert len(failed) > 8


async def test_a_deleted_user_acts_no_more_and_can_be_made_again(heed: Heed) -> None:
    token = (await heed.api("POST", "/users/rep1/tokens")).json["token"]
    assert (await heed.request("GET", "/api/orgs/acme/cards", key=token)).status == 200

    await heed.api("DELETE", "/users/rep1")

    assert (await heed.request("GET", "/api/orgs/acme/cards", key=token)).status == 403
    assert (await heed.api("GET", "/cards", x_heed_user="rep1")).status == 422
    assert (await heed.api("DELETE", "/users/rep1")).status == 404
    assert (await heed.put("/users/rep1", {"email": "rep@acme.example"}))["opt_in"] is False


@pytest.mark.parametrize("path", ["/users/rep1", "/records/contact/c1"])
async def test_only_the_version_that_if_match_names_is_deleted(heed: Heed, path: str) -> None:
    await heed.put("/records/contact/c1", {})
    etag = (await heed.get(path))["etag"]
    changed = (await heed.api("PATCH", path, {"name": "Other"})).json["etag"]

    assert (await heed.api("DELETE", path, if_match=etag)).status == 412
    assert (await heed.api("DELETE", path, if_match=changed)).status == 200


@pytest.mark.parametrize("scope", ["read", "inbound", "user"])
async def test_who_deletes_needs_a_key_for_it(heed: Heed, scope: str) -> None:
    await heed.put("/records/contact/c1", {})
    if scope == "user":
        key = (await heed.api("POST", "/users/rep1/tokens")).json["token"]
    else:
        key = (await heed.request("POST", "/api/orgs/acme/keys", {"scope": scope}, key=ADMIN_KEY)).json["key"]

    for path in ("/users/rep1", "/records/contact/c1"):
        assert (await heed.request("DELETE", f"/api/orgs/acme{path}", key=key)).status == 403


async def test_deletions_stand_in_the_audit_log(heed: Heed) -> None:
    await heed.put("/records/contact/c1", {})
    await heed.api("DELETE", "/records/contact/c1")
    await heed.api("DELETE", "/users/rep1")

    admin = (await heed.request("POST", "/api/orgs/acme/keys", {"scope": "admin"}, key=ADMIN_KEY)).json["key"]
    log = (await heed.request("GET", "/api/orgs/acme/audit", key=admin)).json["items"]
    acts = {(each["act"], each["target"]) for each in log}
    assert {("user.deleted", "rep1"), ("record.deleted", "contact/c1")} <= acts


async def test_a_deleted_record_is_matched_and_listed_no_more_and_its_messages_stay(heed: Heed) -> None:
    await heed.put("/records/account/a1", {})
    await heed.put("/records/contact/c1", {"emails": ["ada@example.com"], "parent": {"type": "account", "id": "a1"}})
    message = await heed.sent(to=[{"email": "ada@example.com"}])
    for _ in range(2):
        heed.clock.move(minutes=10)
        await heed.hit(heed.urls("o")[0])
    await heed.work()
    assert (await heed.get("/records/account/a1"))["engagement"]["opens"] == 2

    answer = await heed.api("DELETE", "/records/contact/c1")
    await heed.work()

    assert (answer.status, answer.json) == (200, {"deleted": "c1"})
    assert (await heed.api("GET", "/records/contact/c1")).status == 404
    assert (await heed.get("/records?email=ada@example.com"))["items"] == []
    engaged = (await heed.get("/records?view=engaged-this-week"))["items"]
    assert [each["id"] for each in engaged] == []
    assert (await heed.get("/records/account/a1"))["engagement"]["opens"] == 0
    listed = (await heed.get("/messages?record=contact/c1"))["items"]
    assert [each["id"] for each in listed] == [message]
    draft = await heed.draft(to=[{"email": "ada@example.com"}])
    [recipient] = (await heed.get(f"/messages/{draft}/recipients"))["items"]
    assert recipient["resolved_by"] == "none"


async def test_a_no_outlives_the_record_that_said_it(heed: Heed) -> None:
    await heed.put("/records/contact/c1", {"emails": ["ada@example.com"], "follow_email": "do_not_allow"})

    await heed.api("DELETE", "/records/contact/c1")

    history = await heed.get("/consents/ada@example.com")
    assert history["follow"] == "do_not_allow"
    assert "contact c1" in history["history"][0]["source"]
    draft = await heed.draft(to=[{"email": "ada@example.com"}])
    assert (await heed.get(f"/messages/{draft}"))["follow_state"]["state"] == "blocked"
    await heed.put("/consents/ada@example.com", {"follow": "allow"})
    assert (await heed.get(f"/messages/{draft}"))["follow_state"]["state"] == "on"
    assert not await heed.services.stops.is_address_stopped("acme", "ada@example.com")


async def test_consents_outlive_the_record(heed: Heed) -> None:
    await heed.put("/records/contact/c1", {"emails": ["ada@example.com"], "follow_email": "allow"})
    await heed.put("/consents/ada@example.com", {"follow": "allow"})

    await heed.api("DELETE", "/records/contact/c1")

    read = await heed.get("/consents/ada@example.com")
    assert (read["follow"], len(read["history"])) == ("allow", 1)


async def test_a_record_goes_with_those_that_were_merged_into_it(heed: Heed) -> None:
    for each in ("c1", "c2"):
        await heed.put(f"/records/contact/{each}", {"emails": [f"{each}@example.com"]})
    await heed.post("/records/contact/c1/merge", {"into": {"type": "contact", "id": "c2"}})
    assert (await heed.api("DELETE", "/records/contact/c1")).status == 409

    await heed.api("DELETE", "/records/contact/c2")

    assert (await heed.api("GET", "/records/contact/c1")).status == 404
    assert (await heed.api("PUT", "/records/contact/c1", {"name": "New"})).status == 201
    assert (await heed.get("/records/contact/c1"))["merged"] == []
