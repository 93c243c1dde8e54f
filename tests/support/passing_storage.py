"""Storage that passes every call on to another one: a base for storage that counts, fails, dies or waits."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Sequence
from datetime import timedelta

from lib.storage import Blobs, Change, DeadLetters, Queues, Range, Row, Tables
from lib.storage.protocols import EVERYTHING


class PassingTables:
    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self.create = tables.create
        self.drop = tables.drop

    async def read_row(self, table: str, partition: str, key: str) -> Row | None:
        return await self._tables.read_row(table, partition, key)

    def query(
        self, table: str, partition: str | Range, keys: Range = EVERYTHING, limit: int | None = None
    ) -> AsyncIterator[Row]:
        return self._tables.query(table, partition, keys, limit)

    async def write_rows(self, table: str, changes: Sequence[Change]) -> list[str | None]:
        return await self._tables.write_rows(table, changes)


class PassingBlobs:
    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs
        self.create = blobs.create
        self.drop = blobs.drop
        self.reading_url = blobs.reading_url
        self.list_blobs = blobs.list_blobs
        self.list_versions = blobs.list_versions

    async def put_blob(self, container: str, name: str, data: bytes | memoryview, content_type: str) -> None:
        await self._blobs.put_blob(container, name, data, content_type)

    async def read_blob(self, container: str, name: str) -> bytes:
        return await self._blobs.read_blob(container, name)

    async def put_pieces(self, container: str, name: str, pieces: AsyncIterable[bytes], content_type: str) -> None:
        await self._blobs.put_pieces(container, name, pieces, content_type)

    def read_pieces(self, container: str, name: str) -> AsyncIterator[bytes]:
        return self._blobs.read_pieces(container, name)

    async def delete_blob(self, container: str, name: str) -> None:
        await self._blobs.delete_blob(container, name)


class PassingQueues:
    def __init__(self, queues: Queues) -> None:
        self._queues = queues
        self.create = queues.create
        self.backlog = queues.backlog

    @property
    def dead_letters(self) -> DeadLetters:
        return self._queues.dead_letters

    async def send(self, queue: str, body: str, delay: timedelta = timedelta(0), message_id: str | None = None) -> None:
        await self._queues.send(queue, body, delay, message_id)
