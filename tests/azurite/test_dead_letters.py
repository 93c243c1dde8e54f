"""Poison queues of a real Azurite: what the local host gives up, what is shown of it, and how it is put back."""

from __future__ import annotations

import asyncio
import base64
import json
import uuid
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from azure.storage.queue.aio import QueueClient, QueueServiceClient

from functions.app import make_app
from infra.local.host.host import Host
from infra.local.servers.azurite import Azurite
from lib.sending.orders import Wake
from lib.services import Services
from lib.settings import load_settings
from lib.storage import Queues, Storage
from lib.transports.memory import MemoryTransport
from tests.support.dead_letter_suite import Bury, DeadLetterSuite, Take
from tests.support.heed import ADMIN_KEY, SETTINGS
from tests.support.hosts import running_host

FAST = {"visibilityTimeout": "00:00:00", "maxPollingInterval": "00:00:00.2"}
HOST_JSON = {"extensions": {"http": {"routePrefix": ""}, "queues": FAST}}


@pytest.fixture
async def service(azurite: Azurite) -> AsyncIterator[QueueServiceClient]:
    async with QueueServiceClient.from_connection_string(azurite.connection_string) as made:
        yield made


@pytest.fixture
def queues(storage: Storage) -> Queues:
    return storage.queues


@pytest.fixture
async def name(queues: Queues) -> str:
    made = f"q{uuid.uuid4().hex}"
    await queues.create(made)
    return made


@pytest.fixture
def bury(service: QueueServiceClient) -> Bury:
    async def give_up(queue: str, body: bytes) -> None:
        poison = service.get_queue_client(f"{queue}-poison")
        if await _count(poison) is None:
            await poison.create_queue()
        await poison.send_message(base64.b64encode(body).decode())

    return give_up


@pytest.fixture
def take(service: QueueServiceClient) -> Take:
    async def take_some(queue: str, count: int) -> list[bytes]:
        found = service.get_queue_client(queue).receive_messages(max_messages=count)
        return [base64.b64decode(message.content) async for message in found]

    return take_some


async def _count(queue: QueueClient) -> int | None:
    """Messages in the queue, hidden ones too; None where there is no queue."""
    from azure.core.exceptions import ResourceNotFoundError

    try:
        return (await queue.get_queue_properties()).approximate_message_count
    except ResourceNotFoundError:
        return None


class TestAzureDeadLetters(DeadLetterSuite):
    """The shared suite."""


async def test_more_than_a_page_is_counted_and_replayed(
    queues: Queues, name: str, bury: Bury, service: QueueServiceClient
) -> None:
    for number in range(70):
        await bury(name, b"%d" % number)

    assert await queues.dead_letters.count(name) == 70
    assert len(await queues.dead_letters.peek(name)) == 32
    assert await queues.dead_letters.replay(name) == 70

    assert await _count(service.get_queue_client(name)) == 70
    assert await queues.dead_letters.count(name) == 0


async def test_what_is_no_base64_is_shown_and_put_back_as_it_is(
    queues: Queues, name: str, bury: Bury, service: QueueServiceClient
) -> None:
    await bury(name, b"decent")
    await service.get_queue_client(f"{name}-poison").send_message("plain text!")

    assert b"plain text!" in [letter.body for letter in await queues.dead_letters.peek(name)]
    await queues.dead_letters.replay(name)

    contents = [message.content for message in await service.get_queue_client(name).peek_messages(32)]
    assert "plain text!" in contents


# A message of another version, of nonsense, of no organization, nested too deep, as big as a message can be.
BAD = [
    b'{"v": 2, "org": "acme", "message": "x", "facts": []}',
    b"\xff\xfe not JSON",
    b'{"v": 1, "org": "../../acme", "message": "0", "facts": []}',
    b"[" * 40_000,
    json.dumps({"v": 1, "org": "acme", "facts": [{"v": 1}], "message": 7}).ljust(48 * 1024).encode(),
]


@pytest.fixture
async def heed(own_azurite: Azurite) -> AsyncIterator[Host]:
    """The real app in the local host."""
    settings = {**SETTINGS, "AzureWebJobsStorage": own_azurite.connection_string}
    services = Services(load_settings(settings), transport=MemoryTransport())
    async with running_host(
        make_app(services.recipients, services), settings, host_json=HOST_JSON, queue_lease=timedelta(seconds=60)
    ) as host:
        yield host
    await services.close()


async def call(host: Host, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    headers = {"Authorization": f"Bearer {ADMIN_KEY}"}
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, host.base_url + path, json=body, headers=headers) as answer,
    ):
        return answer.status, await answer.json(content_type=None)


async def dead_letters(host: Host, expected: Mapping[str, int]) -> Any:
    """The listing, as soon as it counts as many."""
    async with asyncio.timeout(90):
        while True:
            status, listed = await call(host, "GET", "/api/ops/dead-letters")
            assert status == 200, listed
            if listed["counts"] == expected:
                return listed
            await asyncio.sleep(0.1)


async def test_bad_messages_end_in_poison_and_harm_nothing_else(own_azurite: Azurite, heed: Host) -> None:
    await call(heed, "PUT", "/api/orgs/acme", {"name": "acme"})
    good = Wake("acme", "0" * 32).to_json().encode()
    async with QueueServiceClient.from_connection_string(own_azurite.connection_string) as service:
        for queue in ("outbox", "interactions"):
            client = service.get_queue_client(queue)
            for body in [*BAD, good if queue == "outbox" else b'{"v": 1, "org": "acme", "facts": []}']:
                await client.send_message(base64.b64encode(body).decode())
            await client.send_message("no base64 at all!")

        listed = await dead_letters(
            heed, {"interactions": len(BAD) + 1, "outbox": len(BAD) + 1, "inbound": 0, "jobs": 0, "webhooks": 0}
        )

        async with asyncio.timeout(60):
            for queue in ("outbox", "interactions"):
                while await _count(service.get_queue_client(queue)):  # noqa: ASYNC110 - storage tells nobody
                    await asyncio.sleep(0.05)
    assert {item["kind"] for item in listed["items"]} == {"unreadable"}
    assert max(item["size"] for item in listed["items"]) == 48 * 1024
    assert (await call(heed, "GET", "/api/health"))[0] == 200

    status, replayed = await call(heed, "POST", "/api/ops/dead-letters/replay", {"queue": "outbox", "ids": "all"})

    assert (status, replayed) == (200, {"replayed": len(BAD) + 1})
    # They are no better than before.
    await dead_letters(
        heed, {"interactions": len(BAD) + 1, "outbox": len(BAD) + 1, "inbound": 0, "jobs": 0, "webhooks": 0}
    )
