"""A message that goes out in several copies: what becomes of each, and so of the message."""

from __future__ import annotations

from datetime import timedelta
from email import message_from_bytes

import pytest

from lib.composing.mail import Mail, Prepared
from lib.sending.tries import BACKOFF
from lib.storage import Unavailable
from lib.transports import Accepted, Again, Outcome, RecipientRefusal, Refused, Underway
from lib.transports.memory import MemoryTransport
from tests.support.copying import DOWN, LATER, NEVER, OK, SILENCE, TO, deliver, heed_with, received, states, take_over
from tests.support.heed import Heed


async def test_everybody_gets_one_copy_however_often_the_outbox_is_woken() -> None:
    transport = MemoryTransport()
    heed, message = await heed_with(transport)

    for _ in range(3):
        loaded = await deliver(heed, message)

    assert states(loaded) == ["sent", "sent", "sent", "sent"]
    assert [envelope.recipients for envelope in transport.sent] == [(email,) for email in TO]
    assert len({envelope.key for envelope in transport.sent}) == 3
    assert len({envelope.message_id for envelope in transport.sent}) == 1


async def test_a_copy_that_is_refused_for_now_is_tried_again_and_no_other() -> None:
    transport = MemoryTransport(OK, LATER, OK)
    heed, message = await heed_with(transport)

    loaded = await deliver(heed, message)
    assert states(loaded) == ["sent", "sent", "planned", "sent"]
    assert loaded.message.due_at == heed.clock.now() + BACKOFF[0]
    read = await heed.get(f"/messages/{message}")
    assert (read["status"], read["status_text"]) == ("sent", "Not yet opened (of 3 recipients, 1 still waiting)")

    assert states(await deliver(heed, message)) == states(loaded)
    loaded = await deliver(heed, message, minutes=1)
    assert states(loaded) == ["sent", "sent", "sent", "sent"]
    assert received(transport) == {"ada@example.com": 1, "bob@example.com": 2, "cy@example.com": 1}
    assert [envelope.earlier for envelope in transport.sent] == ["none", "none", "none", "settled"]
    assert len({message_from_bytes(envelope.mime)["Date"] for envelope in transport.sent}) == 1


async def test_a_copy_that_is_refused_again_and_again_fails_and_the_rest_is_sent() -> None:
    transport = MemoryTransport(OK, LATER, OK, *[LATER] * 30)
    heed, message = await heed_with(transport)

    await deliver(heed, message)
    for _ in range(24):
        loaded = await deliver(heed, message, hours=1)

    assert states(loaded) == ["sent", "sent", "refused", "sent"]
    assert loaded.message.failure
    assert loaded.message.failure.text == "It was not taken for 1 of 3 recipients. later"
    assert received(transport)["bob@example.com"] > len(BACKOFF)


async def test_it_has_failed_when_all_copies_are_refused_and_can_be_sent_again() -> None:
    transport = MemoryTransport(NEVER, NEVER, NEVER)
    heed, message = await heed_with(transport)

    loaded = await deliver(heed, message)
    assert states(loaded) == ["failed", "refused", "refused", "refused"]
    assert loaded.message.failure
    assert (loaded.message.failure.code, "3 of 3" in loaded.message.failure.text) == ("550", True)

    await heed.post(f"/messages/{message}/send")
    assert states(await deliver(heed, message)) == ["sent", "sent", "sent", "sent"]


async def test_what_was_partly_sent_cannot_be_deleted_or_moved() -> None:
    heed, message = await heed_with(MemoryTransport(OK, LATER))
    await deliver(heed, message)

    assert (await heed.api("DELETE", f"/messages/{message}")).status == 409
    later = {"deliver_at": "2026-05-06T09:00:00Z"}
    assert (await heed.api("PUT", f"/messages/{message}/schedule", later)).status == 409


async def test_as_long_as_none_has_left_it_can_be_deleted() -> None:
    transport = MemoryTransport(DOWN)
    heed, message = await heed_with(transport)
    assert (await deliver(heed, message)).message.state == "scheduled"

    assert (await heed.api("DELETE", f"/messages/{message}")).status == 200
    heed.clock.move(minutes=5)
    await heed.work()

    assert len(transport.sent) == 1
    assert await heed.services.messages.load("acme", message) is None


async def test_a_server_that_is_down_is_tried_with_one_copy_a_round() -> None:
    transport = MemoryTransport(*[DOWN] * 40)
    heed, message = await heed_with(transport)

    await deliver(heed, message)
    for _ in range(24):
        loaded = await deliver(heed, message, hours=1)

    assert states(loaded) == ["failed", "refused", "refused", "refused"]
    assert received(transport).keys() == {"ada@example.com"}


async def test_a_server_that_takes_some_in_each_round_gets_the_rest_in_the_next() -> None:
    busy = Refused(temporary=True, code="429", text="slow down", retry_after=timedelta(minutes=2))
    to = [f"r{number}@example.com" for number in range(10)]
    answers: list[Outcome] = [OK, busy]
    transport = MemoryTransport(*answers * 20)
    heed, message = await heed_with(transport, to)

    loaded = await deliver(heed, message)
    for _ in range(9):
        assert loaded.message.due_at == heed.clock.now() + timedelta(minutes=2)
        loaded = await deliver(heed, message, minutes=2)

    assert states(loaded) == ["sent"] * 11


async def test_a_copy_of_which_nobody_knows_makes_the_message_uncertain_when_the_rest_has_left() -> None:
    transport = MemoryTransport(OK, SILENCE, LATER)
    heed, message = await heed_with(transport)

    assert states(await deliver(heed, message)) == ["uncertain", "sent", "uncertain", "planned"]
    loaded = await deliver(heed, message, minutes=1)

    assert states(loaded) == ["uncertain", "sent", "uncertain", "sent"]
    assert loaded.message.failure
    assert "1 of 3 recipients" in loaded.message.failure.text
    assert received(transport)["bob@example.com"] == 1


@pytest.mark.parametrize("resend", [False, True])
async def test_a_person_resolves_the_copies_in_doubt_alone(resend: bool) -> None:
    transport = MemoryTransport(OK, SILENCE, NEVER)
    heed, message = await heed_with(transport)
    await deliver(heed, message)

    answer = await heed.post(f"/messages/{message}/resolve", {"as": "resend" if resend else "sent"})
    assert answer["status"] == "sent"
    loaded = await deliver(heed, message)

    assert states(loaded) == ["sent", "sent", "sent", "refused"]
    assert received(transport) == {"ada@example.com": 1, "bob@example.com": 1 + resend, "cy@example.com": 1}
    assert loaded.message.failure
    assert "1 of 3" in loaded.message.failure.text


async def test_the_provider_is_asked_for_a_copy_by_its_own_key() -> None:
    transport = MemoryTransport(OK, SILENCE, OK, doubts=[Accepted(ids=("theirs",))])
    heed, message = await heed_with(transport)

    loaded = await deliver(heed, message)

    assert states(loaded) == ["sent", "sent", "sent", "sent"]
    assert [envelope.key for envelope in transport.doubted] == [transport.sent[1].key]
    assert loaded.message.known_ids == ["theirs"]


async def test_a_repetition_is_the_same_try_of_the_same_copy() -> None:
    transport = MemoryTransport(OK, SILENCE, OK, doubts=[Again(timedelta(seconds=20))])
    heed, message = await heed_with(transport)

    assert states(await deliver(heed, message)) == ["sent", "sent", "planned", "sent"]
    assert states(await deliver(heed, message, seconds=20)) == ["sent", "sent", "sent", "sent"]

    first, second = transport.sent[1], transport.sent[3]
    assert (second.earlier, second.key, second.tried_at) == ("doubtful", first.key, first.tried_at)
    assert second.content == first.content


async def test_a_repetition_of_a_doubtful_copy_is_the_same_mail_though_the_recipient_has_said_no_since() -> None:
    transport = MemoryTransport(SILENCE, doubts=[Again(timedelta(seconds=20))])
    heed, message = await heed_with(transport)
    await deliver(heed, message)
    await heed.put("/consents/ada@example.com", {"follow": "do_not_allow"})

    await deliver(heed, message, seconds=20)

    assert transport.sent[3].content == transport.sent[0].content


async def test_a_fault_before_the_next_copy_leaves_no_doubt_about_the_last_one(monkeypatch: pytest.MonkeyPatch) -> None:
    transport = MemoryTransport()
    heed, message = await heed_with(transport)
    write = heed.services.preparation.write_copy

    async def fails_at_the_second(mail: Mail, number: int) -> Prepared:
        if number == 1:
            raise Unavailable("a blob cannot be read")
        return await write(mail, number)

    monkeypatch.setattr(heed.services.preparation, "write_copy", fails_at_the_second)
    with pytest.raises(Unavailable):
        await heed.services.outbox.deliver("acme", message)
    monkeypatch.undo()

    assert states(await take_over(heed, message)) == ["sent", "sent", "sent", "sent"]
    assert received(transport) == dict.fromkeys(TO, 1)


async def test_a_provider_that_cannot_be_asked_now_is_asked_later_and_nothing_is_repeated() -> None:
    doubts: list[Outcome | Again] = [Underway(timedelta(minutes=2)), OK]
    transport = MemoryTransport(SILENCE, doubts=doubts)
    heed, message = await heed_with(transport)

    assert states(await deliver(heed, message)) == ["sent", "submitting", "sent", "sent"]
    assert states(await deliver(heed, message, minutes=2)) == ["sent", "sent", "sent", "sent"]
    assert len(transport.sent) == 3


async def test_recipients_whom_the_server_left_out_are_counted() -> None:
    transport = MemoryTransport(
        OK, Accepted(refused=(RecipientRefusal("bob@example.com", "550", "No such user.", False),))
    )
    heed = await Heed(transport=transport).start(mixed_recipients="split")
    for email in ("bob@example.com", "cy@example.com"):
        await heed.put(f"/consents/{email}", {"follow": "do_not_allow"})
    message = await heed.draft(to=[{"email": email} for email in TO])
    await heed.post(f"/messages/{message}/send")

    loaded = await deliver(heed, message)

    assert [copy.recipients for copy in loaded.copies] == [[0], [1, 2]]
    assert loaded.message.failure
    expected = ("sent", "It was not taken for 1 of 3 recipients. No such user.")
    assert (loaded.message.state, loaded.message.failure.text) == expected
