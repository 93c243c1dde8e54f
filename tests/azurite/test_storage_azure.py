"""Azure Storage keeps the promises of `lib.storage`, held against a real Azurite."""

import asyncio
import base64
import logging
import uuid
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest
from azure.storage.blob import UserDelegationKey
from azure.storage.blob.aio import BlobServiceClient
from azure.storage.queue.aio import QueueClient, QueueServiceClient
from yarl import URL

from infra.local.child import free_port
from infra.local.servers.azurite import Azurite
from infra.local.settings import development_connection_string
from lib.storage import Backlog, Delete, Grant, Insert, Missing, Range, Row, Storage, StorageError, Unavailable
from lib.storage.azure.account import Account
from lib.storage.azure.blobs import AzureBlobs
from lib.storage.azure.tables import azure_storage, close_storage
from tests.support.storage_suite import INJECTIONS, BlobSuite, Fetch, TableSuite, rows_of, soon


@pytest.fixture
async def fetch() -> AsyncIterator[Fetch]:
    """A client that knows no key."""
    async with aiohttp.ClientSession() as session:

        async def answer(method: str, url: str) -> tuple[int, Mapping[str, str], bytes]:
            headers = {"x-ms-blob-type": "BlockBlob"} if method == "PUT" else {}
            async with session.request(method, URL(url, encoded=True), headers=headers) as response:
                found = {name.lower(): value for name, value in response.headers.items()}
                return response.status, found, await response.read()

        yield answer


class TestAzureTables(TableSuite):
    """The shared suite."""


async def test_keys_of_any_name_stand_at_the_seams_between_answers(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lib.storage.azure.tables._PAGE", 1)
    table = f"t{uuid.uuid4().hex}"
    await storage.tables.create(table)
    places = [(partition, key) for partition in INJECTIONS for key in INJECTIONS]
    for partition, key in places:
        await storage.tables.write_rows(table, [Insert(Row(partition, key, {"v": 1}))])

    found = await rows_of(storage.tables.query(table, Range()))

    assert [(row.partition, row.key) for row in found] == sorted(places)


class TestAzureBlobs(BlobSuite):
    """The shared suite."""


async def test_a_reading_url_is_in_no_log(storage: Storage, fetch: Fetch, caplog: pytest.LogCaptureFixture) -> None:
    container = f"c{uuid.uuid4().hex}"
    with caplog.at_level(logging.DEBUG), caplog.at_level(logging.DEBUG, logger="azure"):  # whatever was quiet before
        await storage.blobs.create(container)
        await storage.blobs.put_blob(container, "blob", b"data", "text/plain")
        url = await storage.blobs.reading_url(container, "blob", Grant(soon(), "attachment", "text/plain"))
    [signature] = parse_qs(urlsplit(url).query)["sig"]
    assert caplog.text
    assert signature not in caplog.text
    assert urlsplit(url).query not in caplog.text
    assert (await fetch("GET", url))[0] == 200


class _Delegating(BlobServiceClient):
    """Hands out user delegation keys as Azure does; Azurite has none without https and Entra ID."""

    asked = 0

    async def get_user_delegation_key(
        self, key_start_time: datetime, key_expiry_time: datetime, **_: object
    ) -> UserDelegationKey:
        self.asked += 1
        key = UserDelegationKey()  # type: ignore[no-untyped-call]
        key.signed_oid, key.signed_tid, key.signed_service, key.signed_version = "oid", "tid", "b", "2022-11-02"
        key.signed_start = f"{key_start_time:%Y-%m-%dT%H:%M:%SZ}"
        key.signed_expiry = f"{key_expiry_time:%Y-%m-%dT%H:%M:%SZ}"
        key.value = base64.b64encode(b"k" * 32).decode()
        return key


async def test_a_managed_identity_signs_with_a_delegation_key_that_is_asked_for_once() -> None:
    account = Account.entered_by_identity("acct", {})
    async with _Delegating(account.blob_endpoint) as service:
        blobs = AzureBlobs(service, account)
        urls = [await blobs.reading_url("c", "a/b", Grant(soon(), "attachment", "text/plain")) for _ in range(2)]
        assert service.asked == 1
    said = parse_qs(urlsplit(urls[0]).query)
    assert urls[0].startswith("https://acct.blob.core.windows.net/c/a/b?")
    assert (said["skoid"], said["sp"], said["sr"], said["spr"]) == (["oid"], ["r"], ["b"], ["https"])
    assert datetime.fromisoformat(said["se"][0]) <= datetime.now(UTC) + timedelta(minutes=5)


@pytest.fixture
async def queue(azurite: Azurite, storage: Storage) -> AsyncIterator[QueueClient]:
    """A queue of its own name, as the SDK sees it."""
    name = f"q{uuid.uuid4().hex}"
    await storage.queues.create(name)
    async with QueueServiceClient.from_connection_string(azurite.connection_string) as service:
        yield service.get_queue_client(name)


@pytest.mark.parametrize("body", ["{}", 'Ünïcödé 😀 <&> "quoted"\r\n', "x" * 48 * 1024], ids=len)
async def test_a_message_is_stored_in_base64_as_the_functions_host_wants_it(
    storage: Storage, queue: QueueClient, body: str
) -> None:
    await storage.queues.send(queue.queue_name, body)
    message = await queue.receive_message()
    assert message
    assert base64.b64decode(message.content, validate=True).decode() == body


async def test_a_message_never_expires(storage: Storage, queue: QueueClient) -> None:
    await storage.queues.send(queue.queue_name, "body")
    message = await queue.receive_message()
    assert message
    assert message.expires_on
    assert message.expires_on.year == 9999


async def test_a_message_with_a_delay_is_in_the_queue_and_not_yet_seen(storage: Storage, queue: QueueClient) -> None:
    await storage.queues.send(queue.queue_name, "later", timedelta(hours=1))
    await storage.queues.send(queue.queue_name, "overdue", timedelta(hours=-1))
    message = await queue.receive_message()
    assert message
    assert base64.b64decode(message.content) == b"overdue"
    assert await queue.receive_message() is None
    assert (await queue.get_queue_properties()).approximate_message_count == 2


async def test_the_backlog_counts_what_waits_and_tells_since_when(storage: Storage, queue: QueueClient) -> None:
    assert await storage.queues.backlog(queue.queue_name) == Backlog(0, None)
    assert await storage.queues.backlog("not-there") == Backlog(0, None)
    await storage.queues.send(queue.queue_name, "first")
    await storage.queues.send(queue.queue_name, "later", timedelta(hours=1))

    backlog = await storage.queues.backlog(queue.queue_name)

    assert backlog.count == 2
    assert backlog.oldest
    assert abs(datetime.now(UTC) - backlog.oldest) < timedelta(minutes=5)
    assert (await queue.get_queue_properties()).approximate_message_count == 2


async def test_making_a_queue_twice_keeps_its_messages(storage: Storage, queue: QueueClient) -> None:
    await storage.queues.send(queue.queue_name, "body")
    await storage.queues.create(queue.queue_name)
    assert (await queue.get_queue_properties()).approximate_message_count == 1


async def test_sending_to_a_missing_queue_is_missing(storage: Storage) -> None:
    with pytest.raises(Missing):
        await storage.queues.send("nowhere", "body")


async def test_a_wrong_key_is_refused_and_no_text_says_what_it_was(azurite: Azurite) -> None:
    account = Account.parse(azurite.connection_string)
    assert account.key
    wrong = Account(account.name, account.table_endpoint, account.queue_endpoint, account.blob_endpoint, b"x" * 64)
    storage = azure_storage(wrong)
    secret = base64.b64encode(b"x" * 64).decode()
    try:
        for work in (
            storage.tables.read_row("nowhere", "p", "r"),
            storage.tables.write_rows("nowhere", [Delete("p", "r")]),
            storage.blobs.read_blob("nowhere", "blob"),
            storage.queues.send("nowhere", "body"),
        ):
            with pytest.raises(StorageError) as caught:
                await work
            assert not isinstance(caught.value, Missing | Unavailable)
            assert secret not in str(caught.value)
    finally:
        await close_storage(storage)


async def test_an_account_where_nobody_listens_is_unavailable() -> None:
    port = free_port()
    nobody = azure_storage(Account.parse(development_connection_string(port, port, port)))
    outcomes = await asyncio.gather(
        nobody.tables.read_row("table", "p", "r"),
        rows_of(nobody.tables.query("table", "p")),
        nobody.tables.write_rows("table", [Insert(Row("p", "r", {"v": 1}))]),
        nobody.tables.create("table"),
        nobody.tables.drop("table"),
        nobody.blobs.create("container"),
        nobody.blobs.read_blob("container", "blob"),
        nobody.blobs.put_blob("container", "blob", b"data", "text/plain"),
        nobody.blobs.delete_blob("container", "blob"),
        nobody.queues.create("queue"),
        nobody.queues.send("queue", "body"),
        return_exceptions=True,
    )
    await close_storage(nobody)
    assert [type(outcome) for outcome in outcomes] == [Unavailable] * len(outcomes)
