"""Two instances whose clocks differ by ten minutes work over the same storage."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

import pytest

from lib.clock import SetClock
from tests.faults.ends import End, ends_of
from tests.faults.hosts import Host, host_over, memory_host
from tests.faults.jobs import TIMERS, Tick, Visit
from tests.faults.story import pixel_of
from tests.support.heed import START
from tests.support.mail_server import Answers, MailServer

DIFFERENCE = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Two:
    """The one is where things begin, the other where they go on."""

    one: Host
    other: Host
    mails: MailServer

    def let_pass(self, **time: float) -> None:
        self.one.clock.move(**time)
        self.other.clock.move(**time)

    async def end_of(self, message: str) -> End:
        """When both have nothing left to do."""
        await self.one.settle()
        await self.other.settle()
        [end] = await ends_of(self.other.heed, self.mails, [message])
        return end


@pytest.fixture(params=["the other is ahead", "the other is behind"])
async def two(request: pytest.FixtureRequest, mails: MailServer) -> AsyncIterator[Two]:
    ahead, behind = SetClock(START + DIFFERENCE), SetClock(START)
    mine, others = (behind, ahead) if request.param == "the other is ahead" else (ahead, behind)
    async with (
        memory_host(mails.settings, clock=mine) as one,
        host_over(one.heed.storage, mails.settings, others) as other,
    ):
        yield Two(one, other, mails)


async def test_a_mail_that_the_one_has_queued_the_other_sends(two: Two) -> None:
    message = await two.one.told_to_go()

    await two.other.hand_over()

    assert await two.end_of(message) == End("sent", received=1)


async def test_a_mail_for_later_is_found_by_the_others_sweep_though_that_has_swept_before(two: Two) -> None:
    await two.other.do(Tick("sweep_due"))
    message = await two.one.told_to_go(deliver_at=two.one.clock.now() + timedelta(minutes=2))
    await two.other.do(Tick("sweep_due"))

    two.let_pass(minutes=13)
    await two.other.do(Tick("sweep_due"))
    await two.other.hand_over()

    assert await two.end_of(message) == End("sent", received=1)


async def test_a_mail_that_the_one_has_found_due_and_the_other_thinks_too_early_leaves_in_minutes(two: Two) -> None:
    message = await two.one.told_to_go(deliver_at=two.one.clock.now() + timedelta(minutes=30))

    for _ in range(45):
        two.let_pass(minutes=1)
        await two.one.do(Tick("sweep_due"))
        await two.other.hand_over()  # whatever the delay of its messages

    assert await two.end_of(message) == End("sent", received=1)


async def test_a_mail_leaves_though_every_message_of_the_queue_is_lost_for_an_hour(two: Two) -> None:
    message = await two.one.told_to_go()

    for _ in range(60):
        two.let_pass(minutes=1)
        for each in (two.one, two.other):
            await each.do(Tick("sweep_due"))
            await each.take_all()

    assert await two.end_of(message) == End("sent", received=1)


async def test_a_mail_that_the_one_is_sending_the_other_does_not_send(two: Two) -> None:
    ready = asyncio.Event()
    two.mails.will(Answers(when=ready))
    message = await two.one.told_to_go()
    [wake] = await two.one.take_all()

    sending = asyncio.create_task(two.one.do(wake))
    await two.mails.have_come()
    await two.other.do(wake)
    ready.set()
    await sending

    # To the clock that is ahead, the one's time was over; but it has not seen the lease stand still.
    assert await two.end_of(message) == End("sent", 1)
    assert two.mails.tries == 1


async def test_an_open_that_the_one_has_judged_is_told_by_the_other(two: Two) -> None:
    message = await two.one.told_to_go()
    await two.one.hand_over()
    await two.one.do(*(Visit(pixel_of(mail)) for mail in two.mails.mails.values()))
    await two.one.hand_over()

    two.let_pass(seconds=11)
    assert await two.other.hand_over()
    two.let_pass(minutes=11)
    await two.other.hand_over()

    assert await two.end_of(message) == End("sent", 1, ("email_opened",), opens=1)


async def test_an_open_that_the_queue_has_lost_is_found_by_the_others_sweep(two: Two) -> None:
    message = await two.one.told_to_go()
    await two.one.hand_over()
    await two.other.do(Tick("sweep_journal"))
    await two.one.do(*(Visit(pixel_of(mail)) for mail in two.mails.mails.values()))
    assert await two.one.take_all()

    two.let_pass(minutes=13)
    await two.other.do(Tick("sweep_journal"))

    assert await two.end_of(message) == End("sent", 1, ("email_opened",), opens=1)


async def test_a_reminder_is_shown_once_though_both_are_at_it(two: Two) -> None:
    at = two.one.clock.now() + timedelta(minutes=30)
    message = await two.one.draft(reminder={"title": "Ask Ada", "condition": "always", "at": at})

    for _ in range(6):
        two.let_pass(minutes=10)
        ticks = [Tick(timer) for timer in TIMERS]
        await asyncio.gather(two.one.do(*ticks), two.other.do(*ticks))

    assert await two.end_of(message) == End("draft", 0, ("reminder",), reminder="reminded")
