"""A worker is killed while it sends a mail, at each step of it, and another one goes on."""

from __future__ import annotations

import asyncio

import pytest

from tests.faults.death import Death
from tests.faults.ends import End, ends_of
from tests.faults.hosts import ProcessHost
from tests.support.mail_server import MailServer

SENT = End("sent", received=1)
PERHAPS_SENT = End("uncertain", received=1, cards=("send_uncertain",))
PERHAPS_NOT_SENT = End("uncertain", received=0, cards=("send_uncertain",))


@pytest.mark.parametrize(
    ("death", "times", "end"),
    [
        (Death("before", "the row says submitting"), 8, SENT),
        (Death("after", "the row says submitting"), 8, PERHAPS_NOT_SENT),
        (Death("after", "the mail server has answered"), 8, PERHAPS_SENT),
        (Death("before", "the row says sent"), 8, PERHAPS_SENT),
        (Death("after", "the row says sent"), 3, SENT),
        (Death("after", "a due entry is gone"), 3, SENT),
        (Death("after", "a place in a list"), 3, SENT),
        (Death("after", "the summary"), 3, SENT),
    ],
    ids=lambda value: value.status if isinstance(value, End) else str(value),
)
async def test_no_mail_is_sent_twice_and_none_is_lost_in_silence(
    host: ProcessHost, mails: MailServer, death: Death, times: int, end: End
) -> None:
    messages = await asyncio.gather(*(host.told_to_go() for _ in range(times)))

    assert await host.kill_each(death) == times
    await host.settle()

    assert await ends_of(host.heed, mails, messages) == [end] * times


async def test_a_mail_whose_worker_dies_again_and_again_is_sent_when_one_survives(
    host: ProcessHost, mails: MailServer
) -> None:
    message = await host.told_to_go()

    for _ in range(4):
        await host.kill_each(Death("before", "the row says submitting"))
        host.clock.move(minutes=3)
    await host.settle()

    assert await ends_of(host.heed, mails, [message]) == [SENT]
