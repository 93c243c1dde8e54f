"""Heed in this process, over storage in memory, with a clock that is set from event to event.

The functions are those of the app, called through their routes, as the Functions host calls them.
"""

from __future__ import annotations

import heapq
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from azure.functions.queue import QueueMessage

from demo.mail_server import DemoMailServer
from functions.app import make_app
from infra.local.host.application import list_functions
from infra.local.host.asking import Response, ask
from infra.local.host.http_triggers import HttpTriggers
from infra.local.host.invocation import Invoke, make_invoke
from lib.clock import SetClock
from lib.recipient_services import RecipientServices
from lib.services import Services
from lib.settings import load_settings
from lib.storage.memory import MemoryQueues, Sent, StorageWriter, memory_storage

ADMIN_KEY = "only-in-this-process"
"""The administrator's key of the stage. The running system never sees it."""


class DemoError(Exception):
    """The demo cannot be made; the text says why, and what to do."""


class Refused(DemoError):
    """Heed's answer to a call is an error."""

    def __init__(self, call: str, answer: Response) -> None:
        super().__init__(f"{call} was answered with {answer.status}: {answer.body.decode()[:500]}")
        self.status = answer.status


@dataclass(order=True, slots=True)
class Waiting:
    """A message of a queue that is handed over at a time."""

    at: datetime
    number: int
    """Keeps the order of messages of the same time."""
    sent: Sent = field(compare=False)


class Stage:
    """Heed, its mail server and its clock. Close it when it is done."""

    def __init__(
        self,
        base_url: str,
        token_keys: str,
        start: datetime,
        mail_server: DemoMailServer,
        resolve_mx: Callable[[str], Awaitable[Sequence[str]]],
    ) -> None:
        self.base_url = base_url
        self.clock = SetClock(start)
        self.mail_server = mail_server
        self.storage = memory_storage()
        settings = load_settings(
            {
                "HEED_BASE_URL": base_url,
                "HEED_TOKEN_KEYS": token_keys,
                "HEED_ADMIN_KEY": ADMIN_KEY,
                "HEED_TRUSTED_HOPS": "1",
                "HEED_LOOPBACK": "on",
                "HEED_REQUESTS_PER_SECOND": "1000000",
                # Never reached: all rows go to the memory of this process.
                "AzureWebJobsStorage": "UseDevelopmentStorage=true",
            }
        )
        writer = StorageWriter(self.storage)
        recipients = RecipientServices(settings, storage=self.storage, writer=writer, clock=self.clock)
        self.services = Services(settings, recipients=recipients, transport=mail_server, resolve_mx=resolve_mx)
        self._http, self._queues, self._timers = HttpTriggers(""), dict[str, Invoke](), dict[str, Invoke]()
        self._threads = ThreadPoolExecutor(1)
        self._waiting: list[Waiting] = []
        self._count = 0
        self._register_functions(recipients)

    def _register_functions(self, recipients: RecipientServices) -> None:
        for function in list_functions(make_app(recipients, self.services)):
            invoke = make_invoke(function, self._threads)
            if function.trigger_type == "httpTrigger":
                self._http.add_function(function, invoke)
            elif function.trigger_type == "queueTrigger":
                self._queues[function.trigger.queue_name] = invoke
            else:
                self._timers[function.name] = invoke

    @property
    def now(self) -> datetime:
        return self.clock.now()

    async def close(self) -> None:
        """Close the services; what they wrote stays in `storage`."""
        await self.services.close()
        await self.services.recipients.close()
        self._threads.shutdown()

    async def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """Make a request, now. `path` may have a query; `body` is sent as it is, or as JSON."""
        return await ask(self._http, self.base_url, method, path, body, key=key, headers=headers)

    async def move_to(self, at: datetime) -> None:
        """Let time go by until then; messages of queues are handed over when their time has come."""
        while self._waiting and self._waiting[0].at <= at:
            due = heapq.heappop(self._waiting)
            self._set_clock(due.at)
            await self._hand_over(due.sent)
            await self.work()
        self._set_clock(at)

    async def work(self) -> None:
        """Let queues' functions do all that is to be done now."""
        await self.services.floods.settle()
        await self.services.journal.settle()
        waiting = self._messages()
        while waiting:
            sent = waiting.pop(0)
            if sent.delay.total_seconds() > 0:
                self._count += 1
                heapq.heappush(self._waiting, Waiting(self.now + sent.delay, self._count, sent))
            else:
                await self._hand_over(sent)

    async def tick(self, timer: str) -> None:
        """Let a timer's function run now, and queues do what it asks for."""
        await self._timers[timer](None)
        await self.work()

    def waiting(self) -> list[Waiting]:
        """Return the messages whose time has not come, in its order."""
        return sorted(self._waiting)

    def _set_clock(self, at: datetime) -> None:
        seconds = (at - self.clock.now()).total_seconds()
        if seconds > 0:
            self.clock.move(seconds=seconds)

    def _messages(self) -> list[Sent]:
        queues = self.storage.queues
        assert isinstance(queues, MemoryQueues)
        return queues.waiting

    async def _hand_over(self, sent: Sent) -> None:
        await self._queues[sent.queue](QueueMessage(id="1", body=sent.body.encode(), dequeue_count=1))
