"""Calls to a real Azurite fail on their way, far more often than any storage would let them.

Of each service, each fifth call fails, from the first, the second, … the fifth on: so every call of a mail's whole way
fails in one of the runs, and succeeds when it is tried again. Six that fail in a row are more than any call is tried.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import cycle

import pytest

from lib.clock import SetClock
from tests.faults.accounts import Accounts
from tests.faults.ends import End, ends_of
from tests.faults.hosts import Host, StorageInbox
from tests.faults.proxied import proxied
from tests.faults.story import PERHAPS_NOT_SENT, PERHAPS_SENT, SENT, tell_story
from tests.faults.worker import open_heed
from tests.support.fault_proxy import Fault
from tests.support.heed import START
from tests.support.mail_server import MailServer

Faults = Sequence[Fault | None]

EVERY = [Fault.BUSY, Fault.CUT_BEFORE, Fault.CUT_AFTER]
CALLS = 1000


@pytest.mark.parametrize("fault", EVERY)
async def test_calls_that_fail_once_are_made_up_for(
    accounts: Accounts, fault: Fault, caplog: pytest.LogCaptureFixture
) -> None:
    runs = [[fault if (call - first) % 5 == 0 else None for call in range(CALLS)] for first in range(5)]

    ends = await asyncio.gather(*(end_of(accounts, faults, caplog) for faults in runs))

    assert ends == [SENT] * len(runs)


async def test_calls_that_fail_for_good_leave_the_mail_sent_or_uncertain(
    accounts: Accounts, caplog: pytest.LogCaptureFixture
) -> None:
    starts = range(0, 240, 40)
    runs = [[None] * start + [fault] * 6 for start, fault in zip(starts, cycle(EVERY), strict=False)]

    ends = await asyncio.gather(*(end_of(accounts, faults, caplog) for faults in runs))

    assert set(ends) <= {SENT, PERHAPS_SENT, PERHAPS_NOT_SENT}


async def end_of(accounts: Accounts, faults: Faults, caplog: pytest.LogCaptureFixture) -> End:
    """How a mail ends whose whole way is made through these faults; then storage is well again."""
    account, clock = accounts.new(), SetClock(START)
    async with MailServer() as mails, StorageInbox(account) as inbox:
        async with open_heed(account, mails.settings, clock) as heed:
            await heed.start()
        async with proxied(account) as failing, open_heed(failing.account, mails.settings, clock) as troubled:
            troubled.key = heed.key
            failing.fail(*faults)
            message = await tell_story(Host(troubled, inbox), mails)
        async with open_heed(account, mails.settings, clock) as well:
            well.key = heed.key
            await Host(well, inbox).replay(caplog.text)
            [end] = await ends_of(well, mails, [message])
            return end
