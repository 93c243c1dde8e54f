"""Storage in which calls of tables are counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

from lib.storage import Change, Range, Row, Storage, Tables
from lib.storage.protocols import EVERYTHING
from tests.support.passing_storage import PassingTables


@dataclass(slots=True)
class Calls:
    """Numbers of calls by kind of table, such as `evidence`."""

    reads: Counter[str] = field(default_factory=Counter)
    writes: Counter[str] = field(default_factory=Counter)
    """Transactions."""

    rows: Counter[str] = field(default_factory=Counter)
    """Changes within the transactions."""

    def reset(self) -> None:
        for counted in (self.reads, self.writes, self.rows):
            counted.clear()


class CountingTables(PassingTables):
    def __init__(self, tables: Tables, calls: Calls, organization: str) -> None:
        super().__init__(tables)
        self._calls = calls
        self._prefix = f"heed{organization}"

    async def read_row(self, table: str, partition: str, key: str) -> Row | None:
        self._calls.reads[table.removeprefix(self._prefix)] += 1
        return await super().read_row(table, partition, key)

    async def query(
        self, table: str, partition: str | Range, keys: Range = EVERYTHING, limit: int | None = None
    ) -> AsyncIterator[Row]:
        self._calls.reads[table.removeprefix(self._prefix)] += 1
        async for row in super().query(table, partition, keys, limit):
            yield row

    async def write_rows(self, table: str, changes: Sequence[Change]) -> list[str | None]:
        kind = table.removeprefix(self._prefix)
        self._calls.writes[kind] += 1
        self._calls.rows[kind] += len(changes)
        return await super().write_rows(table, changes)


def counting_storage(storage: Storage, calls: Calls, organization: str = "acme") -> Storage:
    return Storage(CountingTables(storage.tables, calls, organization), storage.blobs, storage.queues)
