"""What the Functions host does: it hands out queue messages and ticks, and comes again with what has failed."""

from __future__ import annotations

import asyncio
import base64
import multiprocessing
import signal
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any, Protocol, Self

from azure.core.exceptions import ResourceNotFoundError
from azure.storage.queue.aio import QueueServiceClient

from lib.clock import SetClock
from lib.ids import new_id
from lib.messages.models import Body, StoredMessage
from lib.storage import Storage, StorageError, Tables
from lib.storage.azure.account import Account
from lib.storage.due_index import BACKOFF, KINDS
from lib.storage.layout import QUEUES
from lib.storage.memory import MemoryBlobs, MemoryQueues, MemoryTables
from lib.transports.smtp import SmtpTransport
from tests.faults.death import Death
from tests.faults.jobs import TIMERS, HostedHeed, Job, Message, Tick
from tests.faults.worker import ALL_DONE, Order, work
from tests.support.heed import ADMIN_KEY, START, mail_server_of

_MOST_ROUNDS = BACKOFF[-1] + 5
"""What is due comes again after so many sweeps at the latest."""

_MOST_PROCESSES = 4
_AN_HOUR = 3600
_BODY = Body(html='<p>Hi <a href="https://example.com/offer">offer</a></p>')
_MESSAGE = {"from": "rep1", "to": [{"email": "ada@example.com"}], "subject": "Hello"}

_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload(["tests.faults.preloaded"])


class Inbox(Protocol):
    """The queues, as a host sees them; a message that was taken is not shown again."""

    async def take_all(self) -> list[Message]: ...


class MemoryInbox:
    def __init__(self, queues: MemoryQueues) -> None:
        self._queues = queues

    async def take_all(self) -> list[Message]:
        taken = [Message(sent.queue, sent.body) for sent in self._queues.waiting]
        self._queues.waiting.clear()
        return taken


class StorageInbox:
    def __init__(self, account: Account) -> None:
        shared: Any = {"account_name": account.name, "account_key": account.encoded_key}
        self._service = QueueServiceClient(account.queue_endpoint, credential=shared)

    async def take_all(self) -> list[Message]:
        return [message for queue in QUEUES for message in await self._take(queue)]

    async def _take(self, queue: str) -> list[Message]:
        client = self._service.get_queue_client(queue)
        found = client.receive_messages(messages_per_page=32, visibility_timeout=_AN_HOUR)
        try:
            return [Message(queue, base64.b64decode(message.content).decode()) async for message in found]
        except ResourceNotFoundError:
            return []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._service.close()


class Host:
    """Over one Heed in the test's own process."""

    def __init__(self, heed: HostedHeed, inbox: Inbox) -> None:
        self.heed = heed
        self.clock: SetClock = heed.clock
        self._inbox = inbox
        self._failed: list[Message] = []

    async def draft(self, **fields: Any) -> str:
        """A message of rep1's; its id. Straight into storage, as the API is tested elsewhere."""
        message = await self._made(**fields)
        await self.heed.services.assessor.refresh("acme", message)
        return message

    async def told_to_go(self, **fields: Any) -> str:
        """A message that was told to go; its id."""
        services, message = self.heed.services, await self._made(**fields)
        loaded = await services.messages.load("acme", message)
        assert loaded
        await services.schedule.send("acme", loaded, new_id())
        await services.assessor.refresh("acme", message)
        return message

    async def _made(self, **fields: Any) -> str:
        services, now = self.heed.services, self.clock.now()
        message = StoredMessage.model_validate({**_MESSAGE, "id": new_id(), "created_at": now, **fields})
        await services.reminders.enter("acme", message)
        await services.messages.make("acme", message, _BODY)
        return message.id

    async def do(self, *jobs: Job) -> list[Job]:
        """Have them done, one after the other; those that failed."""
        return [job for job in jobs if not await self.heed.carry_out(job)]

    async def take_all(self) -> list[Message]:
        """The messages that wait, whatever their delay; also those that come again."""
        await self.heed.services.journal.settle()
        messages = [*self._failed, *await self._inbox.take_all()]
        self._failed = []
        return messages

    def come_again(self, *messages: Message) -> None:
        """The host does not know that they were worked on."""
        self._failed += messages

    async def hand_over(self) -> int:
        """Every message that waits, once; how many those were. What fails waits for the next time."""
        messages = await self.take_all()
        self._failed += [job for job in await self.do(*messages) if isinstance(job, Message)]
        return len(messages)

    async def replay(self, log: str) -> None:
        """As an operator does after a day without storage."""
        answer = await self.heed.request("POST", "/api/ops/replay", log.encode(), key=ADMIN_KEY)
        assert answer.status == 200, answer.body
        await self.settle()

    async def settle(self) -> None:
        """Let time go by, until there is nothing left to do."""
        messages, ticks = await self.take_all(), [Tick(timer) for timer in TIMERS]
        for _ in range(_MOST_ROUNDS):
            self.clock.move(minutes=3)
            failed = await self.do(*messages, *ticks)
            self._failed += [job for job in failed if isinstance(job, Message)]
            messages = await self.take_all()
            if not messages and not failed and not await self.is_something_overdue():
                return
        raise AssertionError("it does not come to rest")

    async def is_something_overdue(self) -> bool:
        """True also when storage does not say."""
        try:
            return any([await self.heed.services.due.overdue(kind) for kind in KINDS])
        except StorageError:
            return True


@asynccontextmanager
async def memory_host(
    mail: Mapping[str, str],
    tables: Tables | None = None,
    clock: SetClock | None = None,
    monotonic: Callable[[], float] = time.monotonic,
) -> AsyncIterator[Host]:
    """Over storage in memory, with the organization acme and its user rep1. `monotonic` is the transport's."""
    storage = Storage(tables or MemoryTables(), MemoryBlobs(), MemoryQueues())
    async with host_over(storage, mail, clock or SetClock(START), monotonic) as host:
        yield host


@asynccontextmanager
async def host_over(
    storage: Storage, mail: Mapping[str, str], clock: SetClock, monotonic: Callable[[], float] = time.monotonic
) -> AsyncIterator[Host]:
    """Another one over the same storage in memory; both take messages from the same queues."""
    assert isinstance(storage.queues, MemoryQueues)
    smtp = SmtpTransport(mail_server_of(mail), monotonic)
    heed = HostedHeed(storage=storage, transport=smtp, clock=clock)
    await heed.start()
    try:
        yield Host(heed, MemoryInbox(storage.queues))
    finally:
        await smtp.close()


class ProcessHost(Host):
    """Over worker processes, each of which may die. `heed` is for what the test does by itself."""

    def __init__(self, heed: HostedHeed, inbox: Inbox, account: Account, mail: Mapping[str, str]) -> None:
        super().__init__(heed, inbox)
        self._account = account
        self._mail = mail
        self._places = asyncio.Semaphore(_MOST_PROCESSES)

    async def do(self, *jobs: Job) -> list[Job]:
        """In a process that nothing happens to."""
        if jobs:
            assert await self._exit_code(jobs, None) == ALL_DONE
        return []

    async def race(self, workers: Sequence[Sequence[Job]], at_once: int) -> None:
        """Start a worker process for each of these, all at the same time; each does so many jobs at once."""
        self._places = asyncio.Semaphore(len(workers))
        codes = await asyncio.gather(*(self._exit_code(jobs, None, at_once) for jobs in workers))
        assert codes == [ALL_DONE] * len(workers)

    async def kill_each(self, death: Death) -> int:
        """Every message that waits is a worker's death, and waits again after it; how many those were."""
        messages = await self.take_all()
        await asyncio.gather(*(self.kill(death, message) for message in messages))
        self._failed += messages
        return len(messages)

    async def kill(self, death: Death, job: Job) -> None:
        """Start a worker with that job; it dies of it."""
        assert await self.dies(death, job), f"nobody came to die {death}"

    async def dies(self, death: Death, job: Job) -> bool:
        """Start a worker with that job; whether it dies, or does the job without coming to that step."""
        code = await self._exit_code([job], death)
        assert code in (-signal.SIGKILL, ALL_DONE)
        return code == -signal.SIGKILL

    async def _exit_code(self, jobs: Sequence[Job], death: Death | None, at_once: int = 1) -> int | None:
        order = Order(self._account, self.heed.key, self._mail, self.clock.now(), tuple(jobs), death, at_once)
        loop, ended = asyncio.get_running_loop(), asyncio.Event()
        async with self._places:
            process = _PROCESSES.Process(target=work, args=(order,))
            process.start()
            loop.add_reader(process.sentinel, ended.set)
            await ended.wait()
            loop.remove_reader(process.sentinel)
            process.join()
        return process.exitcode
