"""Two processes of the app over one storage account, with clocks ten minutes apart and a queue that loses messages."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from azure.storage.queue.aio import QueueServiceClient

from lib.clock import rfc3339
from lib.storage.azure.account import Account
from lib.storage.layout import OUTBOX
from tests.faults.accounts import Accounts
from tests.faults.instance import FAKETIME, Instance, start
from tests.support.mail_server import MailServer

APART = timedelta(minutes=10)
MAILS = 90
LOSSES = 8
_PATIENCE_SECONDS = 240

pytestmark = pytest.mark.skipif(not FAKETIME, reason="Debian's faketime is not installed: apt-get install faketime")


@dataclass(frozen=True, slots=True)
class Two:
    ahead: Instance
    behind: Instance
    queue: Any
    """The queue `outbox`."""

    async def lose_messages(self) -> None:
        """Clear the queue now and then, the messages that wait for their time with the rest."""
        for _ in range(LOSSES):
            await self.queue.clear_messages()
            await asyncio.sleep(1.5)


@pytest.fixture
async def two(accounts: Accounts, mails: MailServer, tmp_path: Path) -> AsyncIterator[Two]:
    account = accounts.new()
    settings = {**mails.settings, "AzureWebJobsStorage": _connection_string(account)}
    async with AsyncExitStack() as ending:
        session = await ending.enter_async_context(aiohttp.ClientSession())
        queues = await ending.enter_async_context(
            QueueServiceClient(
                account.queue_endpoint, credential={"account_name": account.name, "account_key": account.encoded_key}
            )
        )
        ahead = start(tmp_path / "ahead", session, settings, APART)
        ending.callback(ahead.kill)
        behind = start(tmp_path / "behind", session, settings)
        ending.callback(behind.kill)
        await behind.call("PUT", "/orgs/acme", {"name": "Acme"})
        ahead.key = behind.key = (await behind.call("POST", "/orgs/acme/keys", {"scope": "full"}))["key"]
        await behind.call("PUT", "/orgs/acme/users/rep1", {"email": "rep@acme.example", "opt_in": True})
        yield Two(ahead, behind, queues.get_queue_client(OUTBOX))


def _connection_string(account: Account) -> str:
    endpoints = f"TableEndpoint={account.table_endpoint};QueueEndpoint={account.queue_endpoint}"
    return (
        f"AccountName={account.name};AccountKey={account.encoded_key};{endpoints};BlobEndpoint={account.blob_endpoint}"
    )


async def send(instance: Instance, number: int, ahead: timedelta) -> str:
    """A mail that goes at once, or, every third one, some seconds later by that instance's clock; its id."""
    draft: dict[str, Any] = {
        "from": "rep1",
        "to": [{"email": f"ada{number}@example.com"}],
        "html": "<p>Hi</p>",
        "follow": False,
    }
    if number % 3 == 0:
        draft["deliver_at"] = rfc3339(datetime.now(UTC) + ahead + timedelta(seconds=15))
    message = str((await instance.call("POST", "/orgs/acme/messages", draft))["id"])
    await instance.call("POST", f"/orgs/acme/messages/{message}/send")
    return message


async def send_all(two: Two, count: int) -> list[str]:
    """Half of them through each instance, some at a time."""
    places = asyncio.Semaphore(8)

    async def one(number: int) -> str:
        async with places:
            if number % 2:
                return await send(two.ahead, number, APART)
            return await send(two.behind, number, timedelta(0))

    return list(await asyncio.gather(*map(one, range(count))))


async def eventually(look: Callable[[], Awaitable[bool]]) -> None:
    for _ in range(_PATIENCE_SECONDS * 2):
        if await look():
            return
        await asyncio.sleep(0.5)


async def states_of(two: Two, messages: list[str]) -> Counter[str]:
    read = [await two.behind.call("GET", f"/orgs/acme/messages/{message}") for message in messages]
    return Counter(str(each["status"]) for each in read)


async def test_every_mail_is_sent_once_and_none_is_left_behind(two: Two, mails: MailServer) -> None:
    losing = asyncio.create_task(two.lose_messages())
    messages = await send_all(two, MAILS)
    await losing

    async def all_have_come() -> bool:
        return len(mails.received) == MAILS

    await eventually(all_have_come)
    await asyncio.sleep(3)

    assert Counter(mails.received.values()) == {1: MAILS}
    assert await states_of(two, messages) == {"sent": MAILS}
    for instance in (two.ahead, two.behind):
        assert (await instance.call("GET", "/health"))["oldest_overdue_seconds"] == {"mail": 0, "reminders": 0}
