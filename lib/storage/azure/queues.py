"""Azure Storage queues through the SDK, and the poison queue that the Functions host keeps beside each of them."""

from __future__ import annotations

import asyncio
import base64
import binascii
import math
from collections.abc import Collection
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING

from lib.clock import SystemClock
from lib.storage.azure.errors import translated
from lib.storage.protocols import MOST_DEAD_LETTERS, Backlog, Conflict, DeadLetter, Missing

if TYPE_CHECKING:
    from azure.storage.queue import QueueMessage
    from azure.storage.queue.aio import QueueClient, QueueServiceClient

_PAGE = 32
"""Messages that the service shows or hands out at once."""

_HIDDEN_SECONDS = 60
"""Seconds for which a replay hides a poison message from others; a replay that dies leaves the message there."""

_REASON = "The function failed every time; the log says why."


class AzureQueues:
    """Queues of one account. Bodies travel in base64, as the Functions host expects them."""

    def __init__(self, service: QueueServiceClient) -> None:
        self._service = service
        self.dead_letters = AzureDeadLetters(service)

    async def create(self, queue: str) -> None:
        try:
            with translated():
                await self._service.create_queue(queue)
        except Conflict as conflict:
            if "BeingDeleted" in str(conflict):
                raise

    async def send(
        self,
        queue: str,
        body: str,
        delay: timedelta = timedelta(0),
        message_id: str | None = None,  # noqa: ARG002 - storage queues know no duplicates
    ) -> None:
        encoded = base64.b64encode(body.encode()).decode()
        wait = max(0, math.ceil(delay.total_seconds()))
        with translated():
            await self._service.get_queue_client(queue).send_message(encoded, visibility_timeout=wait, time_to_live=-1)

    async def backlog(self, queue: str) -> Backlog:
        client = self._service.get_queue_client(queue)
        try:
            with translated():
                properties, first = await asyncio.gather(client.get_queue_properties(), client.peek_messages(1))
        except Missing:
            return Backlog(0, None)
        return Backlog(properties.approximate_message_count or 0, first[0].inserted_on if first else None)


class AzureDeadLetters:
    """Messages of the queues `<queue>-poison`, which the host makes when the first message fails for good.

    The host copies the text of a message and nothing else, so tries and reason are unknown. The service shows the first
    32 messages only.
    """

    def __init__(self, service: QueueServiceClient) -> None:
        self._service = service

    async def count(self, queue: str) -> int:
        try:
            with translated():
                return (await self._poison(queue).get_queue_properties()).approximate_message_count or 0
        except Missing:
            return 0

    async def peek(self, queue: str, limit: int = MOST_DEAD_LETTERS) -> list[DeadLetter]:
        try:
            with translated():
                found = await self._poison(queue).peek_messages(min(limit, _PAGE))
        except Missing:
            return []
        return [_dead_letter(message) for message in found]

    async def replay(self, queue: str, ids: Collection[str] | None = None) -> int:
        poison, target = self._poison(queue), self._service.get_queue_client(queue)
        # No more than there are now: what fails again while this goes on waits for the next replay.
        left, replayed = await self.count(queue), 0
        others: list[QueueMessage] = []
        try:
            while left > 0 and (batch := await _take(poison)):
                left -= len(batch)
                for message in batch:
                    if ids is not None and message.id not in ids:
                        others.append(message)
                        continue
                    with translated():
                        await target.send_message(message.content, time_to_live=-1)
                    await _delete(poison, message)
                    replayed += 1
        finally:
            for message in others:
                with suppress(Missing), translated():
                    await poison.update_message(message.id, message.pop_receipt, visibility_timeout=0)
        return replayed

    def _poison(self, queue: str) -> QueueClient:
        return self._service.get_queue_client(f"{queue}-poison")


async def _take(poison: QueueClient) -> list[QueueMessage]:
    with translated():
        found = poison.receive_messages(messages_per_page=_PAGE, max_messages=_PAGE, visibility_timeout=_HIDDEN_SECONDS)
        return [message async for message in found]


async def _delete(poison: QueueClient, message: QueueMessage) -> None:
    # Missing: another replay had the message when our time was over. It is on its queue twice then, which is harmless.
    with suppress(Missing), translated():
        await poison.delete_message(message.id, message.pop_receipt)


def _dead_letter(message: QueueMessage) -> DeadLetter:
    try:
        body = base64.b64decode(message.content, validate=True)
    except binascii.Error:
        body = str(message.content).encode()
    since = message.inserted_on or SystemClock().now()
    return DeadLetter(str(message.id), body, None, since, _REASON)
