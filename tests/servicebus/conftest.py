"""A Service Bus to test against: our loopback broker, or what HEED_TEST_SERVICEBUS names.

A real namespace, or Microsoft's emulator, must have the queues `heed-test-0` to `heed-test-3` (empty, with duplicate
detection, MaxDeliveryCount 10). Tests that need locks of a second run against the loopback broker alone.

One connection serves a module's tests, which share an event loop: to take leave of a broker takes the SDK a second.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import time
import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import pytest
import pytest_asyncio
from azure.servicebus import ServiceBusMessage, ServiceBusReceivedMessage, ServiceBusSubQueue
from azure.servicebus.aio import ServiceBusClient, ServiceBusReceiver, ServiceBusSender

from infra.local.service_bus.process import start_service_bus
from lib.storage.service_bus.namespace import Namespace
from lib.storage.service_bus.queues import ServiceBusQueues

GIVEN = os.environ.get("HEED_TEST_SERVICEBUS")
loopback_only = pytest.mark.skipif(bool(GIVEN), reason="it needs locks that are over in a second")

_NAMES_GIVEN = itertools.cycle(f"heed-test-{number}" for number in range(4))


@dataclass(slots=True)
class Bus:
    """`queue` gives the name of a queue that nobody else uses, `client` is the plain SDK."""

    connection_string: str
    queue: Callable[[], str]
    client: ServiceBusClient
    _receivers: dict[str, ServiceBusReceiver] = field(default_factory=dict)
    _senders: dict[str, ServiceBusSender] = field(default_factory=dict)

    async def take(self, queue: str, count: int, seconds: float = 60) -> list[bytes]:
        """The bodies of that many messages, or of those that come within the time, and are then gone."""
        receiver, deadline = self.receiver(queue), time.monotonic() + seconds
        taken: list[bytes] = []
        while len(taken) < count and (left := deadline - time.monotonic()) > 0:
            for message in await receiver.receive_messages(max_message_count=count - len(taken), max_wait_time=left):
                taken.append(b"".join(message.body))
                await receiver.complete_message(message)
        return taken

    async def send(self, queue: str, body: str | bytes) -> None:
        await self.sender(queue).send_messages(ServiceBusMessage(body))

    def receiver(self, queue: str) -> ServiceBusReceiver:
        """One for each queue: opening and closing them takes the SDK a second."""
        if queue not in self._receivers:
            self._receivers[queue] = self.client.get_queue_receiver(queue)
        return self._receivers[queue]

    def sender(self, queue: str) -> ServiceBusSender:
        """One for each queue, too."""
        if queue not in self._senders:
            self._senders[queue] = self.client.get_queue_sender(queue)
        return self._senders[queue]

    async def dead(self, queue: str) -> list[ServiceBusReceivedMessage]:
        """What stands in the dead-letter sub-queue."""
        key = f"{queue}/dead"
        if key not in self._receivers:
            self._receivers[key] = self.client.get_queue_receiver(queue, sub_queue=ServiceBusSubQueue.DEAD_LETTER)
        return await self._receivers[key].peek_messages(max_message_count=100, sequence_number=1)

    async def left(self, queue: str) -> int:
        """Messages that wait, are scheduled or locked."""
        return len(await self.receiver(queue).peek_messages(max_message_count=100, sequence_number=1))

    async def close(self) -> None:
        await asyncio.gather(*(each.close() for each in [*self._receivers.values(), *self._senders.values()]))
        await self.client.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bus(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Bus]:
    """With locks of a second, where it is the loopback broker."""
    if GIVEN:
        made = Bus(GIVEN, lambda: next(_NAMES_GIVEN), ServiceBusClient.from_connection_string(GIVEN))
        yield made
        await made.close()
        return
    child, connection_string = start_service_bus(tmp_path_factory.mktemp("servicebus"), lock_seconds=1)
    client = ServiceBusClient.from_connection_string(connection_string)
    yield Bus(connection_string, lambda: f"queue-{uuid.uuid4().hex}", client)
    # No leave is taken of it: that takes the SDK two seconds. What it left running ends with the module's event loop.
    child.stop()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def queues(bus: Bus) -> AsyncIterator[ServiceBusQueues]:
    """Heed's publisher."""
    made = ServiceBusQueues(Namespace.parse(bus.connection_string))
    yield made
    await made.close()
