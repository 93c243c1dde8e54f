"""Azure Storage: blobs, queues and reading through its SDK, transactions as raw requests (`transactions`).

The hot path's writer is `journal_writer`; all else goes through here.
"""

from __future__ import annotations

import asyncio
import base64
import secrets
from collections.abc import AsyncIterator, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import aiohttp
from azure.core.credentials import AzureNamedKeyCredential
from azure.data.tables import EntityProperty, TableEntity
from azure.data.tables.aio import TableServiceClient
from azure.storage.blob.aio import BlobServiceClient
from azure.storage.queue.aio import QueueServiceClient

from lib.storage.azure.account import Account
from lib.storage.azure.blobs import AzureBlobs
from lib.storage.azure.errors import translated
from lib.storage.azure.queues import AzureQueues
from lib.storage.azure.requests import RestSession
from lib.storage.azure.transactions import RestBatches
from lib.storage.protocols import (
    EVERYTHING,
    Change,
    Conflict,
    Delete,
    Missing,
    Range,
    Row,
    Storage,
    Unavailable,
    check_changes,
    place_of,
)

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential

_PATIENCE: dict[str, Any] = {
    # A caller waits for us: three more tries within some two seconds, then 503.
    "retry_total": 3,
    "retry_backoff_factor": 0.2,
    "retry_backoff_max": 1,
    "connection_timeout": 3,
    "read_timeout": 10,
}
_BLOB_AND_QUEUE_PATIENCE: dict[str, Any] = {
    # The same for the clients whose retry policy is another one: by itself it waits 15 s and more between tries.
    **_PATIENCE,
    "initial_backoff": 0.2,
    "increment_base": 0.6,
    "random_jitter_range": 0.1,
}

_BATCH_PATIENCE = aiohttp.ClientTimeout(
    total=None, sock_connect=_PATIENCE["connection_timeout"], sock_read=_PATIENCE["read_timeout"]
)
_PAUSES = (0.0, 0.4, 0.8)
"""Seconds before each further try of a transaction."""

_WRITE_ID = "w"
"""Column with a random id of the write, by which a write that was answered too late is known as ours."""


def azure_storage(account: Account) -> Storage:
    """Call inside a running event loop; `close_storage` ends the sessions."""
    credential = credential_of(account)
    named = AzureNamedKeyCredential(*credential) if isinstance(credential, tuple) else credential
    shared: Any = (
        {"account_name": account.name, "account_key": credential[1]} if isinstance(credential, tuple) else credential
    )
    tables = TableServiceClient(account.table_endpoint, credential=named, **_PATIENCE)
    session = RestSession(account, None if isinstance(credential, tuple) else credential, _BATCH_PATIENCE)
    blobs = BlobServiceClient(account.blob_endpoint, credential=shared, **_BLOB_AND_QUEUE_PATIENCE)
    queues = QueueServiceClient(account.queue_endpoint, credential=shared, **_BLOB_AND_QUEUE_PATIENCE)
    return Storage(
        AzureTables(tables, RestBatches(session, account.table_endpoint)),
        AzureBlobs(blobs, account),
        AzureQueues(queues),
        closers=[tables, blobs, queues, session],
    )


async def close_storage(storage: Storage) -> None:
    for client in storage.closers:
        await client.close()  # type: ignore[attr-defined]


def credential_of(account: Account) -> tuple[str, str] | AsyncTokenCredential:
    """(name, base64 key), or the identity that the app runs as."""
    if account.key is not None:
        return account.name, base64.b64encode(account.key).decode()
    from azure.identity.aio import DefaultAzureCredential  # 0.2 s to import: only where it is used

    return DefaultAzureCredential()


_PAGE = 250
"""Rows in one answer. Azure gives 1,000, but what is read of an answer is read in one piece, and hits wait for it."""


class AzureTables:
    def __init__(self, service: TableServiceClient, batches: RestBatches) -> None:
        self._service = service
        self._batches = batches
        # The SDK takes some 0.1 ms to make one, which every read would pay.
        self._client = lru_cache(256)(service.get_table_client)

    async def create(self, table: str) -> None:
        try:
            with translated():
                await self._service.create_table(table)
        except Conflict as conflict:
            if "BeingDeleted" in str(conflict):
                raise

    async def drop(self, table: str) -> None:
        with translated():
            await self._service.delete_table(table)

    async def read_row(self, table: str, partition: str, key: str) -> Row | None:
        entity = await self._entity(table, partition, key)
        return None if entity is None else _row(entity)

    async def _entity(self, table: str, partition: str, key: str) -> TableEntity | None:
        try:
            with translated():
                return await self._client(table).get_entity(partition, key)
        except Missing:
            return None

    async def query(
        self, table: str, partition: str | Range, keys: Range = EVERYTHING, limit: int | None = None
    ) -> AsyncIterator[Row]:
        condition, parameters = _filter(partition, keys)
        client = self._client(table)
        page = _PAGE if limit is None else min(limit, _PAGE)
        found = client.query_entities(condition, parameters=parameters, results_per_page=page)
        count = 0
        try:
            with translated():
                async for entity in found:
                    yield _row(entity)
                    count += 1
                    if count == limit:
                        return
        except Missing:
            return

    async def write_rows(self, table: str, changes: Sequence[Change]) -> list[str | None]:
        check_changes(changes)
        write_id = secrets.token_hex(6)
        column = {_WRITE_ID: write_id}
        try:
            return await self._batches.write_rows(table, changes, column)
        except Unavailable as error:
            last = error
        for pause in _PAUSES:
            await asyncio.sleep(pause)
            try:
                return await self._batches.write_rows(table, changes, column)
            except Unavailable as error:
                last = error
            except (Conflict, Missing):
                etags = await self._already_written(table, changes, write_id)
                if etags is None:
                    raise
                return etags
        raise last

    async def _already_written(self, table: str, changes: Sequence[Change], write_id: str) -> list[str | None] | None:
        """A try whose answer was lost may have been committed, and the next try then meets its traces."""
        etags: list[str | None] = []
        for change in changes:
            entity = await self._entity(table, *place_of(change))
            if isinstance(change, Delete) and entity is None:
                etags.append(None)
            elif not isinstance(change, Delete) and entity is not None and entity.get(_WRITE_ID) == write_id:
                etags.append(str(entity.metadata["etag"]))
            else:
                return None
        return etags


def _filter(partition: str | Range, keys: Range) -> tuple[str, dict[str, str]]:
    """The one maker of OData filters. Values travel as parameters; azure-data-tables 12.7 wants no `)` after one."""
    conditions: list[str] = []
    parameters: dict[str, str] = {}

    def bound(column: str, operator: str, value: str | None) -> None:
        if value is not None:
            name = f"p{len(parameters)}"
            parameters[name] = value
            conditions.append(f"{column} {operator} @{name}")

    if isinstance(partition, Range):
        ranges = [("PartitionKey", partition), ("RowKey", keys)]
    else:
        bound("PartitionKey", "eq", partition)
        ranges = [("RowKey", keys)]
    for column, limits in ranges:
        bound(column, "ge", limits.low)
        bound(column, "gt", limits.after)
        bound(column, "lt", limits.high)
    return " and ".join(conditions), parameters


def _row(entity: TableEntity) -> Row:
    values = {
        column: value.value if isinstance(value, EntityProperty) else value
        for column, value in entity.items()
        if column not in ("PartitionKey", "RowKey", _WRITE_ID)
    }
    return Row(entity["PartitionKey"], entity["RowKey"], values, entity.metadata["etag"])
