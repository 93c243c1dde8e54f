"""Azure Service Bus as the backend of queues: publishing, with scheduled delivery and duplicate detection.

The namespace's operator makes the queues; the app may only send and receive. Duplicate detection has to be switched on
there; without it the message ids do nothing.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from lib.clock import SystemClock
from lib.ids import new_key
from lib.storage.coalescing import PerKeyWorker
from lib.storage.protocols import MOST_DEAD_LETTERS, Backlog, StorageError
from lib.storage.service_bus.dead_letters import ServiceBusDeadLetters
from lib.storage.service_bus.namespace import Namespace, translated

if TYPE_CHECKING:
    from azure.servicebus import ServiceBusMessage
    from azure.servicebus.aio import ServiceBusSender

_PATIENCE_SECONDS = 5
"""Seconds for one send with its retries: a caller waits for us."""

_CLOSING_SECONDS = 2

_MOST_BYTES = 200_000
"""Bytes that go out together at most: the Standard tier takes 256 KiB."""

_OVERHEAD = 2_000
"""Bytes that a message counts beside its body: generous, so that at most a hundred go out together."""


class ServiceBusQueues:
    """Publishes to the queues of a namespace; call inside a running event loop.

    Each queue's sender takes one call at a time: messages that come meanwhile go out together in the next one. A caller
    who loses patience (the journal, while the first connection is made) does not cut off a frame half-way, and the
    message is sent nevertheless.
    """

    def __init__(self, namespace: Namespace) -> None:
        self._namespace = namespace
        self._connections: dict[str, _Connection] = {}
        self._sending = PerKeyWorker(self._send_some, _MOST_BYTES, size_of=lambda outgoing: outgoing.size)
        self.dead_letters = ServiceBusDeadLetters(namespace)

    async def create(self, queue: str) -> None:
        """Do nothing: the namespace's operator makes the queues."""

    async def send(self, queue: str, body: str, delay: timedelta = timedelta(0), message_id: str | None = None) -> None:
        from azure.servicebus import ServiceBusMessage

        # The delay counts from the time at which it is asked for: the queue's clock is the machine's, not a test's.
        scheduled = SystemClock().now() + delay if delay > timedelta(0) else None
        # With an id of its own, even a send that the SDK repeats arrives once.
        message = ServiceBusMessage(
            body,
            message_id=message_id or new_key(),
            content_type="application/json",
            scheduled_enqueue_time_utc=scheduled,
        )
        await self._sending.do_items(queue, [_Outgoing(message, len(body.encode()) + _OVERHEAD)])

    async def backlog(self, queue: str) -> Backlog:
        with translated():
            async with self._namespace.client() as client, client.get_queue_receiver(queue) as receiver:
                found = await receiver.peek_messages(max_message_count=MOST_DEAD_LETTERS)
        # A message that is scheduled for later has that time: nothing waits for it yet.
        now = SystemClock().now()
        sent = [each.enqueued_time_utc for each in found if each.enqueued_time_utc and each.enqueued_time_utc <= now]
        return Backlog(len(found), min(sent, default=None))

    async def _send_some(self, queue: str, outgoing: list[_Outgoing]) -> None:
        if queue not in self._connections:
            self._connections[queue] = _Connection(self._namespace, queue)
        await self._connections[queue].send_messages([each.message for each in outgoing])

    async def close(self) -> None:
        await self._sending.close(_CLOSING_SECONDS)
        await asyncio.gather(*(connection.close() for connection in self._connections.values()))
        self._connections.clear()


@dataclass(frozen=True, slots=True)
class _Outgoing:
    """A message on its way."""

    message: ServiceBusMessage

    size: int
    """Bytes that the message counts among those that go out together."""


class _Connection:
    """One queue's sender. After a failure it begins anew with another connection."""

    def __init__(self, namespace: Namespace, queue: str) -> None:
        self._namespace = namespace
        self._queue = queue
        self._sender: ServiceBusSender | None = None
        self._opened = AsyncExitStack()

    async def send_messages(self, messages: list[ServiceBusMessage]) -> None:
        """Send them in one call. Raises StorageError."""
        try:
            with translated():
                async with asyncio.timeout(_PATIENCE_SECONDS):
                    if self._sender is None:
                        client = await self._opened.enter_async_context(self._namespace.client())
                        self._sender = await self._opened.enter_async_context(client.get_queue_sender(self._queue))
                    await self._sender.send_messages(messages)
        except Exception:
            await self.close()
            raise

    async def close(self) -> None:
        self._sender = None
        opened, self._opened = self._opened, AsyncExitStack()
        # A connection that is broken already cannot be closed in order.
        with suppress(StorageError), translated():
            async with asyncio.timeout(_CLOSING_SECONDS):
                await opened.aclose()
