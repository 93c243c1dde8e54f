"""Lists show the follow state that the message shows, whatever has changed since the message was made."""

from __future__ import annotations

from typing import Any

import pytest

from lib.people.records import StoredRecord
from lib.people.store import record_partition
from lib.storage import Storage
from lib.storage.memory import memory_storage
from lib.transports import Refused
from lib.transports.memory import MemoryTransport
from tests.functions.resources.test_rescheduling_reads import reads
from tests.support.cards import TOMORROW, pass_time
from tests.support.failing import FailingTables, Failure
from tests.support.heed import ADMIN_KEY, Heed

__all__ = ["reads"]

CONTACT = {"type": "contact", "id": "c1"}
ADA = {"email": "ada@example.com", "name": "Ada", "record": CONTACT}
BOB = {"email": "Bob@example.com"}
NO = {"follow": "do_not_allow"}


async def listed(heed: Heed, message: str) -> Any:
    """The follow state in every list that holds the message: all show the same one."""
    [first, *others] = [
        item["follow_state"]
        for query in ("view=all", "owner=rep1", "record=contact/c1", "sort=-opens")
        for item in (await heed.get(f"/messages?{query}&limit=200"))["items"]
        if item["id"] == message
    ]
    assert others == [first] * 3
    return first


async def agreed(heed: Heed, message: str) -> Any:
    """The follow state that lists show, read before the message itself, which shows the same one."""
    shown = await listed(heed, message)
    assert (await heed.get(f"/messages/{message}"))["follow_state"] == shown
    return shown


async def unsent(heed: Heed, how: str, **fields: Any) -> str:
    message = await heed.draft(**{"to": [ADA, BOB], **fields})
    if how == "scheduled":
        await heed.api("PATCH", f"/messages/{message}", {"deliver_at": TOMORROW})
        await heed.post(f"/messages/{message}/send")
    elif how == "prepared":
        await heed.post(f"/messages/{message}/prepare")
    return message


async def change(heed: Heed, method: str, path: str, body: Any) -> None:
    if path == "":
        answer = await heed.request(method, "/api/orgs/acme", body, key=ADMIN_KEY)
    else:
        answer = await heed.api(method, path, body)
    assert answer.status in (200, 201), answer.body


CHANGES: dict[str, tuple[tuple[str, str, Any], tuple[str, str, Any]]] = {
    "a consent": (("PUT", "/consents/ada@example.com", NO), ("PUT", "/consents/ADA@example.com", {"follow": "allow"})),
    "a consent of an address without a record": (
        ("PUT", "/consents/bob@example.com", NO),
        ("PUT", "/consents/bob@example.com", {"follow": "allow"}),
    ),
    "a record that is put": (
        ("PUT", "/records/contact/c1", {"follow_email": "do_not_allow"}),
        ("PUT", "/records/contact/c1", {"name": "Ada"}),
    ),
    "a record that is patched": (
        ("PATCH", "/records/contact/c1", {"follow_email": "do_not_allow"}),
        ("PATCH", "/records/contact/c1", {"follow_email": "unknown"}),
    ),
    "the sender's opt-in": (
        ("PATCH", "/users/rep1", {"opt_in": False}),
        ("PUT", "/users/rep1", {"email": "rep@acme.example", "name": "Rita Rep", "opt_in": True}),
    ),
    "everybody's opt-in": (
        ("POST", "/users/opt-in", {"users": "all", "opt_in": False}),
        ("POST", "/users/opt-in", {"users": ["rep1"], "opt_in": True}),
    ),
    "the organization's settings": (
        ("PATCH", "", {"settings": {"tracking": "off"}}),
        ("PUT", "", {"name": "acme", "settings": {"tracking": "allow"}}),
    ),
}


@pytest.mark.parametrize("how", ["draft", "scheduled", "prepared"])
@pytest.mark.parametrize("what", CHANGES)
async def test_a_change_of_what_is_said_shows_in_lists_at_once(heed: Heed, how: str, what: str) -> None:
    await heed.put("/records/contact/c1", {"name": "Ada"})
    message = await unsent(heed, how)
    assert (await agreed(heed, message))["state"] == "on"
    no, yes = CHANGES[what]

    await change(heed, *no)
    assert (await agreed(heed, message))["state"] == "blocked"
    await change(heed, *yes)
    assert (await agreed(heed, message))["state"] == "on"


async def test_a_change_of_the_message_shows_in_lists(heed: Heed) -> None:
    await heed.put("/consents/eve@example.com", NO)
    message = await unsent(heed, "draft")

    await heed.api("PATCH", f"/messages/{message}", {"follow": False})
    assert (await agreed(heed, message))["state"] == "off"
    await heed.api("PATCH", f"/messages/{message}", {"follow": True, "cc": [{"email": "eve@example.com"}]})
    assert (await agreed(heed, message))["blocked_by"] == ["eve@example.com"]
    await heed.put("/consents/eve@example.com", {"follow": "allow"})
    assert (await agreed(heed, message))["state"] == "on"
    await heed.api("PATCH", f"/messages/{message}", {"cc": []})
    await heed.put("/consents/eve@example.com", NO)
    assert (await agreed(heed, message))["state"] == "on"


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "/schedule", {"deliver_at": "2026-05-06T07:00:00Z"}),
        ("PATCH", "", {"deliver_at": "2026-05-06T07:00:00Z"}),
        ("PUT", "/reminder", {"title": "Call", "condition": "always", "at": "2026-05-09T07:00:00Z"}),
    ],
)
async def test_another_time_answers_with_what_is_said_now_and_asks_nobody(
    heed: Heed, reads: list[str], method: str, path: str, body: Any
) -> None:
    message = await unsent(heed, "scheduled")
    await heed.put("/consents/bob@example.com", NO)
    reads.clear()

    answer = await heed.api(method, f"/messages/{message}{path}", body)

    assert [each for each in reads if each.startswith(("record", "consent"))] == []
    assert answer.json["follow_state"]["blocked_by"] == ["Bob@example.com"]
    assert await agreed(heed, message) == answer.json["follow_state"]


ACCOUNT = {"type": "account", "id": "a1"}
ADAS = {"emails": ["ada@example.com"], "parent": ACCOUNT}


@pytest.mark.parametrize("how", ["draft", "scheduled", "prepared"])
@pytest.mark.parametrize("ada", [ADA, {"email": "ada@example.com"}])
async def test_a_no_of_a_parent_shows_in_lists_at_once(heed: Heed, how: str, ada: Any) -> None:
    await heed.put("/records/contact/c1", ADAS)
    about = {"regarding": CONTACT}  # so that the list of the contact has it
    message = await unsent(heed, how, to=[ada, BOB], **about)
    assert (await agreed(heed, message))["state"] == "on"

    await change(heed, "PUT", "/records/account/a1", {"follow_email": "do_not_allow"})
    assert (await agreed(heed, message))["blocked_by"] == ["ada@example.com"]
    await change(heed, "PATCH", "/records/account/a1", {"follow_email": "unknown", "parent": {**ACCOUNT, "id": "a2"}})
    assert (await agreed(heed, message))["state"] == "on"
    await change(heed, "PUT", "/records/account/a2", {"follow_email": "do_not_allow"})
    assert (await agreed(heed, message))["state"] == "blocked"
    await change(heed, "PATCH", "/records/contact/c1", {"parent": None})
    assert (await agreed(heed, message))["state"] == "on"
    await change(heed, "PUT", "/records/account/a1", {"follow_email": "do_not_allow"})
    assert (await agreed(heed, message))["state"] == "on"


async def test_parents_are_looked_at_as_long_as_it_is_not_decided(heed: Heed) -> None:
    await heed.put("/records/contact/c1", {**ADAS, "parent": {**CONTACT, "id": "c2"}})
    await heed.put("/records/contact/c2", {"parent": CONTACT})  # a circle
    draft = await unsent(heed, "draft", to=[ADA])
    assert len(await undecided(heed)) == 4
    await heed.api("PATCH", f"/messages/{draft}", {"to": [BOB]})
    assert len(await undecided(heed)) == 2
    await heed.api("PATCH", f"/messages/{draft}", {"to": [ADA]})
    await heed.post(f"/messages/{draft}/send")
    await heed.work()

    assert await undecided(heed) == []


async def test_a_sent_mail_stays_as_it_went_out(heed: Heed) -> None:
    message = await heed.sent(to=[ADA])
    await heed.put("/consents/ada@example.com", NO)

    assert (await agreed(heed, message))["state"] == "on"


async def test_what_is_decided_at_the_time_of_sending_shows_in_lists(heed: Heed) -> None:
    message = await unsent(heed, "scheduled", to=[ADA])
    await heed.put("/consents/ada@example.com", NO)

    await pass_time(heed, days=1)
    await heed.put("/consents/ada@example.com", {"follow": "allow"})

    assert (await heed.get(f"/messages/{message}"))["status"] == "sent"
    assert (await agreed(heed, message))["state"] == "blocked"


async def test_a_failed_mail_that_is_changed_is_open_to_what_is_said(heed: Heed) -> None:
    heed = await Heed(transport=MemoryTransport(Refused(temporary=False, code="550", text="No."))).start()
    message = await heed.sent(to=[ADA])
    assert (await agreed(heed, message))["state"] == "on"

    await heed.api("PATCH", f"/messages/{message}", {"to": [ADA, BOB]})
    await heed.put("/consents/bob@example.com", NO)

    assert (await agreed(heed, message))["blocked_by"] == ["Bob@example.com"]


async def test_of_many_messages_the_queue_brings_the_rest_up_to_date(heed: Heed) -> None:
    messages = [await unsent(heed, "draft") for _ in range(45)]

    await heed.put("/consents/bob@example.com", NO)
    await heed.work("interactions")

    assert [(await listed(heed, message))["state"] for message in messages] == ["blocked"] * 45


async def test_a_list_reads_no_recipients_record(heed: Heed, reads: list[str]) -> None:
    for _ in range(3):
        await unsent(heed, "draft")
    reads.clear()

    await heed.get("/messages?view=all")

    assert reads == []


async def test_reading_the_message_mends_a_list_that_was_told_of_no_change(heed: Heed) -> None:
    message = await unsent(heed, "draft")
    record = StoredRecord(type="contact", id="c1", follow_email="do_not_allow")
    await heed.services.people.records.save("acme", record_partition("contact"), "c1", record, None)

    state = (await heed.get(f"/messages/{message}"))["follow_state"]

    assert state["state"] == "blocked"
    assert await listed(heed, message) == state


async def undecided(heed: Heed, storage: Storage | None = None) -> list[str]:
    tables = (storage or heed.storage).tables
    return [row.key async for row in tables.query("heedacmeindex", "undecided")]


async def test_nothing_is_looked_at_again_once_it_is_decided_or_gone(heed: Heed) -> None:
    draft = await unsent(heed, "draft")
    assert len(await undecided(heed)) == 4
    await heed.sent(to=[ADA])
    await heed.api("DELETE", f"/messages/{draft}")

    assert await undecided(heed) == []
    assert "example" not in str(await undecided(heed))


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("what", ["a consent", "a record that is put", "a recipient"])
async def test_a_change_that_dies_anywhere_is_right_after_the_next_try(when: Any, what: str) -> None:
    """Storage fails for good at every other operation of the change in turn; the client asks again."""
    for number in range(1 if when == "before" else 2, 60, 2):
        failure = Failure()
        memory = memory_storage()
        heed = await Heed(storage=Storage(FailingTables(memory.tables, failure), memory.blobs, memory.queues)).start()
        await heed.put("/consents/eve@example.com", NO)
        message = await unsent(heed, "draft")
        asked = CHANGES[what][0] if what in CHANGES else (
            "PATCH", f"/messages/{message}", {"to": [ADA, {"email": "eve@example.com"}]}
        )  # fmt: skip
        failure.arm(number, when)
        answer = await heed.api(*asked)
        failed = failure.count >= number
        failure.arm(0, when)
        if answer.status not in (200, 201):
            await change(heed, *asked)

        assert (await agreed(heed, message))["state"] == "blocked", number
        assert len(await undecided(heed, memory)) == 4, number
        if not failed:
            return
    raise AssertionError("the change never came to its end")
