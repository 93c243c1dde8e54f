"""Queue triggers against a real Azurite: success, retry, poison, lease, batches and outages."""

import asyncio
import base64
import logging
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import azure.functions as func
import pytest
from azure.storage.queue.aio import QueueClient, QueueServiceClient

from infra.local.host.host import Host
from infra.local.servers.azurite import Azurite
from tests.support.hosts import running_host
from tests.support.tcp_forwarder import TcpForwarder

Handler = Callable[[func.QueueMessage], Awaitable[None]]

FAST = {"visibilityTimeout": "00:00:00", "maxPollingInterval": "00:00:00.2"}


class WorkQueue:
    """A queue of its own name on the shared Azurite, with its poison queue."""

    def __init__(self, connection_string: str) -> None:
        self.name = f"work-{uuid.uuid4().hex}"
        self.connection_string = connection_string
        self.service = QueueServiceClient.from_connection_string(connection_string)
        self.queue: QueueClient = self.service.get_queue_client(self.name)
        self.poison: QueueClient = self.service.get_queue_client(f"{self.name}-poison")

    async def put(self, *bodies: bytes) -> None:
        for body in bodies:
            await self.queue.send_message(base64.b64encode(body).decode())

    @asynccontextmanager
    async def worked_off_by(
        self, handler: Handler, *, connection_string: str = "", lease: float = 600, **queues: Any
    ) -> AsyncIterator[Host]:
        app = func.FunctionApp()
        app.queue_trigger("message", queue_name="%WORK_QUEUE%", connection="WORK_STORAGE")(handler)
        settings = {
            "WORK_QUEUE": self.name,
            "WORK_STORAGE": connection_string or self.connection_string,
        }
        host_json = {"extensions": {"queues": {**FAST, **queues}}}
        async with running_host(app, settings, host_json=host_json, queue_lease=timedelta(seconds=lease)) as host:
            yield host


@pytest.fixture
async def work(azurite: Azurite) -> AsyncIterator[WorkQueue]:
    made = WorkQueue(azurite.connection_string)
    await made.queue.create_queue()
    yield made
    await made.service.close()


async def eventually(condition: Callable[[], Awaitable[bool]], seconds: float = 60) -> None:
    async with asyncio.timeout(seconds):
        while not await condition():  # noqa: ASYNC110 - storage tells nobody
            await asyncio.sleep(0.05)


async def size(queue: QueueClient) -> int:
    """Messages in the queue, hidden ones too."""
    return (await queue.get_queue_properties()).approximate_message_count or 0


async def poisoned(work: WorkQueue) -> list[str]:
    names = [queue.name async for queue in work.service.list_queues(name_starts_with=f"{work.name}-poison")]
    return [message.content for message in await work.poison.peek_messages(32)] if names else []


async def test_a_message_is_decoded_handed_over_and_deleted(work: WorkQueue) -> None:
    seen: list[func.QueueMessage] = []

    async def handle(message: func.QueueMessage) -> None:
        seen.append(message)

    async def is_done() -> bool:
        return bool(seen) and await size(work.queue) == 0

    await work.put(b'{"id": 1}')
    async with work.worked_off_by(handle):
        await eventually(is_done)
    [message] = seen
    assert message.get_json() == {"id": 1}
    assert message.dequeue_count == 1
    assert message.id
    assert message.pop_receipt
    assert message.insertion_time
    assert message.expiration_time
    assert message.expiration_time > message.insertion_time


async def test_the_queue_is_made_if_it_does_not_exist(work: WorkQueue) -> None:
    await work.queue.delete_queue()
    arrived = asyncio.Event()

    async def handle(message: func.QueueMessage) -> None:
        arrived.set()

    async def exists() -> bool:
        names = [queue.name async for queue in work.service.list_queues(name_starts_with=work.name)]
        return work.name in names

    async with work.worked_off_by(handle):
        await eventually(exists)
        await work.put(b"late")
        async with asyncio.timeout(60):
            await arrived.wait()


async def test_a_failed_message_is_tried_five_times_and_then_is_poison(
    work: WorkQueue, caplog: pytest.LogCaptureFixture
) -> None:
    tries: list[int | None] = []

    async def broken(message: func.QueueMessage) -> None:
        tries.append(message.dequeue_count)
        raise ValueError("never")

    async def is_poison() -> bool:
        return await poisoned(work) == [base64.b64encode(b"bad").decode()]

    await work.put(b"bad")
    async with work.worked_off_by(broken):
        await eventually(is_poison)
    assert tries == [1, 2, 3, 4, 5]
    assert await size(work.queue) == 0
    assert "Function broken failed" in caplog.text
    assert "Function broken gave up" in caplog.text


async def test_a_failed_message_waits_for_the_visibility_timeout(work: WorkQueue) -> None:
    times: list[float] = []

    async def fails_once(message: func.QueueMessage) -> None:
        times.append(asyncio.get_running_loop().time())
        if len(times) == 1:
            raise ValueError("once")

    async def is_done() -> bool:
        return len(times) == 2

    await work.put(b"again")
    async with work.worked_off_by(fails_once, visibilityTimeout="00:00:02"):
        await eventually(is_done)
    # Storage counts in whole seconds, so a fraction of the first may be missing.
    assert times[1] - times[0] > 1


async def test_what_is_no_base64_is_poison_at_once(work: WorkQueue) -> None:
    async def never(message: func.QueueMessage) -> None:
        raise AssertionError

    async def is_poison() -> bool:
        return await poisoned(work) == ["plain text!"]

    await work.queue.send_message("plain text!")
    async with work.worked_off_by(never):
        await eventually(is_poison)
    assert await size(work.queue) == 0


async def test_without_encoding_the_text_is_the_body(work: WorkQueue) -> None:
    bodies: list[bytes] = []

    async def handle(message: func.QueueMessage) -> None:
        bodies.append(message.get_body())

    async def is_done() -> bool:
        return bodies == ["grüße <&>".encode()]

    await work.queue.send_message("grüße <&>")
    async with work.worked_off_by(handle, messageEncoding="none"):
        await eventually(is_done)


async def test_the_lease_is_renewed_while_the_function_runs(work: WorkQueue) -> None:
    tries: list[int | None] = []

    async def slow(message: func.QueueMessage) -> None:
        tries.append(message.dequeue_count)
        await asyncio.sleep(2.5)

    async def is_done() -> bool:
        return bool(tries) and await size(work.queue) == 0

    await work.put(b"slow")
    async with work.worked_off_by(slow, lease=1):
        await eventually(is_done)
    assert tries == [1]


async def test_no_more_than_a_batch_and_the_threshold_run_at_once(work: WorkQueue) -> None:
    running, most, total = 0, 0, 0

    async def count(message: func.QueueMessage) -> None:
        nonlocal running, most, total
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.1)
        running -= 1
        total += 1

    async def is_done() -> bool:
        return total == 12

    await work.put(*[b"x"] * 12)
    async with work.worked_off_by(count, batchSize=3, newBatchThreshold=1):
        await eventually(is_done)
    assert 3 <= most <= 4


async def test_a_stop_lets_a_message_under_way_come_to_its_end(work: WorkQueue) -> None:
    began = asyncio.Event()
    ended = False

    async def slow(message: func.QueueMessage) -> None:
        nonlocal ended
        began.set()
        await asyncio.sleep(0.5)
        ended = True

    await work.put(b"last")
    async with work.worked_off_by(slow), asyncio.timeout(60):
        await began.wait()
    assert ended
    assert await size(work.queue) == 0


async def test_messages_that_arrive_during_a_stop_are_given_back(work: WorkQueue, azurite: Azurite) -> None:
    async def never(message: func.QueueMessage) -> None:
        raise AssertionError

    await work.put(b"for someone else")
    async with TcpForwarder(azurite.queue_endpoint, delay=0.5) as forwarder:
        through = work.connection_string.replace(azurite.queue_endpoint, forwarder.url)
        async with work.worked_off_by(never, connection_string=through):
            await asyncio.sleep(0.2)
    [message] = [message async for message in work.queue.receive_messages()]
    assert message.dequeue_count == 2


async def test_an_outage_is_logged_once_and_survived(
    work: WorkQueue, azurite: Azurite, caplog: pytest.LogCaptureFixture
) -> None:
    bodies: list[bytes] = []

    async def handle(message: func.QueueMessage) -> None:
        bodies.append(message.get_body())

    async def is_done() -> bool:
        return b"after" in bodies

    caplog.set_level(logging.WARNING, "heed.host")
    async with TcpForwarder(azurite.queue_endpoint) as forwarder:
        through = work.connection_string.replace(azurite.queue_endpoint, forwarder.url)
        async with work.worked_off_by(handle, connection_string=through):
            await asyncio.sleep(0.3)
            forwarder.cut()
            await asyncio.sleep(1.5)
            forwarder.mend()
            await work.put(b"after")
            await eventually(is_done)
            await asyncio.sleep(0.3)
    messages = [record.getMessage() for record in caplog.records]
    assert len([text for text in messages if text.startswith("Storage does not answer")]) == 1
    assert len([text for text in messages if text.startswith("Storage answers again")]) == 1
