"""A worker is killed while it takes the order to send, or while it finds what is due."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from tests.faults.death import Death
from tests.faults.ends import End, ends_of
from tests.faults.hosts import ProcessHost
from tests.faults.jobs import Request, Tick
from tests.faults.steps import Step
from tests.support.failing import When
from tests.support.mail_server import MailServer

TIMES = 3
SENT = End("sent", received=1)


def send(message: str) -> Request:
    return Request("POST", f"/messages/{message}/send", headers={"Idempotency-Key": f"send {message}"})


async def drafts(host: ProcessHost) -> list[str]:
    return [await host.draft() for _ in range(TIMES)]


async def kill_each(host: ProcessHost, death: Death, messages: list[str]) -> None:
    """Each order to send is the death of the worker that takes it."""
    await asyncio.gather(*(host.kill(death, send(message)) for message in messages))


async def test_an_order_that_was_never_written_down_leaves_a_draft(host: ProcessHost, mails: MailServer) -> None:
    messages = await drafts(host)

    await kill_each(host, Death("after", "a due entry"), messages)
    await host.settle()

    assert await ends_of(host.heed, mails, messages) == [End("draft", received=0)] * TIMES


async def test_an_order_that_was_written_down_is_carried_out_though_nobody_was_woken(
    host: ProcessHost, mails: MailServer
) -> None:
    messages = await drafts(host)

    await kill_each(host, Death("after", "the row says scheduled"), messages)
    assert await host.take_all() == []
    await host.settle()

    assert await ends_of(host.heed, mails, messages) == [SENT] * TIMES


@pytest.mark.parametrize("step", ["a due entry", "the row says scheduled", "the summary"])
async def test_a_client_that_got_no_answer_may_send_again(host: ProcessHost, mails: MailServer, step: Step) -> None:
    messages = await drafts(host)

    await kill_each(host, Death("after", step), messages)
    host.clock.move(minutes=2)
    await host.do(*map(send, messages))
    await host.settle()

    assert await ends_of(host.heed, mails, messages) == [SENT] * TIMES


@pytest.mark.parametrize("step", ["a due entry is handed over", "the outbox is woken"])
async def test_a_sweep_that_dies_is_made_up_for_by_the_next(host: ProcessHost, mails: MailServer, step: Step) -> None:
    at = host.clock.now() + timedelta(hours=1)
    messages = [await host.told_to_go(deliver_at=at + timedelta(minutes=number)) for number in range(TIMES)]
    assert await host.take_all() == []

    host.clock.move(hours=1)
    for _ in messages:
        await host.kill(Death("after", step), Tick("sweep_due"))
        host.clock.move(minutes=1)
    await host.settle()

    assert await ends_of(host.heed, mails, messages) == [SENT] * TIMES


@pytest.mark.parametrize(("when", "end"), [("before", SENT), ("after", End("uncertain", 0, ("send_uncertain",)))])
async def test_a_mail_goes_on_within_two_minutes_of_a_kill_though_the_queue_keeps_its_message_for_ten(
    host: ProcessHost, mails: MailServer, when: When, end: End
) -> None:
    message = await host.told_to_go()
    [wake] = await host.take_all()

    await host.kill(Death(when, "the row says submitting"), wake)
    for _ in range(2):
        host.clock.move(minutes=1)
        await host.do(Tick("sweep_due"))
        await host.hand_over()

    assert await ends_of(host.heed, mails, [message]) == [end]
    assert not await host.is_something_overdue()
