"""Workers die, pause, or lose storage among the copies of a message: nobody gets two, and what is said is true."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta

import pytest

from lib.assessment.summary import Summary
from lib.errors import Stale
from lib.sending.copies_outbox import LONGEST, MOST_AT_ONCE
from lib.sending.tries import LEASE
from lib.storage import Change, Storage, Unavailable
from lib.storage.memory import MemoryBlobs, MemoryQueues, MemoryTables
from lib.transports import Envelope, Outcome
from lib.transports.memory import MemoryTransport
from tests.support.copying import LATER, NEVER, OK, TO, Dies, deliver, heed_with, received, states, take_over
from tests.support.heed import Heed


@pytest.mark.parametrize("number", [1, 2, 3])
@pytest.mark.parametrize("taken", [False, True])
async def test_after_a_death_only_the_copies_that_have_not_left_go_on(number: int, taken: bool) -> None:
    transport = Dies(number, taken)
    heed, message = await heed_with(transport)

    with pytest.raises(KeyboardInterrupt):
        await heed.services.outbox.deliver("acme", message)
    untouched = await deliver(heed, message, seconds=1)
    assert untouched.copies[number - 1].state == "submitting"
    loaded = await take_over(heed, message)

    assert states(loaded) == ["uncertain", *("uncertain" if n == number else "sent" for n in (1, 2, 3))]
    assert max(received(transport).values()) == 1
    assert len(transport.sent) == (3 if taken else 2)


async def test_a_worker_that_has_lost_its_message_sends_nothing_more_and_says_what_it_knows() -> None:
    transport = Overtaken()
    heed, message = await heed_with(transport)
    transport.heed, transport.message = heed, message

    look = await heed.services.outbox.deliver("acme", message)

    loaded = await deliver(heed, message)
    assert received(transport) == dict.fromkeys(TO, 1)
    assert states(loaded) == ["sent", "sent", "sent", "sent"]
    assert look
    assert look.message.state == "sent"


class Overtaken(MemoryTransport):
    """The first copy takes long, its worker is suspended meanwhile, and another worker takes over."""

    heed: Heed
    message: str

    async def send(self, envelope: Envelope) -> Outcome:
        if not self.sent:
            self.sent.append(envelope)
            loaded = await take_over(self.heed, self.message)
            assert states(loaded) == ["uncertain", "uncertain", "sent", "sent"]
            return OK
        return await super().send(envelope)


async def test_a_late_answer_says_nothing_about_a_mail_that_was_sent_anew_meanwhile() -> None:
    transport = SentAnew()
    heed, message = await heed_with(transport)
    transport.heed, transport.message = heed, message

    await heed.services.outbox.deliver("acme", message)

    loaded = await deliver(heed, message)
    assert received(transport) == {"ada@example.com": 2, "bob@example.com": 1, "cy@example.com": 1}
    assert states(loaded) == ["sent", "sent", "sent", "sent"]


class SentAnew(MemoryTransport):
    """As `Overtaken`; then a person has it sent again, and the first try turns out to have been refused."""

    heed: Heed
    message: str

    async def send(self, envelope: Envelope) -> Outcome:
        if not self.sent:
            self.sent.append(envelope)
            await take_over(self.heed, self.message)
            await self.heed.post(f"/messages/{self.message}/resolve", {"as": "resend"})
            await deliver(self.heed, self.message)
            return NEVER
        return await super().send(envelope)


async def test_a_hand_over_that_outlives_its_lease_keeps_it_as_long_as_its_worker_lives(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("lib.sending.copies_outbox.RENEW_EVERY", 0.001)
    transport = Dawdles()
    heed, message = await heed_with(transport, ["ada@example.com"])
    transport.heed, transport.message = heed, message

    loaded = await deliver(heed, message)

    assert transport.seen == ["submitting"] * 5
    assert states(loaded) == ["sent", "sent"]
    assert len(transport.sent) == 1


class Dawdles(MemoryTransport):
    """Takes ten leases' time; others look at the message meanwhile, with a lease that they have seen before."""

    heed: Heed
    message: str
    seen: list[str]

    async def send(self, envelope: Envelope) -> Outcome:
        self.seen = []
        for _ in range(5):
            store = self.heed.services.messages
            before = await store.load("acme", self.message)
            assert before
            self.heed.clock.move(seconds=2 * LEASE.total_seconds())
            await asyncio.sleep(0.05)
            await self.heed.services.outbox.deliver("acme", self.message, before.lease_etag)
            loaded = await store.load("acme", self.message)
            assert loaded
            self.seen.append(loaded.message.state)
        return await super().send(envelope)


class Slow(MemoryTransport):
    """Each copy takes that long. It looks at the lease whenever a copy comes."""

    heed: Heed
    message: str
    seconds: float

    async def send(self, envelope: Envelope) -> Outcome:
        loaded = await self.heed.services.messages.load("acme", self.message)
        assert loaded
        assert loaded.lease
        assert loaded.lease.until - self.heed.clock.now() >= LEASE - timedelta(seconds=1)
        self.heed.clock.move(seconds=self.seconds)
        return await super().send(envelope)


async def test_a_slow_server_is_given_a_fresh_lease_for_each_copy_and_the_rest_is_left_to_the_next_wake() -> None:
    transport = Slow()
    transport.seconds = LONGEST.total_seconds() / 2 + 1
    heed, message = await heed_with(transport, [f"r{number}@example.com" for number in range(5)])
    transport.heed, transport.message = heed, message
    queues = heed.storage.queues
    assert isinstance(queues, MemoryQueues)
    queues.waiting.clear()

    loaded = await deliver(heed, message)
    assert states(loaded) == ["sent", "sent", "sent", "planned", "planned", "planned"]
    assert [wake.delay for wake in queues.waiting] == [timedelta(0)]
    await heed.work("outbox")

    assert states(await deliver(heed, message)) == ["sent"] * 6
    assert max(received(transport).values()) == 1


async def test_what_is_left_is_found_by_the_sweep_when_the_queue_forgets_it() -> None:
    transport = Slow()
    transport.seconds = LONGEST.total_seconds() + 1
    heed, message = await heed_with(transport)
    transport.heed, transport.message = heed, message
    await deliver(heed, message)
    queues = heed.storage.queues
    assert isinstance(queues, MemoryQueues)
    queues.waiting.clear()

    assert await heed.services.schedule.sweep() == 1


async def test_five_hundred_copies_leave_in_portions_each_once() -> None:
    transport, to = MemoryTransport(), [f"r{number}@example.com" for number in range(500)]
    heed, message = await heed_with(transport, to)

    assert Counter(states(await deliver(heed, message))[1:])["sent"] == MOST_AT_ONCE
    await heed.work("outbox")

    loaded = await deliver(heed, message)
    assert states(loaded) == ["sent"] * 501
    assert received(transport) == dict.fromkeys(to, 1)


class CountingTables(MemoryTables):
    writes = 0
    fails_at = 0
    after = False

    async def write_rows(self, table: str, changes: Sequence[Change]) -> list[str | None]:
        self.writes += table == "heedacmemessages"
        fails = table == "heedacmemessages" and self.writes == self.fails_at
        if fails and not self.after:
            raise Unavailable("before")
        etags = await super().write_rows(table, changes)
        if fails:
            raise Unavailable("after")
        return etags


async def test_a_copy_costs_one_transaction() -> None:
    tables = CountingTables()
    to = [f"r{number}@example.com" for number in range(50)]
    heed, message = await heed_with(MemoryTransport(), to, storage=Storage(tables, MemoryBlobs(), MemoryQueues()))
    before = tables.writes

    await heed.services.outbox.deliver("acme", message)

    # The first one is begun with the plan; besides there is the end.
    assert tables.writes - before == 50 + 1


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("number", range(1, 5))  # the plan, which begins the first copy; two more copies; the end
async def test_whatever_write_fails_nobody_gets_two_and_what_is_said_is_true(number: int, after: bool) -> None:
    tables, transport = CountingTables(), MemoryTransport()
    heed, message = await heed_with(transport, storage=Storage(tables, MemoryBlobs(), MemoryQueues()))
    tables.writes, tables.fails_at, tables.after = 0, number, after

    with suppress(Unavailable, Stale):
        await heed.services.outbox.deliver("acme", message)
    assert tables.writes >= number
    for _ in range(4):
        loaded = await take_over(heed, message)

    assert states(loaded) == ["sent", "sent", "sent", "sent"]
    assert received(transport) == dict.fromkeys(TO, 1)


async def test_a_recipient_who_says_no_between_two_tries_gets_a_clean_copy() -> None:
    transport = MemoryTransport(OK, LATER, OK)
    heed, message = await heed_with(transport)
    await deliver(heed, message)
    await heed.put("/consents/bob@example.com", {"follow": "do_not_allow"})

    await deliver(heed, message, minutes=1)

    assert b"/o/k1" in transport.sent[1].mime.replace(b"=\r\n", b"")
    assert b"/o/k1" not in transport.sent[3].mime.replace(b"=\r\n", b"")
    shown = (await heed.get(f"/messages/{message}/recipients"))["items"]
    delivered = [(each["follow"], each["delivery"]["state"]) for each in shown]
    assert delivered == [(True, "accepted"), (False, "accepted"), (True, "accepted")]


async def test_a_reminder_that_is_set_while_copies_leave_is_kept() -> None:
    transport = Reminds()
    heed, message = await heed_with(transport)
    transport.heed, transport.message = heed, message

    loaded = await deliver(heed, message)

    assert states(loaded) == ["sent", "sent", "sent", "sent"]
    assert loaded.message.reminder


class Reminds(MemoryTransport):
    heed: Heed
    message: str

    async def send(self, envelope: Envelope) -> Outcome:
        reminder = {"title": "Ask", "condition": "always", "at": "2026-05-09T09:00:00Z"}
        await self.heed.put(f"/messages/{self.message}/reminder", reminder)
        return await super().send(envelope)


async def test_the_judge_learns_when_each_copy_left() -> None:
    transport = Slow()
    transport.seconds = 20
    heed, message = await heed_with(transport)
    transport.heed, transport.message = heed, message

    loaded = await deliver(heed, message)
    sending = await heed.services.context_loader.load_context("acme", loaded, Summary(), [])

    first = sending.sent_at
    assert first is not None
    assert [sending.dispatched_to(number) for number in (0, 1, 2, None)] == [
        first,
        first + 20_000,
        first + 40_000,
        first,
    ]


async def test_a_sender_who_is_gone_leaves_the_rest_unsent_and_says_so() -> None:
    transport = MemoryTransport(OK, LATER)
    heed, message = await heed_with(transport)
    loaded = await deliver(heed, message)
    gone = loaded.message.model_copy(update={"sender": "gone"})
    await heed.services.messages.change("acme", gone, loaded.etag)

    loaded = await deliver(heed, message, minutes=1)

    assert states(loaded) == ["sent", "sent", "refused", "sent"]
    assert loaded.message.failure
    assert "could not be written" in loaded.message.failure.text


async def test_a_plan_whose_writing_died_half_way_is_made_anew() -> None:
    tables, to = CountingTables(), [f"r{number}@example.com" for number in range(200)]
    transport = MemoryTransport()
    heed, message = await heed_with(transport, to, storage=Storage(tables, MemoryBlobs(), MemoryQueues()))
    tables.writes, tables.fails_at = 0, 2  # the first portion, and then it dies

    with pytest.raises(Unavailable):
        await heed.services.outbox.deliver("acme", message)
    loaded = await heed.services.messages.load("acme", message)
    assert loaded
    assert (loaded.message.state, loaded.copies) == ("scheduled", [])
    await deliver(heed, message)
    await heed.work("outbox")

    assert received(transport) == dict.fromkeys(to, 1)
