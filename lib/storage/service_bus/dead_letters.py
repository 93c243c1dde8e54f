"""The dead-letter sub-queues of Service Bus: peeking shows them, receiving replays them."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from lib.clock import SystemClock
from lib.ids import new_key
from lib.storage.protocols import MOST_DEAD_LETTERS, DeadLetter, StorageError
from lib.storage.service_bus.namespace import Namespace, translated

if TYPE_CHECKING:
    from azure.servicebus import ServiceBusReceivedMessage
    from azure.servicebus.aio import ServiceBusReceiver, ServiceBusSender

_WAIT_SECONDS = 2
"""Seconds to wait for messages that peeking has found."""

_OUR_OWN_WORDS = re.compile(r"[A-Za-z0-9 ._-]{1,100}")
"""Reasons that are shown. Others may hold text of the message itself."""


class ServiceBusDeadLetters:
    """Dead letters of one namespace. Their ids are sequence numbers."""

    def __init__(self, namespace: Namespace) -> None:
        self._namespace = namespace

    async def count(self, queue: str) -> int:
        return len(await self.peek(queue))

    async def peek(self, queue: str, limit: int = MOST_DEAD_LETTERS) -> list[DeadLetter]:
        with translated():
            async with self._namespace.client() as client, client.get_queue_receiver(queue, sub_queue=_dead()) as dead:
                found = await dead.peek_messages(max_message_count=limit)
        return [_dead_letter(message) for message in found]

    async def replay(self, queue: str, ids: Collection[str] | None = None) -> int:
        with translated():
            async with self._namespace.client() as client:
                dead, sender = client.get_queue_receiver(queue, sub_queue=_dead()), client.get_queue_sender(queue)
                try:
                    there = await _numbers(dead)
                    return await _replay(dead, sender, there if ids is None else there & set(ids))
                finally:
                    # Both at the same time: it takes the SDK a second each.
                    await asyncio.gather(dead.close(), sender.close())


async def _replay(dead: ServiceBusReceiver, sender: ServiceBusSender, wanted: set[str]) -> int:
    replayed = 0
    others: dict[str, ServiceBusReceivedMessage] = {}
    while wanted and (batch := await _take(dead)):
        for message in batch:
            number = str(message.sequence_number)
            if number in wanted:
                wanted.discard(number)
                await _send_again(sender, dead, message)
                replayed += 1
            elif number in others:
                # Its lock ended before we were through: the missing ones are another receiver's now.
                wanted.clear()
            else:
                others[number] = message
    await _give_back(dead, others.values())
    return replayed


def _dead() -> str:
    from azure.servicebus import ServiceBusSubQueue

    return ServiceBusSubQueue.DEAD_LETTER


async def _numbers(dead: ServiceBusReceiver) -> set[str]:
    """The ids of all dead letters now: a message that fails again during a replay waits for the next replay."""
    numbers: set[str] = set()
    start = 1
    while found := await dead.peek_messages(max_message_count=MOST_DEAD_LETTERS, sequence_number=start):
        numbers |= {str(message.sequence_number) for message in found}
        start = max(message.sequence_number or 0 for message in found) + 1
    return numbers


async def _take(dead: ServiceBusReceiver) -> Sequence[ServiceBusReceivedMessage]:
    return await dead.receive_messages(max_message_count=MOST_DEAD_LETTERS, max_wait_time=_WAIT_SECONDS)


async def _send_again(sender: ServiceBusSender, dead: ServiceBusReceiver, message: ServiceBusReceivedMessage) -> None:
    from azure.servicebus import ServiceBusMessage

    # With a new id: duplicate detection may remember the old one.
    again = ServiceBusMessage(b"".join(_pieces(message)), message_id=new_key(), content_type=message.content_type)
    await sender.send_messages(again)
    await dead.complete_message(message)


async def _give_back(dead: ServiceBusReceiver, messages: Iterable[ServiceBusReceivedMessage]) -> None:
    for message in messages:
        with suppress(StorageError), translated():  # else it comes back when its lock is over
            await dead.abandon_message(message)


def _pieces(message: ServiceBusReceivedMessage) -> list[bytes]:
    body = message.body
    if isinstance(body, bytes):
        return [body]
    try:
        return [bytes(piece) for piece in body]
    except TypeError:
        return [str(body).encode()]


def _dead_letter(message: ServiceBusReceivedMessage) -> DeadLetter:
    reason = message.dead_letter_reason or ""
    return DeadLetter(
        id=str(message.sequence_number),
        body=b"".join(_pieces(message)),
        tries=message.delivery_count,
        since=message.enqueued_time_utc or SystemClock().now(),
        reason=reason if _OUR_OWN_WORDS.fullmatch(reason) else "It was given up in a way of its own.",
    )
