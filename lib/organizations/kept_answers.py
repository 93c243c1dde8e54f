"""Deletes what was kept under Idempotency-Keys: after a day, and when a message goes that an answer shows.

A blob goes before the row that names it, and a pointer after what it leads to. A process that dies in between leaves
what the next run, or the next try of the request, finds again.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from functools import partial

from lib.clock import Clock
from lib.organizations.registry import Organizations
from lib.organizations.request_rows import (
    HOURS,
    REMEMBERED,
    REQUEST_ROW,
    StoredRequest,
    delete_beside,
    delete_pointer,
    hour_partition,
    message_partition,
)
from lib.storage import Conflict, Delete, Missing, Range, Replace, Row, Storage, StorageError
from lib.storage.batches import batches_of
from lib.storage.documents import UnreadableRow, pack, unpack
from lib.storage.layout import container, table
from lib.storage.retry import retry_on_conflict

log = logging.getLogger("heed.requests")

MOST_OF_A_RUN = 20_000
"""Requests of an organization that one run deletes; the next run goes on."""

_AT_ONCE = 20


class KeptAnswers:
    """Requests of every organization, with their answers."""

    def __init__(self, storage: Storage, organizations: Organizations, clock: Clock) -> None:
        self._storage = storage
        self._tables = storage.tables
        self._blobs = storage.blobs
        self._organizations = organizations
        self._clock = clock

    async def delete_expired(self) -> int:
        """Delete what is older than a day, for a timer; return how many pointers were followed.

        An organization that fails is left for the next time.
        """
        count = 0
        async for organization in self._organizations.list_organizations():
            try:
                count += await self._delete_expired_of(organization)
            except (StorageError, UnreadableRow) as error:
                log.error("answers kept for organization %s could not be deleted: %s", organization, error)
        return count

    async def _delete_expired_of(self, organization: str) -> int:
        over = Range(low=HOURS, high=hour_partition(self._clock.now() - REMEMBERED))
        rows = [row async for row in self._tables.query(table(organization, "requests"), over, limit=MOST_OF_A_RUN)]
        for some in batches_of(rows, _AT_ONCE):
            await asyncio.gather(*(self._follow_pointer(organization, row) for row in some))
        return len(rows)

    async def _follow_pointer(self, organization: str, pointer: Row) -> None:
        await self._delete_request(organization, pointer.key)
        await delete_pointer(self._storage, organization, pointer.partition, pointer.key)

    async def _delete_request(self, organization: str, request: str) -> None:
        """Delete a request and its answer, unless its key has come again since."""
        row = await self._tables.read_row(table(organization, "requests"), request, REQUEST_ROW)
        if row is None:
            return
        stored = unpack(StoredRequest, row)
        if stored.begun_at + REMEMBERED > self._clock.now():
            return
        await delete_beside(self._storage, organization, request, stored)
        with suppress(Conflict, Missing):  # the key has come again, or another run was faster
            change = Delete(request, REQUEST_ROW, row.etag)
            await self._tables.write_rows(table(organization, "requests"), [change])

    async def forget_message(self, organization: str, message: str) -> None:
        """Delete every answer that shows a message that is gone. That each request was answered stays known.

        Raises StorageError; what is left is found again by another call.
        """
        name, partition = table(organization, "requests"), message_partition(message)
        for request in [row.key async for row in self._tables.query(name, partition)]:
            await retry_on_conflict(f"request {request}", partial(self._forget, organization, request))
            await delete_pointer(self._storage, organization, partition, request)

    async def forget_answer(self, organization: str, request: str) -> None:
        """Delete the answer of one request. That the request was answered stays known. Raises StorageError, Stale."""
        await retry_on_conflict(f"request {request}", partial(self._forget, organization, request))

    async def _forget(self, organization: str, request: str) -> None:
        row = await self._tables.read_row(table(organization, "requests"), request, REQUEST_ROW)
        if row is None:
            return
        stored = unpack(StoredRequest, row)
        if stored.blob:
            await self._blobs.delete_blob(container(organization), stored.blob)
        bare = stored.model_copy(update={"answer": None, "blob": None, "etag": None, "forgotten": True})
        with suppress(Missing):
            change = Replace(Row(request, REQUEST_ROW, pack(bare), row.etag))
            await self._tables.write_rows(table(organization, "requests"), [change])
