"""People give orders at awkward times, workers die or come late: nobody gets two, and what is said is true."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from lib.sending.schedule import Schedule
from lib.transports import Accepted, Envelope, Outcome, RecipientRefusal, Unknown
from lib.transports.memory import MemoryTransport
from tests.support.copying import LATER, NEVER, OK, SILENCE, Dies, deliver, received, take_over
from tests.support.heed import Heed

ADA, BOB, CY = "ada@example.com", "bob@example.com", "cy@example.com"
BOB_LATER = RecipientRefusal(BOB, "451", "later", temporary=True)


async def heed_with(transport: MemoryTransport, *to: str) -> tuple[Heed, str]:
    """Heed that sends one mail to all of these, and a message that was told to go."""
    heed = await Heed(transport=transport).start()
    message = await heed.draft(to=[{"email": email} for email in to])
    await heed.post(f"/messages/{message}/send")
    return heed, message


async def delivery(heed: Heed, message: str) -> dict[str, str]:
    items = (await heed.get(f"/messages/{message}/recipients"))["items"]
    return {each["email"]: each["delivery"]["state"] for each in items}


async def test_a_worker_that_has_given_the_message_back_does_not_take_it_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("lib.sending.copies_outbox.RENEW_EVERY", 0.001)
    leave = Schedule.leave

    async def slowly(*parts: Any) -> None:
        await asyncio.sleep(0.05)
        await leave(*parts)

    monkeypatch.setattr(Schedule, "leave", slowly)
    heed, message = await heed_with(MemoryTransport(SILENCE), ADA)

    loaded = await deliver(heed, message)

    assert not loaded.is_held
    assert (await heed.api("POST", f"/messages/{message}/resolve", {"as": "sent"})).status == 200


@pytest.mark.parametrize("taken", [False, True])
@pytest.mark.parametrize("order", ["resend", "sent"])
async def test_no_order_is_taken_while_only_the_outbox_can_tell_that_a_worker_has_died(order: str, taken: bool) -> None:
    transport = Dies(2, taken, Unknown("no answer", refused=(BOB_LATER,)))
    heed, message = await heed_with(transport, ADA, BOB)
    await deliver(heed, message)
    assert await delivery(heed, message) == {ADA: "uncertain", BOB: "pending"}
    with pytest.raises(KeyboardInterrupt):
        await deliver(heed, message, minutes=2)
    heed.clock.move(minutes=5)

    assert (await heed.api("POST", f"/messages/{message}/resolve", {"as": order})).status == 409
    await take_over(heed, message)

    assert await delivery(heed, message) == {ADA: "uncertain", BOB: "uncertain"}
    assert received(transport)[BOB] <= 1 + 1  # named in the first try, which did not take him


async def test_a_person_who_says_that_it_was_sent_leaves_the_others_to_be_tried_on() -> None:
    transport = MemoryTransport(Unknown("no answer", refused=(BOB_LATER,)))
    heed, message = await heed_with(transport, ADA, BOB)
    await deliver(heed, message)

    assert (await heed.post(f"/messages/{message}/resolve", {"as": "sent"}))["status"] == "sent"
    assert await delivery(heed, message) == {ADA: "accepted", BOB: "pending"}
    await deliver(heed, message, minutes=2)

    assert await delivery(heed, message) == {ADA: "accepted", BOB: "accepted"}
    assert [each.recipients for each in transport.sent] == [(ADA, BOB), (BOB,)]


async def test_a_mail_sent_again_to_those_refused_goes_to_those_who_wait_too_and_to_nobody_else() -> None:
    refused = RecipientRefusal(CY, "550", "unknown", temporary=False)
    transport = MemoryTransport(Accepted(refused=(BOB_LATER, refused)))
    heed, message = await heed_with(transport, ADA, BOB, CY)
    await deliver(heed, message)

    await heed.post(f"/messages/{message}/send")
    await deliver(heed, message)

    assert [each.recipients for each in transport.sent] == [(ADA, BOB, CY), (BOB, CY)]
    assert set((await delivery(heed, message)).values()) == {"accepted"}


async def test_a_mail_that_waits_for_its_next_try_goes_at_once_when_its_time_is_changed() -> None:
    transport = MemoryTransport(*[LATER] * 5)
    heed, message = await heed_with(transport, ADA, BOB)
    for _ in range(5):
        await deliver(heed, message, minutes=40)
    assert (await heed.get(f"/messages/{message}"))["status"] == "scheduled"

    assert (await heed.api("DELETE", f"/messages/{message}/schedule")).status == 200
    await deliver(heed, message)

    assert len(transport.sent) == 6
    assert set((await delivery(heed, message)).values()) == {"accepted"}


async def test_a_mail_that_was_refused_for_now_and_put_off_for_days_has_a_day_again_from_then_on() -> None:
    transport = MemoryTransport(*[LATER] * 3)
    heed, message = await heed_with(transport, ADA)
    await deliver(heed, message)

    later = {
        "deliver_at": "2026-05-08T09:00:00Z",
        "reminder": {"title": "Ask", "condition": "always", "at": "2026-05-09T09:00:00Z"},
    }
    answer = await heed.api("PATCH", f"/messages/{message}", later)
    assert (answer.status, answer.json["reminder"]["title"]) == (200, "Ask")
    await deliver(heed, message, hours=2)
    assert len(transport.sent) == 1
    heed.clock.move(hours=94)
    for _ in range(3):
        await deliver(heed, message, minutes=20)

    assert await delivery(heed, message) == {ADA: "accepted"}
    assert len(transport.sent) == 4


async def test_a_late_answer_settles_those_of_whom_it_knows() -> None:
    transport = Overtaken()
    heed, message = await heed_with(transport, ADA, BOB, CY)
    transport.heed, transport.message = heed, message

    await heed.services.outbox.deliver("acme", message)

    assert await delivery(heed, message) == {ADA: "accepted", BOB: "uncertain", CY: "accepted"}


class Overtaken(MemoryTransport):
    """The hand-over takes so long that another worker takes over, and ends with a doubt about one recipient."""

    heed: Heed
    message: str

    async def send(self, envelope: Envelope) -> Outcome:
        self.sent.append(envelope)
        await take_over(self.heed, self.message)
        assert set((await delivery(self.heed, self.message)).values()) == {"uncertain"}
        return Accepted(unknown=(BOB,))


async def test_one_mailbox_in_to_and_cc_gets_one_mail_and_counts_once() -> None:
    transport = MemoryTransport(Accepted(refused=(BOB_LATER,)))
    heed = await Heed(transport=transport).start()
    message = await heed.draft(
        to=[{"email": ADA}, {"email": BOB}], cc=[{"email": "BOB@example.com"}, {"email": "Ada@example.com"}]
    )
    await heed.post(f"/messages/{message}/send")

    await deliver(heed, message)
    assert (await heed.get(f"/messages/{message}"))["status_text"].endswith("(of 2 recipients, 1 still waiting)")
    await deliver(heed, message, minutes=2)

    assert [each.recipients for each in transport.sent] == [(ADA, BOB), (BOB,)]
    assert set((await delivery(heed, message)).values()) == {"accepted"}


async def test_what_waits_in_an_organization_that_was_deleted_is_sent_to_nobody() -> None:
    transport = MemoryTransport(Accepted(refused=(BOB_LATER,)))
    heed, message = await heed_with(transport, ADA, BOB)
    await deliver(heed, message)
    assert (await heed.request("DELETE", "/api/orgs/acme", key="admin-key-of-tests")).status == 200

    heed.clock.move(minutes=2)
    for _ in range(5):
        await heed.tick("sweep_due")
        await heed.work()
        heed.clock.move(minutes=10)

    assert len(transport.sent) == 1
    assert await heed.services.due.overdue("send") == timedelta(0)


async def test_a_failed_mail_can_be_given_other_files() -> None:
    transport = MemoryTransport(NEVER, OK)
    heed, message = await heed_with(transport, ADA)
    await deliver(heed, message)
    path = f"/api/orgs/acme/messages/{message}/attachments?filename="
    first = await heed.request("POST", f"{path}first.txt", b"the first", key=heed.key)
    second = await heed.request("POST", f"{path}second.txt", b"the second", key=heed.key)
    assert (first.status, second.status) == (201, 201)
    assert (
        await heed.api("PATCH", f"/messages/{message}/attachments/{second.json['id']}", {"followed": True})
    ).status == 200
    assert (await heed.api("DELETE", f"/messages/{message}/attachments/{first.json['id']}")).status == 200
    listed = (await heed.get("/messages?owner=rep1"))["items"]
    assert listed[0]["etag"] == (await heed.get(f"/messages/{message}"))["etag"]

    heed.clock.move(minutes=1)
    await heed.post(f"/messages/{message}/send")
    await deliver(heed, message)

    assert b"first.txt" not in transport.sent[1].mime
    assert b"second.txt" in transport.sent[1].mime


async def test_who_says_no_between_two_tries_gets_a_clean_mail_and_the_others_stay_followed() -> None:
    transport = MemoryTransport(Accepted(refused=(BOB_LATER,)))
    heed, message = await heed_with(transport, ADA, BOB)
    await deliver(heed, message)
    await heed.put(f"/consents/{BOB}", {"follow": "do_not_allow"})

    await deliver(heed, message, minutes=2)

    assert [bool(heed.urls("o", number)) for number in (0, 1)] == [True, False]
    assert (await heed.get(f"/messages/{message}"))["status_text"] == "Not yet opened"


async def test_who_says_yes_between_two_tries_gets_the_mail_as_it_was_planned() -> None:
    transport = MemoryTransport(LATER)
    heed = await Heed(transport=transport).start()
    await heed.put(f"/consents/{ADA}", {"follow": "do_not_allow"})
    message = await heed.draft(to=[{"email": ADA}])
    await heed.post(f"/messages/{message}/send")
    await deliver(heed, message)
    await heed.put(f"/consents/{ADA}", {"follow": "allow"})

    await deliver(heed, message, minutes=2)

    assert [heed.urls("o", number) for number in (0, 1)] == [[], []]
    assert (await heed.get(f"/messages/{message}"))["status_text"] == "Sent, not followed"
