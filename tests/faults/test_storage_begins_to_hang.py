"""Storage stops answering while hits come, on a host that drops the log lines that the Functions host drops."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from itertools import count

import pytest

from infra.local.host.log_lines import LateLines
from lib.clock import SetClock
from lib.tracking.journal import LOG_MARK
from lib.verdicts.fact_store import FactStore
from tests.faults.accounts import Accounts
from tests.faults.hosts import Host, StorageInbox
from tests.faults.proxied import Proxied, proxied
from tests.faults.story import pixel_of
from tests.faults.worker import open_heed
from tests.support.fault_proxy import Fault
from tests.support.heed import START
from tests.support.mail_server import MailServer

_HITS_A_SECOND = 60
_SECONDS = 3

_EACH_HIT = {"HEED_HITS_PER_MINUTE": "100000"}
"""Every visitor is a fact, though they are many on one pixel."""


@pytest.fixture
def late_lines(caplog: pytest.LogCaptureFixture) -> Iterator[LateLines]:
    """`caplog` has only what the Functions host would keep."""
    lines = LateLines()
    caplog.handler.addFilter(lines)
    yield lines
    caplog.handler.removeFilter(lines)


@dataclass(slots=True)
class Site:
    host: Host
    storage: Proxied
    pixel: str
    answered: set[str] = field(default_factory=set)
    """The agents of the visitors who have their answer."""

    _numbers: count[int] = field(default_factory=count)

    async def is_visited(self, seconds: float) -> None:
        visits = []
        for _ in range(round(seconds * _HITS_A_SECOND)):
            visits.append(asyncio.create_task(self._visit(f"visitor {next(self._numbers)}")))
            await asyncio.sleep(1 / _HITS_A_SECOND)
        await asyncio.gather(*visits)

    async def _visit(self, agent: str) -> None:
        assert (await self.host.heed.hit(self.pixel, agent)).status == 200
        self.answered.add(agent)


@pytest.fixture
async def site(accounts: Accounts, mails: MailServer) -> AsyncIterator[Site]:
    account = accounts.new()
    async with (
        proxied(account) as storage,
        open_heed(storage.account, mails.settings, SetClock(START), settings=_EACH_HIT) as heed,
        StorageInbox(account) as inbox,
    ):
        await heed.start()
        host = Host(heed, inbox)
        await host.told_to_go()
        await host.hand_over()
        [mail] = mails.mails.values()
        yield Site(host, storage, pixel_of(mail))


async def known(site: Site) -> set[str | None]:
    """The agents of all hits of the one message that there is."""
    services = site.host.heed.services
    [message] = (await site.host.heed.get("/messages?view=followed&owner=rep1"))["items"]
    facts = FactStore(services.storage.tables).newest_first("acme", message["id"])
    return {fact.agent async for _, fact, _ in facts}


@pytest.mark.parametrize("fault", [Fault.SILENCE, Fault.SILENCE_AFTER, Fault.CUT_BEFORE])
async def test_every_answered_hit_is_in_storage_or_in_a_line_that_counts(
    site: Site, fault: Fault, caplog: pytest.LogCaptureFixture, late_lines: LateLines
) -> None:
    await site.is_visited(seconds=0.5)
    site.storage.fail_all(fault)
    await site.is_visited(seconds=_SECONDS)
    site.storage.fail_all(None)
    await site.is_visited(seconds=0.5)
    await site.host.settle()

    assert LOG_MARK in caplog.text
    assert late_lines.dropped, "nothing was dropped, so this test says nothing of the host that drops"
    await site.host.replay(caplog.text)
    assert await known(site) == site.answered
