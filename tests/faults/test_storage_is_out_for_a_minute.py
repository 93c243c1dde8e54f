"""Storage fails for a minute, wholly. What was promised is kept, and what could not be done is done afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

import pytest

from lib.clock import SetClock
from lib.journal import LOG_MARK
from tests.azurite.fault_proxy import Fault
from tests.faults.accounts import Accounts
from tests.faults.ends import End, ends_of
from tests.faults.hosts import Host, StorageInbox
from tests.faults.jobs import TIMERS, Request, Tick, Visit
from tests.faults.mail_server import Answers, MailServer
from tests.faults.proxied import Proxied, proxied
from tests.faults.story import pixel_of
from tests.faults.worker import open_heed
from tests.heed import START


@dataclass(frozen=True, slots=True)
class Site:
    host: Host
    storage: Proxied
    mails: MailServer

    async def go_through_a_minute(self) -> None:
        """Timers tick as ever, and fail."""
        self.storage.fail_all(Fault.CUT_BEFORE)
        self.host.clock.move(seconds=30)
        assert all(await asyncio.gather(*(self.host.do(Tick(timer)) for timer in TIMERS)))
        self.host.clock.move(seconds=30)

    async def end_of(self, message: str) -> End:
        """When storage is well again, and nothing is left to do."""
        self.storage.fail_all(None)
        await self.host.settle()
        [end] = await ends_of(self.host.heed, self.mails, [message])
        return end


@pytest.fixture
async def site(accounts: Accounts, mails: MailServer) -> AsyncIterator[Site]:
    account = accounts.new()
    async with (
        proxied(account) as storage,
        open_heed(storage.account, mails.settings, SetClock(START)) as heed,
        StorageInbox(account) as inbox,
    ):
        await heed.start()
        yield Site(Host(heed, inbox), storage, mails)


async def test_hits_are_answered_and_the_log_has_them(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    host, mails = site.host, site.mails
    message = await host.told_to_go()
    await host.hand_over()
    [mail] = mails.mails.values()

    site.storage.fail_all(Fault.CUT_BEFORE)
    await host.do(*[Visit(pixel_of(mail))] * 3)
    await site.go_through_a_minute()
    assert caplog.text.count(LOG_MARK) == 3
    site.storage.fail_all(None)
    await host.replay(caplog.text)

    end = await site.end_of(message)
    assert end == End("sent", received=1, cards=("email_opened",), opens=3)


async def test_an_order_to_send_is_refused_and_can_be_given_again(site: Site) -> None:
    message = await site.host.draft()
    send = Request("POST", f"/messages/{message}/send")

    site.storage.fail_all(Fault.CUT_BEFORE)
    assert await site.host.do(send) == [send]
    await site.go_through_a_minute()
    site.storage.fail_all(None)
    assert await site.host.do(send) == []

    assert await site.end_of(message) == End("sent", received=1)


async def test_a_mail_that_waits_in_the_queue_is_sent_afterwards(site: Site) -> None:
    message = await site.host.told_to_go()
    [wake] = await site.host.take_all()

    site.storage.fail_all(Fault.CUT_BEFORE)
    assert await site.host.do(wake) == [wake]
    site.host.come_again(wake)
    await site.go_through_a_minute()

    assert await site.end_of(message) == End("sent", received=1)


async def test_a_mail_that_was_due_in_that_minute_is_sent_afterwards(site: Site) -> None:
    message = await site.host.told_to_go(deliver_at=START + timedelta(minutes=2))
    site.host.clock.move(seconds=100)

    await site.go_through_a_minute()

    assert await site.end_of(message) == End("sent", received=1)


async def test_a_mail_that_the_server_took_in_that_minute_is_uncertain_and_not_sent_again(site: Site) -> None:
    ready = asyncio.Event()
    site.mails.will(Answers(when=ready))
    message = await site.host.told_to_go()
    [wake] = await site.host.take_all()

    sending = asyncio.create_task(site.host.do(wake))
    await site.mails.have_come()
    site.storage.fail_all(Fault.CUT_BEFORE)
    ready.set()
    assert await sending == [wake]
    site.host.come_again(wake)
    await site.go_through_a_minute()

    assert await site.end_of(message) == End("uncertain", received=1, cards=("send_uncertain",))


async def test_a_reminder_that_was_due_in_that_minute_is_shown_afterwards(site: Site) -> None:
    at = START + timedelta(seconds=30)
    message = await site.host.draft(reminder={"title": "Ask Ada", "condition": "always", "at": at})

    await site.go_through_a_minute()

    end = await site.end_of(message)
    assert end == End("draft", received=0, cards=("reminder",), reminder="reminded")
