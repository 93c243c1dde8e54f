from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from infra.local.servers.azurite import start_azurite
from lib.clock import SetClock
from tests.faults.accounts import Accounts, azurite_accounts
from tests.faults.hosts import ProcessHost, StorageInbox
from tests.faults.worker import open_heed
from tests.support.heed import START
from tests.support.mail_server import MailServer

pytest.register_assert_rewrite("tests.faults.ends")


@pytest.fixture(scope="session")
def accounts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Accounts]:
    """Accounts of a real Azurite that no other tests share: their timers would find what is due here."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("AZURITE_ACCOUNTS", azurite_accounts())
        running = start_azurite(tmp_path_factory.mktemp("azurite"))
    yield Accounts(running)
    running.stop()


@pytest.fixture
async def mails() -> AsyncIterator[MailServer]:
    async with MailServer() as server:
        yield server


@pytest.fixture
async def host(accounts: Accounts, mails: MailServer) -> AsyncIterator[ProcessHost]:
    """A host of worker processes, with the organization acme and its user rep1."""
    account = accounts.new()
    async with open_heed(account, mails.settings, SetClock(START)) as heed, StorageInbox(account) as inbox:
        await heed.start()
        yield ProcessHost(heed, inbox, account, mails.settings)
