"""Runs queue-triggered functions on Azure Storage queues, as the Functions host does.

Messages are taken in batches and hidden for ten minutes, which is renewed while the function runs. Success
deletes the message; failure shows it again after `visibilityTimeout`; after `maxDequeueCount` tries it goes
to `<queue>-poison`.
"""

import asyncio
import base64
import binascii
import logging
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import Any

from azure.core.exceptions import AzureError, ResourceExistsError, ResourceNotFoundError
from azure.functions.queue import QueueMessage
from azure.storage.queue import QueueMessage as StoredMessage
from azure.storage.queue.aio import QueueClient, QueueServiceClient

from infra.local.host.host_json import QueueOptions
from infra.local.host.invocation import InvocationError, Invoke
from infra.local.host.running_tasks import RunningTasks, start_in_background

logger = logging.getLogger("heed.host")

LEASE = timedelta(minutes=10)
SHORTEST_PAUSE_SECONDS = 0.1
STORAGE_TRIES = 5
_UNTYPED_QUEUE_MESSAGE: Any = QueueMessage


class QueueTrigger:
    """A function and the queue that it works off."""

    def __init__(
        self,
        function_name: str,
        queue_name: str,
        connection_string: str,
        invoke: Invoke,
        options: QueueOptions,
        lease: timedelta = LEASE,
    ) -> None:
        self._function_name = function_name
        self._queue_name = queue_name
        self._invoke = invoke
        self._options = options
        self._lease_seconds = max(1, int(lease.total_seconds()))
        # No retries in the client: it would sit out an outage in silence, and the poll comes round anyway.
        self._service = QueueServiceClient.from_connection_string(connection_string, retry_total=0)
        self._queue: QueueClient = self._service.get_queue_client(queue_name)
        self._poison: QueueClient = self._service.get_queue_client(f"{queue_name}-poison")
        self._messages = RunningTasks()
        self._stopping = asyncio.Event()
        self._storage_is_down = False
        self._loop: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to poll the queue, which is made if it does not exist."""
        self._loop = start_in_background(self._poll())

    async def stop(self, seconds: float) -> None:
        """Take no more messages, and wait at most that long for those under way."""
        self._stopping.set()
        deadline = asyncio.get_running_loop().time() + seconds
        if self._loop is not None:
            # Not cancelled at once: messages on their way here would stay hidden for the whole lease.
            await asyncio.wait([self._loop], timeout=seconds)
            self._loop.cancel()
        await self._messages.finish(max(0, deadline - asyncio.get_running_loop().time()))
        await self._service.close()

    async def _poll(self) -> None:
        pause = SHORTEST_PAUSE_SECONDS
        longest_pause = max(self._options.max_polling_interval.total_seconds(), SHORTEST_PAUSE_SECONDS)
        while not self._stopping.is_set():
            await self._messages.until_at_most(self._options.new_batch_threshold)
            batch = await self._take_batch()
            if self._stopping.is_set():
                await self._give_back(batch)
                return
            for message in batch:
                self._messages.start(self._handle(message))
            if batch:
                pause = SHORTEST_PAUSE_SECONDS
                continue
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), pause * random.uniform(0.8, 1.0))  # noqa: S311
            pause = min(pause * 2, longest_pause)

    async def _take_batch(self) -> list[StoredMessage]:
        """Take up to a batch of messages; none when the queue is empty or storage does not answer."""
        try:
            pages = self._queue.receive_messages(
                messages_per_page=self._options.batch_size, visibility_timeout=self._lease_seconds
            ).by_page()
            # One page only: the iterator would ask again until the queue is empty.
            batch = [message async for message in await anext(pages)]
        except StopAsyncIteration:
            batch = []
        except ResourceNotFoundError:
            batch = []
            await self._make_queue()
        except AzureError as error:
            self._say_once_that_storage_is_down(error)
            return []
        if self._storage_is_down:
            self._storage_is_down = False
            logger.warning("Storage answers again: queue %s", self._queue_name)
        return batch

    async def _make_queue(self) -> None:
        try:
            await _make_queue(self._queue)
        except AzureError as error:
            self._say_once_that_storage_is_down(error)

    def _say_once_that_storage_is_down(self, error: AzureError) -> None:
        if not self._storage_is_down:
            self._storage_is_down = True
            logger.error("Storage does not answer: queue %s: %s", self._queue_name, error.message)

    async def _give_back(self, batch: list[StoredMessage]) -> None:
        for message in batch:
            await self._settle(message, partial(self._show_again, message, 0))

    async def _handle(self, message: StoredMessage) -> None:
        """Run the function on one message and settle the message by the outcome."""
        tries = message.dequeue_count or 1
        try:
            body = self._decode(message.content)
        except binascii.Error:
            logger.error("Message %s on queue %s is no base64: poison", message.id, self._queue_name)
            await self._settle(message, partial(self._move_to_poison, message))
            return
        # One more than allowed: a host died while it ran the last try.
        if tries <= self._options.max_dequeue_count and await self._run(message, body):
            await self._settle(message, partial(self._delete, message))
        elif tries >= self._options.max_dequeue_count:
            logger.error(
                "Function %s gave up on message %s of queue %s after %d tries: poison",
                self._function_name,
                message.id,
                self._queue_name,
                tries,
            )
            await self._settle(message, partial(self._move_to_poison, message))
        else:
            seconds = int(self._options.visibility_timeout.total_seconds())
            await self._settle(message, partial(self._show_again, message, seconds))

    def _decode(self, content: str) -> bytes:
        if self._options.message_encoding == "base64":
            return base64.b64decode(content, validate=True)
        return content.encode()

    async def _run(self, message: StoredMessage, body: bytes) -> bool:
        """Run the function, and renew the lease meanwhile. Return whether there was no error."""
        renewal = asyncio.create_task(self._renew_lease(message))
        try:
            await self._invoke(_as_function_sees_it(message, body))
        except InvocationError:
            return False
        finally:
            renewal.cancel()
            await asyncio.gather(renewal, return_exceptions=True)
        return True

    async def _renew_lease(self, message: StoredMessage) -> None:
        while True:
            await asyncio.sleep(self._lease_seconds / 2)
            try:
                await self._show_again(message, self._lease_seconds)
            except AzureError as error:
                logger.warning("The lease of message %s was not renewed: %s", message.id, error.message)

    async def _settle(self, message: StoredMessage, operation: Callable[[], Awaitable[None]]) -> None:
        """Tell storage the outcome of the message, several times if need be.

        If it never hears, the message comes back when its lease is over: that is what at-least-once means.
        """
        for number in range(STORAGE_TRIES):
            try:
                await operation()
                return
            except ResourceNotFoundError:
                logger.warning("Message %s of queue %s went to someone else", message.id, self._queue_name)
                return
            except AzureError as error:
                failure = error.message
                await asyncio.sleep(SHORTEST_PAUSE_SECONDS * 2**number)
        logger.error("Message %s of queue %s could not be settled: %s", message.id, self._queue_name, failure)

    async def _delete(self, message: StoredMessage) -> None:
        await self._queue.delete_message(message.id, message.pop_receipt)

    async def _show_again(self, message: StoredMessage, seconds: int) -> None:
        updated = await self._queue.update_message(message.id, message.pop_receipt, visibility_timeout=seconds)
        message.pop_receipt = updated.pop_receipt

    async def _move_to_poison(self, message: StoredMessage) -> None:
        # First the copy, then the deletion: a crash between them leaves two, never none.
        try:
            await self._poison.send_message(message.content)
        except ResourceNotFoundError:
            await _make_queue(self._poison)
            await self._poison.send_message(message.content)
        await self._delete(message)


async def _make_queue(queue: QueueClient) -> None:
    with suppress(ResourceExistsError):
        await queue.create_queue()


def _as_function_sees_it(message: StoredMessage, body: bytes) -> Any:
    return _UNTYPED_QUEUE_MESSAGE(
        id=message.id,
        body=body,
        dequeue_count=message.dequeue_count,
        expiration_time=message.expires_on,
        insertion_time=message.inserted_on,
        time_next_visible=message.next_visible_on,
        pop_receipt=message.pop_receipt,
    )
