"""Service Bus triggers of the local host: success, failure, locks, dead letters, outages."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import azure.functions as func
import pytest
import pytest_asyncio

from infra.local.errors import StartError
from infra.local.host.host import Host
from infra.local.host.host_json import host_options
from tests.servicebus.conftest import Bus, loopback_only
from tests.support.hosts import running_host
from tests.support.tcp_forwarder import TcpForwarder

pytestmark = pytest.mark.asyncio(loop_scope="module")

Handler = Callable[[func.ServiceBusMessage], Awaitable[None]]


@asynccontextmanager
async def worked_off(
    handlers: Mapping[str, Handler], connection_string: str, **service_bus: Any
) -> AsyncIterator[Host]:
    """A host with a function for each queue."""
    app, settings = func.FunctionApp(), {"WORK_BUS": connection_string}
    for number, (queue, handler) in enumerate(handlers.items()):
        settings[f"QUEUE_{number}"] = queue
        trigger = app.service_bus_queue_trigger("message", connection="WORK_BUS", queue_name=f"%QUEUE_{number}%")
        trigger(handler)
    async with running_host(app, settings, host_json={"extensions": {"serviceBus": service_bus}}) as host:
        yield host


class Work:
    """What the functions of the shared host have done: each has a queue of its name here."""

    def __init__(self, bus: Bus) -> None:
        self.queues = {name: bus.queue() for name in ("keep", "fail", "count", "slow")}
        self.seen: list[func.ServiceBusMessage] = []
        self.tries: list[int | None] = []
        self.running = self.most = self.total = 0
        self.slow_tries: list[int | None] = []
        self.slow_done = asyncio.Event()

    async def keep(self, message: func.ServiceBusMessage) -> None:
        self.seen.append(message)

    async def fail(self, message: func.ServiceBusMessage) -> None:
        if message.get_body() == b"bad":
            self.tries.append(message.delivery_count)
            raise ValueError("never")
        self.seen.append(message)

    async def count(self, message: func.ServiceBusMessage) -> None:
        self.running += 1
        self.most = max(self.most, self.running)
        await asyncio.sleep(0.1)
        self.running -= 1
        self.total += 1

    async def slow(self, message: func.ServiceBusMessage) -> None:
        self.slow_tries.append(message.delivery_count)
        await asyncio.sleep(1.6)
        self.slow_done.set()

    @property
    def handlers(self) -> dict[str, Handler]:
        return {queue: plain(getattr(self, name)) for name, queue in self.queues.items()}


def plain(method: Handler) -> Handler:
    """A function that an app can register, of the method's name."""

    async def handler(message: func.ServiceBusMessage) -> None:
        await method(message)

    handler.__name__ = method.__name__
    return handler


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def work(bus: Bus) -> AsyncIterator[Work]:
    """One host for many tests: starting and stopping it takes the SDK seconds."""
    made = Work(bus)
    async with worked_off(made.handlers, bus.connection_string, maxConcurrentCalls=3):
        yield made


async def eventually(condition: Callable[[], bool], seconds: float = 60) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - the broker tells nobody
            await asyncio.sleep(0.02)


async def is_empty(bus: Bus, queue: str) -> None:
    async with asyncio.timeout(60):
        while await bus.left(queue):  # noqa: ASYNC110 - the broker tells nobody
            await asyncio.sleep(0.02)


async def test_a_message_is_handed_over_and_completed(bus: Bus, work: Work) -> None:
    await bus.send(work.queues["keep"], b'{"id": 1}')
    await eventually(lambda: bool(work.seen))

    message = work.seen.pop()
    assert message.get_body() == b'{"id": 1}'
    assert message.delivery_count == 1
    assert message.message_id
    assert message.sequence_number
    assert message.lock_token
    assert message.enqueued_time_utc
    assert message.application_properties == {}
    await is_empty(bus, work.queues["keep"])


async def test_a_message_that_fails_each_time_is_dead_after_ten_and_others_are_not_harmed(
    bus: Bus, work: Work, caplog: pytest.LogCaptureFixture
) -> None:
    queue = work.queues["fail"]
    await bus.send(queue, "bad")
    await bus.send(queue, "good")
    await eventually(lambda: len(work.tries) == 10 and bool(work.seen))
    await is_empty(bus, queue)

    assert work.tries == list(range(1, 11))
    assert [message.get_body() for message in work.seen] == [b"good"]
    assert "Function fail failed" in caplog.text
    [dead] = await bus.dead(queue)
    assert (b"".join(dead.body), dead.dead_letter_reason) == (b"bad", "MaxDeliveryCountExceeded")
    assert dead.delivery_count == 10


@loopback_only
async def test_the_lock_is_renewed_while_the_function_runs(bus: Bus, work: Work) -> None:
    await bus.send(work.queues["slow"], "slow")
    async with asyncio.timeout(60):
        await work.slow_done.wait()
    await is_empty(bus, work.queues["slow"])

    assert work.slow_tries == [1]


async def test_no_more_run_at_once_than_host_json_says(bus: Bus, work: Work) -> None:
    for _ in range(9):
        await bus.send(work.queues["count"], "x")
    await eventually(lambda: work.total == 9)

    assert work.most == 3


@loopback_only
async def test_the_lock_is_renewed_no_longer_than_host_json_says(bus: Bus) -> None:
    tries: list[int | None] = []

    async def slow(message: func.ServiceBusMessage) -> None:
        tries.append(message.delivery_count)
        if len(tries) == 1:
            await asyncio.sleep(2)

    queue = bus.queue()
    await bus.send(queue, "slow")
    async with worked_off({queue: slow}, bus.connection_string, maxAutoLockRenewalDuration="00:00:00.2"):
        await eventually(lambda: len(tries) == 2)

    assert tries == [1, 2]


async def test_a_stop_lets_a_message_under_way_come_to_its_end(bus: Bus) -> None:
    began = asyncio.Event()
    ended = False

    async def slow(message: func.ServiceBusMessage) -> None:
        nonlocal ended
        began.set()
        await asyncio.sleep(0.7)
        ended = True

    queue = bus.queue()
    await bus.send(queue, "last")
    async with worked_off({queue: slow}, bus.connection_string), asyncio.timeout(60):
        await began.wait()

    assert ended
    assert await bus.left(queue) == 0


@loopback_only
async def test_an_outage_is_logged_once_and_survived(bus: Bus, caplog: pytest.LogCaptureFixture) -> None:
    bodies: list[bytes] = []

    async def handle(message: func.ServiceBusMessage) -> None:
        bodies.append(message.get_body())

    caplog.set_level(logging.WARNING, "heed.host")
    queue = bus.queue()
    endpoint = next(part for part in bus.connection_string.split(";") if part.startswith("Endpoint="))
    async with TcpForwarder(endpoint.removeprefix("Endpoint=")) as forwarder:
        port = urlsplit(forwarder.url).port
        through = bus.connection_string.replace(endpoint, f"Endpoint=sb://127.0.0.1:{port}")
        async with worked_off({queue: handle}, through):
            await bus.send(queue, "before")
            await eventually(lambda: b"before" in bodies)
            forwarder.cut()
            await asyncio.sleep(1)
            forwarder.mend()
            await bus.send(queue, "after")
            await eventually(lambda: b"after" in bodies)

    messages = [record.getMessage() for record in caplog.records if record.name == "heed.host"]
    assert len([text for text in messages if text.startswith("Service Bus does not answer")]) == 1
    assert len([text for text in messages if text.startswith("Service Bus answers again")]) == 1


async def test_a_missing_connection_stops_the_start_with_a_line() -> None:
    async def never(message: func.ServiceBusMessage) -> None:
        raise AssertionError

    with pytest.raises(StartError, match="needs the setting WORK_BUS"):
        async with worked_off({uuid.uuid4().hex: never}, ""):
            pass


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"autoCompleteMessages": False}, "autoCompleteMessages must be true"),
        ({"maxConcurrentCalls": 0}, "maxConcurrentCalls must be 1 or more, not 0"),
        ({"maxAutoLockRenewalDuration": "5"}, 'maxAutoLockRenewalDuration must look like "00:00:10", not "5"'),
    ],
)
async def test_options_that_cannot_be_kept_stop_the_start(options: dict[str, Any], line: str) -> None:
    with pytest.raises(StartError, match=line):
        host_options({"extensions": {"serviceBus": options}})
