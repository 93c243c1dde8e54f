"""A worker is killed while it judges hits, shows cards or reminds, and another one goes on."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.faults.death import Death
from tests.faults.ends import End, ends_of
from tests.faults.hosts import ProcessHost
from tests.faults.jobs import Tick, Visit
from tests.faults.steps import Step
from tests.faults.story import pixel_of
from tests.support.mail_server import MailServer

TIMES = 20
OPENED = End("sent", received=1, cards=("email_opened",), opens=1)
REMINDED = End("draft", received=0, cards=("reminder",), reminder="reminded")


def reminder(at: datetime) -> dict[str, Any]:
    return {"title": "Ask Ada", "condition": "no_reply", "at": at}


async def opened(host: ProcessHost, mails: MailServer, times: int) -> list[str]:
    """Messages that were sent and opened; the assessor has not heard of it. The queue has a message for each."""
    messages = await sent(host, times)
    for path in pixels(mails):
        await host.do(Visit(path))
        await host.heed.services.journal.settle()
    return messages


async def sent(host: ProcessHost, times: int) -> list[str]:
    messages = await asyncio.gather(*(host.told_to_go() for _ in range(times)))
    await host.do(*await host.take_all())
    return messages


def pixels(mails: MailServer) -> list[str]:
    return [pixel_of(mail) for mail in mails.mails.values()]


async def test_opens_and_their_cards_are_told_once(host: ProcessHost, mails: MailServer) -> None:
    messages = await opened(host, mails, TIMES)

    assert await host.kill_each(Death("after", "the facts")) == TIMES
    assert await host.hand_over() == TIMES
    host.clock.move(seconds=15)
    assert await host.kill_each(Death("after", "a card")) == TIMES
    await host.settle()

    assert await ends_of(host.heed, mails, messages) == [OPENED] * TIMES


@pytest.mark.parametrize(
    "death",
    [
        Death("after", "the summary"),
        Death("after", "the commit is marked as seen"),
    ],
    ids=str,
)
async def test_an_open_counts_once_wherever_its_worker_dies(host: ProcessHost, mails: MailServer, death: Death) -> None:
    messages = await opened(host, mails, 3)

    assert await host.kill_each(death) == 3
    await host.settle()

    assert await ends_of(host.heed, mails, messages) == [OPENED] * 3


@pytest.mark.parametrize("step", ["the journal has the facts", "the assessor is told"])
async def test_a_hit_whose_worker_dies_before_it_has_answered_counts_once(
    host: ProcessHost, mails: MailServer, step: Step
) -> None:
    messages = await sent(host, 3)

    for path in pixels(mails):
        await host.kill(Death("after", step), Visit(path))
    await host.settle()

    assert await ends_of(host.heed, mails, messages) == [OPENED] * 3


@pytest.mark.parametrize(("step", "times"), [("the row says reminded", 20), ("a card", 20), ("the summary", 3)])
async def test_a_reminder_is_shown_once(host: ProcessHost, mails: MailServer, step: Step, times: int) -> None:
    at = host.clock.now() + timedelta(hours=1)
    messages = [await host.draft(reminder=reminder(at + timedelta(minutes=number))) for number in range(times)]

    host.clock.move(hours=1)
    for _ in messages:
        await host.kill(Death("after", step), Tick("remind"))
        host.clock.move(minutes=1)
    await host.settle()

    assert await ends_of(host.heed, mails, messages) == [REMINDED] * times
