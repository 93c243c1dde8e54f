"""A mail server refuses, hangs up or is slow; what becomes of the message, and how often the server is asked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.faults.ends import End, ends_of
from tests.faults.hosts import Host, memory_host
from tests.support.mail_server import Answers, MailServer, TakesAndDrops

SENT = End("sent", received=1)
PERHAPS_SENT = End("uncertain", received=1, cards=("send_uncertain",))
FAILED = End("failed", received=0, cards=("send_failed",))


@pytest.fixture
async def host(mails: MailServer) -> AsyncIterator[Host]:
    async with memory_host(mails.settings) as made:
        yield made


async def end_of(host: Host, mails: MailServer, message: str) -> End:
    [end] = await ends_of(host.heed, mails, [message])
    return end


async def let_hours_pass(host: Host) -> None:
    for _ in range(26):
        host.clock.move(hours=1)
        await host.settle()


async def test_a_server_that_takes_the_mail_and_drops_the_line_is_not_asked_again(
    host: Host, mails: MailServer
) -> None:
    mails.will(TakesAndDrops())
    message = await host.told_to_go()

    await let_hours_pass(host)

    assert await end_of(host, mails, message) == PERHAPS_SENT
    assert mails.tries == 1


@pytest.mark.parametrize("refusal", ["421 4.3.2 closing down", "451 4.3.0 try again later"])
async def test_a_mail_that_is_refused_for_now_is_sent_later_and_once(
    host: Host, mails: MailServer, refusal: str
) -> None:
    mails.will(Answers(refusal), Answers(refusal))
    message = await host.told_to_go()

    await host.hand_over()
    assert await end_of(host, mails, message) == End("scheduled", received=0)
    await let_hours_pass(host)

    assert await end_of(host, mails, message) == SENT
    assert mails.tries == 3


async def test_a_server_that_refuses_for_now_for_ever_is_given_up(host: Host, mails: MailServer) -> None:
    mails.will(*[Answers("451 4.3.0 try again later")] * 100)
    message = await host.told_to_go()

    await let_hours_pass(host)

    assert await end_of(host, mails, message) == FAILED
    assert 10 < mails.tries <= 30


async def test_a_mail_that_is_refused_for_good_has_failed_and_is_not_tried_again(host: Host, mails: MailServer) -> None:
    mails.will(Answers("550 5.7.1 no"))
    message = await host.told_to_go()

    await let_hours_pass(host)

    assert await end_of(host, mails, message) == FAILED
    assert mails.tries == 1


async def test_while_a_server_takes_its_time_nobody_else_sends(host: Host, mails: MailServer) -> None:
    ready = asyncio.Event()
    mails.will(Answers(when=ready))
    message = await host.told_to_go()
    [wake] = await host.take_all()

    first = asyncio.create_task(host.do(wake))
    await mails.have_come()
    await host.do(wake, wake)
    ready.set()
    await first
    await let_hours_pass(host)

    assert await end_of(host, mails, message) == SENT
    assert mails.tries == 1


async def test_a_server_that_takes_the_mail_and_never_says_so_is_not_asked_again(mails: MailServer) -> None:
    mails.will(Answers(when=asyncio.Event()))
    async with memory_host({**mails.settings, "HEED_SMTP_TIMEOUT": "0.5"}) as host:
        message = await host.told_to_go()

        await let_hours_pass(host)

        assert await end_of(host, mails, message) == PERHAPS_SENT
    assert mails.tries == 1
