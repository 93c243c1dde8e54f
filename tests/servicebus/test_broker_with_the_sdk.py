"""What the Azure SDK does with a queue, it can do with the loopback broker: peek-lock and its ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from azure.servicebus import (
    ServiceBusMessage,
    ServiceBusReceivedMessage,
    ServiceBusReceiveMode,
    ServiceBusSubQueue,
    parse_connection_string,
)
from azure.servicebus.aio import ServiceBusClient, ServiceBusReceiver
from azure.servicebus.exceptions import MessageLockLostError, MessageSizeExceededError, ServiceBusError

from infra.local.service_bus.process import start_service_bus
from tests.servicebus.conftest import Bus, loopback_only
from tests.support.tcp_forwarder import TcpForwarder

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(bus: Bus) -> AsyncIterator[tuple[str, ServiceBusReceiver]]:
    """A queue that each test leaves empty, with a receiver: opening one takes the SDK half a second."""
    queue = bus.queue()
    receiver = bus.client.get_queue_receiver(queue)
    yield queue, receiver


async def test_properties_arrive_as_they_were_sent(bus: Bus, shared: tuple[str, ServiceBusReceiver]) -> None:
    queue, receiver = shared
    sent = ServiceBusMessage(
        b"\x00\xff",
        message_id="id-1",
        content_type="application/json",
        correlation_id="other",
        subject="kind",
        application_properties={"text": "ü", "number": 7, "yes": True},
    )
    await bus.sender(queue).send_messages(sent)

    [message] = await receiver.receive_messages(max_wait_time=5)

    assert (b"".join(message.body), message.message_id, message.subject) == (b"\x00\xff", "id-1", "kind")
    assert (message.content_type, message.correlation_id) == ("application/json", "other")
    assert message.application_properties == {b"text": "ü".encode(), b"number": 7, b"yes": True}
    assert message.application_properties[b"yes"] is True
    assert message.delivery_count == 0
    assert message.sequence_number
    assert message.locked_until_utc
    assert message.locked_until_utc > datetime.now(UTC)
    assert message.enqueued_time_utc
    assert abs(datetime.now(UTC) - message.enqueued_time_utc) < timedelta(seconds=30)
    await receiver.complete_message(message)


async def test_an_abandoned_message_comes_again_at_once(bus: Bus, shared: tuple[str, ServiceBusReceiver]) -> None:
    queue, receiver = shared
    await bus.send(queue, "again")
    [message] = await receiver.receive_messages(max_wait_time=5)

    await receiver.abandon_message(message)

    [again] = await receiver.receive_messages(max_wait_time=5)
    assert (b"".join(again.body), again.delivery_count) == (b"again", 1)
    await receiver.complete_message(again)


async def test_a_dead_letter_tells_its_reason(bus: Bus, shared: tuple[str, ServiceBusReceiver]) -> None:
    queue, receiver = shared
    await bus.send(queue, "bad")
    [message] = await receiver.receive_messages(max_wait_time=5)

    await receiver.dead_letter_message(message, reason="nonsense", error_description="it is no JSON")

    [dead] = await bus.dead(queue)
    assert (dead.dead_letter_reason, dead.dead_letter_error_description) == ("nonsense", "it is no JSON")


async def test_messages_that_are_settled_at_the_same_time_each_have_an_outcome_of_their_own(
    bus: Bus, shared: tuple[str, ServiceBusReceiver]
) -> None:
    queue, receiver = shared
    for body in ("good", "bad", "again"):
        await bus.send(queue, body)
    messages: list[ServiceBusReceivedMessage] = []
    while len(messages) < 3:
        messages += await receiver.receive_messages(max_message_count=3 - len(messages), max_wait_time=5)
    good, bad, again = messages

    # Each waits until the broker says that this, and nothing else, was done.
    await asyncio.gather(
        receiver.complete_message(good),
        receiver.dead_letter_message(bad, reason="two at once"),
        receiver.abandon_message(again),
    )

    [message] = await receiver.receive_messages(max_wait_time=5)
    assert (str(message), message.delivery_count) == ("again", 1)
    await receiver.complete_message(message)
    assert "two at once" in [dead.dead_letter_reason for dead in await bus.dead(queue)]


async def test_a_message_that_is_too_big_is_refused(bus: Bus, shared: tuple[str, ServiceBusReceiver]) -> None:
    queue, receiver = shared

    with pytest.raises(MessageSizeExceededError):
        await bus.send(queue, "x" * 1_100_000)

    assert await receiver.peek_messages() == []


@loopback_only
async def test_a_lock_that_is_renewed_lasts(bus: Bus, shared: tuple[str, ServiceBusReceiver]) -> None:
    queue, receiver = shared
    await bus.send(queue, "slow")
    [message] = await receiver.receive_messages(max_wait_time=5)
    for _ in range(3):
        await asyncio.sleep(0.5)
        await receiver.renew_message_lock(message)

    await receiver.complete_message(message)

    assert await receiver.receive_messages(max_wait_time=0.5) == []


@loopback_only
async def test_settling_after_the_lock_is_an_error(bus: Bus, shared: tuple[str, ServiceBusReceiver]) -> None:
    queue, receiver = shared
    await bus.send(queue, "slow")
    [message] = await receiver.receive_messages(max_wait_time=5)
    await asyncio.sleep(1.2)

    with pytest.raises(MessageLockLostError):
        await receiver.complete_message(message)
    with pytest.raises(ServiceBusError):
        await receiver.renew_message_lock(message)

    [again] = await receiver.receive_messages(max_wait_time=5)
    assert again.delivery_count == 1
    await receiver.complete_message(again)


async def test_scheduled_messages_are_numbered_and_can_be_cancelled(
    bus: Bus, shared: tuple[str, ServiceBusReceiver]
) -> None:
    queue, receiver = shared
    at = datetime.now(UTC) + timedelta(seconds=1.5)
    sender = bus.sender(queue)
    [dropped, _] = await sender.schedule_messages([ServiceBusMessage("dropped"), ServiceBusMessage("kept")], at)
    await sender.cancel_scheduled_messages(dropped)

    assert [str(each) for each in await receiver.peek_messages(max_message_count=10)] == ["kept"]
    [message] = await receiver.receive_messages(max_message_count=2, max_wait_time=5)
    assert datetime.now(UTC) >= at
    await receiver.complete_message(message)


async def test_receiving_and_deleting_in_one(bus: Bus, shared: tuple[str, ServiceBusReceiver]) -> None:
    queue, receiver = shared
    await bus.send(queue, "x" * 200_000)

    mode = ServiceBusReceiveMode.RECEIVE_AND_DELETE
    async with bus.client.get_queue_receiver(queue, receive_mode=mode) as deleting:
        [message] = await deleting.receive_messages(max_wait_time=5)

    assert len(b"".join(message.body)) == 200_000
    assert await receiver.peek_messages() == []


async def test_a_broker_keeps_its_messages_in_its_file_from_one_run_to_the_next(tmp_path: Path) -> None:
    first, connection_string = start_service_bus(tmp_path)
    async with ServiceBusClient.from_connection_string(connection_string) as client:
        await client.get_queue_sender("work").send_messages(ServiceBusMessage("kept"))
    first.stop()

    second, connection_string = start_service_bus(tmp_path)

    async with ServiceBusClient.from_connection_string(connection_string) as client:
        [message] = await client.get_queue_receiver("work").receive_messages(max_wait_time=5)
        assert str(message) == "kept"
    second.stop()
    assert (tmp_path / "service-bus.json").stat().st_mode & 0o777 == 0o600


async def test_a_message_can_be_settled_over_another_connection_than_the_one_that_brought_it(tmp_path: Path) -> None:
    broker, connection_string = start_service_bus(tmp_path)
    endpoint = f"sb://{urlsplit(parse_connection_string(connection_string).endpoint).netloc}"
    async with TcpForwarder(endpoint) as forwarder:
        through = connection_string.replace(endpoint, f"sb://127.0.0.1:{urlsplit(forwarder.url).port}")
        async with ServiceBusClient.from_connection_string(through) as client:
            await client.get_queue_sender("work").send_messages([ServiceBusMessage("done"), ServiceBusMessage("bad")])
            receiver = client.get_queue_receiver("work", prefetch_count=2)
            done = await anext(receiver)
            bad = await anext(receiver)
            forwarder.cut()
            forwarder.mend()

            await receiver.complete_message(done)
            await receiver.dead_letter_message(bad, reason="nonsense")

            dead = client.get_queue_receiver("work", sub_queue=ServiceBusSubQueue.DEAD_LETTER)
            assert [letter.dead_letter_reason for letter in await dead.peek_messages()] == ["nonsense"]
            assert await receiver.peek_messages(sequence_number=1) == []
    broker.stop()


async def test_nonsense_from_a_client_harms_nobody_else(tmp_path: Path) -> None:
    broker, connection_string = start_service_bus(tmp_path)
    endpoint = urlsplit(parse_connection_string(connection_string).endpoint)
    for nonsense in (b"GET / HTTP/1.1\r\n\r\n", b"AMQP\x00\x01\x00\x00" + b"\xff" * 64, b""):
        reader, writer = await asyncio.open_connection(endpoint.hostname, endpoint.port)
        writer.write(nonsense)
        writer.write_eof()
        await asyncio.wait_for(reader.read(), 60)
        writer.close()

    reader, writer = await asyncio.open_connection(endpoint.hostname, endpoint.port)
    writer.write(b"AMQP\x00\x01\x00\x00")
    assert await asyncio.wait_for(reader.readexactly(8), 60) == b"AMQP\x00\x01\x00\x00"
    writer.close()
    broker.stop()
