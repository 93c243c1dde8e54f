"""Azure Storage: tables as raw requests (`transactions`, `queries`), blobs and queues through the SDK.

The hot path's writer is `journal_writer`; all else goes through here.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import aiohttp
from azure.core.credentials import AzureNamedKeyCredential
from azure.storage.blob.aio import BlobServiceClient
from azure.storage.queue.aio import QueueServiceClient

from lib.storage.azure.account import Account
from lib.storage.azure.blobs import AzureBlobs
from lib.storage.azure.errors import translated
from lib.storage.azure.queries import RestQueries, query_of, row_of
from lib.storage.azure.queues import AzureQueues
from lib.storage.azure.requests import RestSession
from lib.storage.azure.transactions import WRITE_ID, RestTransactions
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
    from azure.data.tables.aio import TableServiceClient

RequestResult = TypeVar("RequestResult")

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

_TIMEOUT = aiohttp.ClientTimeout(
    total=None, sock_connect=_PATIENCE["connection_timeout"], sock_read=_PATIENCE["read_timeout"]
)
_PAUSES = (0.0, 0.4, 0.8)
"""Seconds before each further try of a raw request."""

_PAGE = 250
"""Rows in one answer. Azure gives 1,000, but an answer is read in one piece, and hits wait for it."""


def azure_storage(account: Account, credential: AsyncTokenCredential | None = None) -> Storage:
    """Call inside a running event loop; `close_storage` ends the sessions. An account without a key needs a credential,
    which is asked for a token with every request: it keeps its tokens itself."""
    session = RestSession(account, credential, _TIMEOUT)
    shared: Any = credential
    if account.key is not None:
        shared = {"account_name": account.name, "account_key": account.encoded_key}
    blobs = BlobServiceClient(account.blob_endpoint, credential=shared, **_BLOB_AND_QUEUE_PATIENCE)
    queues = QueueServiceClient(account.queue_endpoint, credential=shared, **_BLOB_AND_QUEUE_PATIENCE)
    return Storage(
        AzureTables(account, session, credential),
        AzureBlobs(blobs, account),
        AzureQueues(queues),
        closers=[blobs, queues, session],
        address=account.table_endpoint.lower(),
    )


async def close_storage(storage: Storage) -> None:
    """End the sessions that `azure_storage` opened."""
    for client in storage.closers:
        await client.close()  # type: ignore[attr-defined]


class AzureTables:
    """Tables of one account. Raises Unavailable after four tries within some two seconds."""

    def __init__(self, account: Account, session: RestSession, credential: AsyncTokenCredential | None) -> None:
        self._account = account
        self._credential = credential
        self._transactions = RestTransactions(session, account.table_endpoint)
        self._queries = RestQueries(session)

    async def create(self, table: str) -> None:
        try:
            async with self._service() as service:
                await service.create_table(table)
        except Conflict as conflict:
            if "BeingDeleted" in str(conflict):
                raise

    async def drop(self, table: str) -> None:
        async with self._service() as service:
            await service.delete_table(table)

    @asynccontextmanager
    async def _service(self) -> AsyncIterator[TableServiceClient]:
        """The SDK's client for the length of the block: tables are seldom made or dropped. Raises StorageError."""
        from azure.data.tables.aio import TableServiceClient  # 0.04 s to import: only where it is used

        credential: Any = self._credential
        if self._account.key is not None:
            credential = AzureNamedKeyCredential(self._account.name, self._account.encoded_key)
        with translated():
            async with TableServiceClient(self._account.table_endpoint, credential=credential, **_PATIENCE) as service:
                yield service

    async def read_row(self, table: str, partition: str, key: str) -> Row | None:
        entity = await _patiently(partial(self._queries.read_entity, table, partition, key))
        return None if entity is None else row_of(entity)

    async def query(
        self, table: str, partition: str | Range, keys: Range = EVERYTHING, limit: int | None = None
    ) -> AsyncIterator[Row]:
        left, continuation = limit, ""
        while left is None or left > 0:
            query = query_of(partition, keys, _PAGE if left is None else min(left, _PAGE)) + continuation
            rows, continuation = await _patiently(partial(self._queries.read_page, table, query))
            for row in rows:
                yield row
            if not continuation:
                return
            if left is not None:
                left -= len(rows)

    async def write_rows(self, table: str, changes: Sequence[Change]) -> list[str | None]:
        check_changes(changes)
        write_id, tries = secrets.token_hex(6), 0

        async def write_once() -> list[str | None]:
            nonlocal tries
            tries += 1
            try:
                return await self._transactions.write_rows(table, changes, write_id)
            except (Conflict, Missing):
                etags = await self._already_written(table, changes, write_id) if tries > 1 else None
                if etags is None:
                    raise
                return etags

        return await _patiently(write_once)

    async def _already_written(self, table: str, changes: Sequence[Change], write_id: str) -> list[str | None] | None:
        """The etags, if a try whose answer was lost was committed, and the next try has met its traces; else None."""
        etags: list[str | None] = []
        for change in changes:
            entity = await self._queries.read_entity(table, *place_of(change))
            if isinstance(change, Delete) and entity is None:
                etags.append(None)
            elif not isinstance(change, Delete) and entity is not None and entity.get(WRITE_ID) == write_id:
                etags.append(str(entity["odata.etag"]))
            else:
                return None
        return etags


async def _patiently(request: Callable[[], Awaitable[RequestResult]]) -> RequestResult:
    """The request's result, after up to three more tries while storage is Unavailable."""
    for pause in _PAUSES:
        try:
            return await request()
        except Unavailable:
            await asyncio.sleep(pause)
    return await request()
