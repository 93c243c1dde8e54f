"""What Heed sends to Service Bus: at once, later, once, in any size; and what it says when nobody answers."""

from __future__ import annotations

import asyncio
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from azure.servicebus import ServiceBusReceiveMode
from azure.servicebus.aio import ServiceBusClient

from infra.local.child import free_port
from infra.local.service_bus.process import connection_string, start_service_bus
from lib.storage import Backlog, StorageError, Unavailable
from lib.storage.service_bus.namespace import Namespace
from lib.storage.service_bus.queues import ServiceBusQueues
from tests.servicebus.conftest import Bus

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(scope="module")
def queue(bus: Bus) -> str:
    """Of all tests here; each leaves it empty."""
    return bus.queue()


@pytest.mark.parametrize("body", ["{}", 'Ünïcödé 😀 <&> "quoted"\r\n', "x" * 48 * 1024, "y" * 200_000], ids=len)
async def test_a_message_arrives_as_it_was_sent(bus: Bus, queues: ServiceBusQueues, queue: str, body: str) -> None:
    await queues.send(queue, body)

    assert await bus.take(queue, 1) == [body.encode()]


async def test_messages_that_come_at_the_same_time_all_arrive_in_their_order(
    bus: Bus, queues: ServiceBusQueues, queue: str
) -> None:
    sent = [f"{number:03d}" + "z" * 9000 for number in range(150)]

    await asyncio.gather(*(queues.send(queue, body) for body in sent))

    assert await bus.take(queue, 150) == [body.encode() for body in sent]


async def test_nobody_sees_a_message_before_its_time(bus: Bus, queues: ServiceBusQueues, queue: str) -> None:
    await queues.send(queue, "later", timedelta(seconds=2))
    await queues.send(queue, "overdue", timedelta(seconds=-5))

    assert await bus.take(queue, 2, 0.8) == [b"overdue"]
    assert await bus.take(queue, 1) == [b"later"]


async def test_of_messages_with_the_same_id_the_first_alone_arrives_even_if_it_is_gone(
    bus: Bus, queues: ServiceBusQueues, queue: str
) -> None:
    once = str(uuid.uuid4())
    await queues.send(queue, "first", message_id=once)
    assert await bus.take(queue, 1) == [b"first"]

    await queues.send(queue, "again", message_id=once)
    await queues.send(queue, "same text")
    await queues.send(queue, "same text")

    assert await bus.take(queue, 2) == [b"same text", b"same text"]


async def test_the_backlog_counts_what_waits_and_tells_since_when(
    bus: Bus, queues: ServiceBusQueues, queue: str
) -> None:
    assert await queues.backlog(queue) == Backlog(0, None)
    await queues.send(queue, "first")

    backlog = await queues.backlog(queue)

    assert backlog.count == 1
    assert backlog.oldest
    assert abs(datetime.now(UTC) - backlog.oldest) < timedelta(minutes=5)
    assert await bus.take(queue, 1) == [b"first"]


async def test_making_a_queue_is_none_of_the_apps_business(bus: Bus, queues: ServiceBusQueues, queue: str) -> None:
    await queues.send(queue, "kept")
    await queues.create(queue)

    assert await bus.take(queue, 1) == [b"kept"]


async def test_what_is_too_big_is_refused_and_others_are_not_harmed(
    bus: Bus, queues: ServiceBusQueues, queue: str
) -> None:
    outcomes = await asyncio.gather(
        queues.send(queue, "before"),
        queues.send(queue, "x" * 1_100_000),
        queues.send(queue, "after"),
        return_exceptions=True,
    )

    assert isinstance(outcomes[1], StorageError)
    assert not isinstance(outcomes[1], Unavailable)
    assert outcomes[0] is outcomes[2] is None
    assert await bus.take(queue, 2) == [b"before", b"after"]


async def test_a_broker_that_is_started_anew_is_found_by_a_sender_that_was_connected(tmp_path: Path) -> None:
    port = free_port()
    first, given = start_service_bus(tmp_path, port=port)
    queues = ServiceBusQueues(Namespace.parse(given))
    await queues.send("outbox", "before")
    first.stop()
    second, _ = start_service_bus(tmp_path, port=port)

    await queues.send("outbox", "after")

    assert await taken(given, "outbox", until=b"after") == [b"before", b"after"]
    await queues.close()
    second.stop()


async def test_a_caller_that_gives_up_disturbs_nobody_and_its_message_is_sent(
    bus: Bus, queues: ServiceBusQueues, queue: str
) -> None:
    impatient = [asyncio.create_task(queues.send(queue, f"impatient {number}")) for number in range(3)]
    patient = asyncio.create_task(queues.send(queue, "patient"))
    await asyncio.sleep(0)

    for task in impatient:
        task.cancel()
    await patient

    assert await bus.take(queue, 4) == [b"impatient 0", b"impatient 1", b"impatient 2", b"patient"]


async def test_a_broker_that_was_away_is_found_again_and_gets_nothing_that_nobody_waits_for(
    tmp_path: Path,
) -> None:
    port = free_port()
    queues = ServiceBusQueues(Namespace.parse(connection_string(port)))
    sends = [asyncio.create_task(queues.send("outbox", f"{number}" * 150_000)) for number in range(3)]
    await asyncio.sleep(0.1)
    sends[1].cancel()
    async with asyncio.timeout(60):
        with pytest.raises(Unavailable):
            await sends[0]

    broker, given = start_service_bus(tmp_path, port=port)
    await asyncio.gather(*sends, return_exceptions=True)
    await queues.send("outbox", "after")

    found = await taken(given, "outbox", until=b"after")
    assert b"1" not in {body[:1] for body in found}
    await queues.close()
    broker.stop()


async def taken(given: str, queue: str, until: bytes) -> list[bytes]:
    """The bodies of the messages up to that one, in their order."""
    bodies: list[bytes] = []
    async with (
        asyncio.timeout(60),
        ServiceBusClient.from_connection_string(given) as client,
        client.get_queue_receiver(queue, receive_mode=ServiceBusReceiveMode.RECEIVE_AND_DELETE) as receiver,
    ):
        while until not in bodies:
            bodies += [b"".join(message.body) for message in await receiver.receive_messages(max_wait_time=5)]
    return bodies
