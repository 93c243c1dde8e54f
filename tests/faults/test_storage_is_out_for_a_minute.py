"""Storage fails for a minute, wholly. What was promised is kept, and what could not be done is done afterwards."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

import pytest

from lib.clock import SetClock
from lib.tracking.journal import LOG_MARK
from tests.faults.accounts import Accounts
from tests.faults.ends import End, ends_of
from tests.faults.hosts import Host, StorageInbox
from tests.faults.jobs import TIMERS, Request, Tick, Visit
from tests.faults.proxied import Proxied, proxied
from tests.faults.story import pixel_of
from tests.faults.worker import open_heed
from tests.infra.deployment.log_rows import as_traces, raised_by
from tests.support.fault_proxy import Fault
from tests.support.heed import START
from tests.support.mail_server import Answers, MailServer


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

    async def ends_of(self, *messages: str) -> list[End]:
        """When storage is well again, and nothing is left to do."""
        self.storage.fail_all(None)
        await self.host.settle()
        return await ends_of(self.host.heed, self.mails, messages)


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


async def test_hits_are_answered_and_the_log_has_them_and_alerts_find_it(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    host, mails = site.host, site.mails
    message = await host.told_to_go()
    await host.hand_over()
    [mail] = mails.mails.values()

    site.storage.fail_all(Fault.CUT_BEFORE)
    await host.do(*[Visit(pixel_of(mail))] * 3)
    await site.go_through_a_minute()
    assert caplog.text.count(LOG_MARK) == 3
    assert raised_by({"AppTraces": as_traces(caplog.records)}) == {"hits-only-in-the-log", "the-sweep-does-not-run"}
    site.storage.fail_all(None)
    await host.replay(caplog.text)

    assert await site.ends_of(message) == [End("sent", received=1, cards=("email_opened",), opens=3)]


async def test_an_order_to_send_is_refused_and_can_be_given_again(site: Site) -> None:
    message = await site.host.draft()
    send = Request("POST", f"/messages/{message}/send")

    site.storage.fail_all(Fault.CUT_BEFORE)
    assert await site.host.do(send) == [send]
    await site.go_through_a_minute()
    site.storage.fail_all(None)
    assert await site.host.do(send) == []

    assert await site.ends_of(message) == [End("sent", received=1)]


async def test_what_was_due_or_under_way_is_done_afterwards(site: Site) -> None:
    host, at = site.host, START + timedelta(minutes=2)
    due = await host.told_to_go(deliver_at=at)
    reminded = await host.draft(reminder={"title": "Ask Ada", "condition": "always", "at": at})
    waiting = await host.told_to_go()
    [wake] = await host.take_all()
    host.clock.move(seconds=100)

    site.storage.fail_all(Fault.CUT_BEFORE)
    assert await host.do(wake) == [wake]
    host.come_again(wake)
    await site.go_through_a_minute()

    sent = End("sent", received=1)
    shown = End("draft", received=0, cards=("reminder",), reminder="reminded")
    assert await site.ends_of(due, reminded, waiting) == [sent, shown, sent]


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

    assert await site.ends_of(message) == [End("uncertain", received=1, cards=("send_uncertain",))]
