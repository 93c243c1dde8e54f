"""A journal's writer on any storage."""

from collections.abc import Mapping

from lib.storage import Row, Storage, Upsert


class StorageWriter:
    """Rows and messages go through the storage's tables and queues."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    async def insert(self, table: str, partition: str, key: str, columns: Mapping[str, str]) -> None:
        await self._storage.tables.write_rows(table, [Upsert(Row(partition, key, columns))])

    async def put_message(self, queue: str, body: str) -> None:
        await self._storage.queues.send(queue, body)
