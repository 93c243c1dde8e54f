"""Azure Service Bus as the backend of queues: publishing, with scheduled delivery and duplicate detection.

Queues are made by whoever sets up the namespace, not by the app, which may only send and receive. Duplicate detection
has to be switched on there; without it the message ids do nothing.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

from lib.storage.protocols import StorageError
from lib.storage.service_bus.dead_letters import ServiceBusDeadLetters
from lib.storage.service_bus.namespace import Namespace, translated

if TYPE_CHECKING:
    from azure.servicebus import ServiceBusMessage
    from azure.servicebus.aio import ServiceBusSender

_PATIENCE_SECONDS = 5
"""For one send with its retries: a caller waits for us."""

_CLOSING_SECONDS = 2

_MOST_BYTES = 200_000
"""Of what goes out together: the Standard tier takes 256 KiB."""

_MOST_MESSAGES = 100
_OVERHEAD = 512
"""Bytes of a message beside its body, generously."""


class ServiceBusQueues:
    """Publishes to the queues of a namespace; call inside a running event loop."""

    def __init__(self, namespace: Namespace) -> None:
        self._namespace = namespace
        self._lines: dict[str, _Line] = {}
        self.dead_letters = ServiceBusDeadLetters(namespace)

    async def create(self, queue: str) -> None:
        """Nothing: whoever set up the namespace has made it."""

    async def send(self, queue: str, body: str, delay: timedelta = timedelta(0), message_id: str | None = None) -> None:
        from azure.servicebus import ServiceBusMessage

        scheduled = datetime.now(UTC) + delay if delay > timedelta(0) else None
        # With an id of its own, even a send that the SDK repeats arrives once.
        message = ServiceBusMessage(
            body,
            message_id=message_id or str(uuid4()),
            content_type="application/json",
            scheduled_enqueue_time_utc=scheduled,
        )
        if queue not in self._lines:
            self._lines[queue] = _Line(self._namespace, queue)
        await self._lines[queue].send(message, len(body.encode()) + _OVERHEAD)

    async def close(self) -> None:
        lines, self._lines = self._lines, {}
        await asyncio.gather(*(line.close() for line in lines.values()))


@dataclass(slots=True)
class _Waiting:
    message: ServiceBusMessage
    size: int
    done: asyncio.Future[None]

    def settle(self, failure: Exception | None) -> None:
        if self.done.done():
            return
        if failure is None:
            self.done.set_result(None)
        else:
            self.done.set_exception(failure)


class _Line:
    """One queue's sender, which takes one call at a time: what comes meanwhile goes out together in the next one.

    It sends in a task of its own: a caller who loses patience (the journal, while the first connection is made) does
    not cut off a frame half-way, and the message is sent nevertheless. After a failure it begins anew with another
    connection, and forgets what nobody waits for any more.
    """

    def __init__(self, namespace: Namespace, queue: str) -> None:
        self._namespace = namespace
        self._queue = queue
        self._sender: ServiceBusSender | None = None
        self._opened = AsyncExitStack()
        self._waiting: list[_Waiting] = []
        self._task: asyncio.Task[None] | None = None

    async def send(self, message: ServiceBusMessage, size: int) -> None:
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(message, size, done))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._drain())
        await done

    async def close(self) -> None:
        if self._task is not None:
            await asyncio.wait([self._task], timeout=_CLOSING_SECONDS)
            self._task.cancel()
        await self._hang_up()

    async def _drain(self) -> None:
        while group := self._next_group():
            try:
                failure = await self._failure_of([waiting.message for waiting in group])
            except asyncio.CancelledError:
                for waiting in [*group, *self._waiting]:
                    waiting.done.cancel()
                raise
            for waiting in group:
                waiting.settle(failure)
            if failure is not None:
                self._waiting = [waiting for waiting in self._waiting if not waiting.done.done()]

    def _next_group(self) -> list[_Waiting]:
        """Those at the head that fit into one call."""
        size = count = 0
        for waiting in self._waiting[:_MOST_MESSAGES]:
            size += waiting.size
            if count and size > _MOST_BYTES:
                break
            count += 1
        group, self._waiting = self._waiting[:count], self._waiting[count:]
        return group

    async def _failure_of(self, messages: list[ServiceBusMessage]) -> Exception | None:
        """Send them; None when they are there."""
        try:
            with translated():
                async with asyncio.timeout(_PATIENCE_SECONDS):
                    if self._sender is None:
                        client = await self._opened.enter_async_context(self._namespace.client())
                        self._sender = await self._opened.enter_async_context(client.get_queue_sender(self._queue))
                    await self._sender.send_messages(messages)
        except Exception as error:  # whatever it is, those who wait must hear of it
            await self._hang_up()
            return error
        return None

    async def _hang_up(self) -> None:
        self._sender = None
        opened, self._opened = self._opened, AsyncExitStack()
        # A connection that is broken already cannot be closed in order.
        with suppress(StorageError), translated():
            async with asyncio.timeout(_CLOSING_SECONDS):
                await opened.aclose()
