"""The journal's own writer does what the SDK does: the same rows, the same messages, the same promises."""

import asyncio
import base64
import json
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from dataclasses import replace
from typing import Any

import pytest
from aiohttp import web
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError
from azure.storage.queue.aio import QueueServiceClient

from infra.local.child import free_port
from infra.local.servers.azurite import Azurite
from infra.local.settings import development_connection_string
from lib.storage import Missing, Range, Row, Storage, StorageError, Unavailable
from lib.storage.azure.account import Account
from lib.storage.azure.journal_writer import RestWriter
from lib.storage.azure.requests import SCOPE
from lib.storage.memory import StorageWriter
from lib.tracking.facts import Fact
from lib.tracking.journal import FACTS_ROW, Writer, facts_of, journal_columns
from lib.transports.identity import Identity
from tests.support.fault_proxy import Fault, FaultProxy
from tests.support.storage_suite import rows_of

COMMIT = "2026050409-1777887000000a1b2c3d4e5f6"
KEYS = [f"{1777887000000 + number:013d}-0123456789ab" for number in range(100)]
A_FACT = {"f0": "a fact"}
TEXTS = ["", 'it\'s "quoted"', "line\r\nbreak", "Ünïcödé 中文 😀", "--changeset_heed--\r\n", "x" * 30_000]


@pytest.fixture(params=["rest", "sdk"])
async def writer(request: pytest.FixtureRequest, account: Account, storage: Storage) -> AsyncIterator[Writer]:
    """The two of them: what holds for one holds for the other."""
    if request.param == "sdk":
        yield StorageWriter(storage)
        return
    rest = RestWriter(account)
    yield rest
    await rest.close()


@pytest.fixture
async def table(storage: Storage) -> str:
    name = f"t{uuid.uuid4().hex}"
    await storage.tables.create(name)
    return name


@pytest.fixture
async def queue(storage: Storage) -> str:
    name = f"q{uuid.uuid4().hex}"
    await storage.queues.create(name)
    return name


@asynccontextmanager
async def rest_writer(account: Account, credential: Any = None) -> AsyncIterator[RestWriter]:
    # As the services make it.
    writer = RestWriter(account, Identity(SCOPE, credential) if credential else None)
    try:
        yield writer
    finally:
        await writer.close()


async def messages_in(azurite: Azurite, queue: str) -> list[str]:
    """The bodies as the Functions host reads them: with the SDK, out of base64."""
    async with QueueServiceClient.from_connection_string(azurite.connection_string) as service:
        received = [message async for message in service.get_queue_client(queue).receive_messages()]
    return [base64.b64decode(message.content, validate=True).decode() for message in received]


@pytest.mark.parametrize("text", TEXTS, ids=len)
async def test_rows_are_read_as_they_were_written(writer: Writer, storage: Storage, table: str, text: str) -> None:
    await writer.insert(table, COMMIT, FACTS_ROW, {"f0": text, "f1": "more"})
    [found] = await rows_of(storage.tables.query(table, COMMIT))
    assert replace(found, etag=None) == Row(COMMIT, FACTS_ROW, {"f0": text, "f1": "more"})


async def test_the_same_row_again_is_the_same(writer: Writer, storage: Storage, table: str) -> None:
    await writer.insert(table, COMMIT, FACTS_ROW, A_FACT)
    await writer.insert(table, COMMIT, FACTS_ROW, A_FACT)
    assert [row.values for row in await rows_of(storage.tables.query(table, COMMIT))] == [A_FACT]


async def test_rows_can_be_written_at_the_same_time(writer: Writer, storage: Storage, table: str) -> None:
    await asyncio.gather(*(writer.insert(table, f"{COMMIT}{number:02d}", FACTS_ROW, A_FACT) for number in range(60)))
    found = await rows_of(storage.tables.query(table, Range.prefix(COMMIT)))
    assert [row.partition for row in found] == [f"{COMMIT}{number:02d}" for number in range(60)]


async def test_a_commit_of_any_size_is_read_back(writer: Writer, storage: Storage, table: str) -> None:
    facts = [Fact(key, "0" * 32, "open", 1, "GET", agent="“😀”" + "x" * 500) for key in KEYS[:60]]
    await writer.insert(table, COMMIT, FACTS_ROW, journal_columns([fact.to_json() for fact in facts]))
    [row] = await rows_of(storage.tables.query(table, COMMIT))
    assert len(row.values) > 1
    assert facts_of(row) == facts


@pytest.mark.parametrize("text", TEXTS, ids=len)
async def test_messages_are_read_as_they_were_put(azurite: Azurite, writer: Writer, queue: str, text: str) -> None:
    await writer.put_message(queue, json.dumps({"text": text}, ensure_ascii=False))
    assert [json.loads(body) for body in await messages_in(azurite, queue)] == [{"text": text}]


async def test_messages_do_not_expire(azurite: Azurite, writer: Writer, queue: str) -> None:
    await writer.put_message(queue, "body")
    async with QueueServiceClient.from_connection_string(azurite.connection_string) as service:
        message = await service.get_queue_client(queue).receive_message()
    assert message
    assert message.expires_on
    assert message.expires_on.year == 9999


async def test_a_missing_table_or_queue_is_a_storage_error(writer: Writer) -> None:
    with pytest.raises((Unavailable, Missing), match=r"TableNotFound|ResourceNotFound"):
        await writer.insert("nowhere", COMMIT, FACTS_ROW, A_FACT)
    with pytest.raises((Unavailable, Missing), match="QueueNotFound"):
        await writer.put_message("nowhere", "body")


async def test_a_row_that_the_service_refuses_is_a_storage_error(writer: Writer, storage: Storage, table: str) -> None:
    with pytest.raises(StorageError, match="PropertyValueTooLarge"):
        await writer.insert(table, COMMIT, FACTS_ROW, {"f0": "x" * 40_000})
    assert await rows_of(storage.tables.query(table, COMMIT)) == []


async def test_a_wrong_key_is_a_storage_error_that_says_nothing_of_what_was_sent(account: Account) -> None:
    secret = b"a wrong key, of the right length, that nobody should ever read!!"
    async with rest_writer(replace(account, key=secret)) as writer:
        for work in (
            writer.insert("table", COMMIT, FACTS_ROW, A_FACT),
            writer.put_message("queue", "a fact"),
        ):
            with pytest.raises(Unavailable) as caught:
                await work
            said = str(caught.value)
            assert "403" in said
            assert base64.b64encode(secret).decode() not in said
            assert "SharedKey" not in said
            assert "a fact" not in said


async def test_an_account_where_nobody_listens_is_unavailable() -> None:
    port = free_port()
    async with rest_writer(Account.parse(development_connection_string(port, port, port))) as writer:
        with pytest.raises(Unavailable, match="does not answer"):
            await writer.insert("table", COMMIT, FACTS_ROW, A_FACT)
        with pytest.raises(Unavailable, match="does not answer"):
            await writer.put_message("queue", "body")


@pytest.mark.parametrize("fault", [Fault.BUSY, Fault.CUT_BEFORE, Fault.CUT_AFTER])
async def test_a_row_is_written_once_whatever_happens_on_the_way(
    account: Account, storage: Storage, table: str, fault: Fault
) -> None:
    async with (
        FaultProxy(account.table_endpoint) as proxy,
        rest_writer(replace(account, table_endpoint=proxy.url)) as writer,
    ):
        proxy.fail(fault)
        with nullcontext() if fault is not Fault.BUSY else pytest.raises(Unavailable, match="503"):
            await writer.insert(table, COMMIT, FACTS_ROW, A_FACT)  # aiohttp repeats a PUT whose line was cut
        await writer.insert(table, COMMIT, FACTS_ROW, A_FACT)
    assert [row.key for row in await rows_of(storage.tables.query(table, COMMIT))] == [FACTS_ROW]


async def test_a_queue_that_never_answers_leaves_the_table_its_connections(
    account: Account, storage: Storage, table: str
) -> None:
    async with (
        FaultProxy(account.queue_endpoint) as proxy,
        rest_writer(replace(account, queue_endpoint=proxy.url)) as writer,
    ):
        proxy.fail_all(Fault.SILENCE)
        hanging = [asyncio.create_task(writer.put_message("queue", "body")) for _ in range(200)]
        async with asyncio.timeout(90):
            await proxy.have_come(64)
            await writer.insert(table, COMMIT, FACTS_ROW, A_FACT)
        assert not any(task.done() for task in hanging)
        for task in hanging:
            task.cancel()
        await asyncio.gather(*hanging, return_exceptions=True)
    assert [row.key for row in await rows_of(storage.tables.query(table, COMMIT))] == [FACTS_ROW]


class FakeCredential:
    """Hands out numbered tokens that live so many seconds."""

    def __init__(self, lifetime: float = 3600) -> None:
        self.lifetime = lifetime
        self.scopes: list[str] = []

    async def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        self.scopes += scopes
        return AccessToken(f"token-{len(self.scopes)}", int(time.time() + self.lifetime))


class NoCredential:
    async def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        raise ClientAuthenticationError("the secret reason")


@pytest.fixture
async def strict_service() -> AsyncIterator[tuple[Account, list[str | None]]]:
    """A service that takes a bearer token, and what it was shown. (Azurite takes none over http.)"""
    shown: list[str | None] = []

    async def serve(request: web.Request) -> web.Response:
        shown.append(request.headers.get("Authorization"))
        if not (shown[-1] or "").startswith("Bearer token-") or "x-ms-version" not in request.headers:
            return web.Response(status=401, text="<Error><Code>InvalidAuthenticationInfo</Code></Error>")
        return web.Response(status=204 if request.method == "PUT" else 201)

    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", serve)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield Account("acct", url, url, url, key=None), shown
    await runner.cleanup()


async def test_an_identity_shows_its_token_and_asks_for_a_new_one_only_when_it_ends(
    strict_service: tuple[Account, list[str | None]],
) -> None:
    account, shown = strict_service
    credential = FakeCredential()
    async with rest_writer(account, credential) as writer:
        await writer.insert("table", COMMIT, FACTS_ROW, A_FACT)
        await writer.put_message("queue", "body")
    assert shown == ["Bearer token-1", "Bearer token-1"]
    assert credential.scopes == ["https://storage.azure.com/.default"]


async def test_a_token_that_is_about_to_end_is_replaced(strict_service: tuple[Account, list[str | None]]) -> None:
    account, shown = strict_service
    async with rest_writer(account, FakeCredential(lifetime=60)) as writer:
        await writer.put_message("queue", "body")
        await writer.put_message("queue", "body")
    assert shown == ["Bearer token-1", "Bearer token-2"]


async def test_an_identity_without_a_token_is_unavailable(
    strict_service: tuple[Account, list[str | None]],
) -> None:
    account, shown = strict_service
    async with rest_writer(account, NoCredential()) as writer:
        with pytest.raises(Unavailable) as caught:
            await writer.put_message("queue", "body")
    assert "secret" not in str(caught.value)
    assert shown == []


async def test_a_writer_without_any_proof_cannot_be_made(account: Account) -> None:
    with pytest.raises(ValueError, match="credential"):
        RestWriter(replace(account, key=None))
