"""A worker process: Heed over a real storage account and a real mail server, which does its jobs or dies at them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from lib.clock import SetClock
from lib.storage import Storage
from lib.storage.azure.account import Account
from lib.storage.azure.journal_writer import RestWriter
from lib.storage.azure.tables import azure_storage, close_storage
from lib.transports.smtp import SmtpTransport
from tests.faults.death import Death, MortalTransport, MortalWriter, mortal_storage
from tests.faults.jobs import HostedHeed, Job
from tests.support.heed import mail_server_of
from tests.support.passing_storage import PassingQueues

ALL_DONE = 0
SOMETHING_FAILED = 3


@dataclass(frozen=True, slots=True)
class Order:
    """What a worker process is started with. `mail` are the settings by which Heed finds the mail server; `at_once` is
    how many jobs it does at the same time."""

    account: Account
    key: str
    mail: Mapping[str, str]
    now: datetime
    jobs: tuple[Job, ...]
    death: Death | None = None
    at_once: int = 1


_A_DAY = timedelta(days=1)


class PromptQueues(PassingQueues):
    """No message waits: who takes one has moved the clock. What is for a later day comes after the test."""

    async def send(self, queue: str, body: str, delay: timedelta = timedelta(0), message_id: str | None = None) -> None:
        if delay < _A_DAY:
            await super().send(queue, body, message_id=message_id)


@asynccontextmanager
async def open_heed(
    account: Account,
    mail: Mapping[str, str],
    clock: SetClock,
    death: Death | None = None,
    settings: Mapping[str, str] | None = None,
) -> AsyncIterator[HostedHeed]:
    """Heed with all that holds a connection, which is closed in the end."""
    azure = azure_storage(account)
    storage = Storage(azure.tables, azure.blobs, PromptQueues(azure.queues))
    rest, smtp = RestWriter(account), SmtpTransport(mail_server_of(mail))
    if death is None:
        heed = HostedHeed(clock, storage, smtp, rest, settings=dict(settings or {}))
    else:
        mortal = MortalTransport(smtp, death), MortalWriter(rest, death)
        heed = HostedHeed(clock, mortal_storage(storage, death), *mortal)
    try:
        yield heed
    finally:
        await heed.services.journal.settle()
        await smtp.close()
        await rest.close()
        await close_storage(azure)


def work(order: Order) -> None:
    """The process's main function; its exit code says whether all was done."""
    raise SystemExit(asyncio.run(_work(order)))


async def _work(order: Order) -> int:
    places = asyncio.Semaphore(order.at_once)
    async with open_heed(order.account, order.mail, SetClock(order.now), order.death) as heed:
        heed.key = order.key

        async def do(job: Job) -> bool:
            async with places:
                return await heed.carry_out(job)

        done = await asyncio.gather(*map(do, order.jobs))
    return ALL_DONE if all(done) else SOMETHING_FAILED
