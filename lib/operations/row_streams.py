"""Rows of two places side by side: what one has that the other lacks, without both in memory."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable
from typing import NamedTuple

from lib.storage import Change, Delete, Missing, Row, Tables
from lib.storage.protocols import MOST_CHANGES

_MOST_BYTES = 1_000_000
"""Bytes of the values of one transaction, as Python counts them: Azure takes 4 MiB in UTF-16."""


class RowPair(NamedTuple):
    """A row of one key in both places; None where it is not there."""

    left: Row | None
    right: Row | None

    @property
    def is_same(self) -> bool:
        """Whether both places have the row with the same values."""
        return self.left is not None and self.right is not None and self.left.values == self.right.values


async def pair_rows(left: AsyncIterable[Row], right: AsyncIterable[Row]) -> AsyncIterator[RowPair]:
    """Yield the rows of both, pair by pair. Both come in order of partition and key."""
    lefts, rights = aiter(left), aiter(right)
    one, other = await anext(lefts, None), await anext(rights, None)
    while one is not None or other is not None:
        if other is None or (one is not None and _place(one) < _place(other)):
            yield RowPair(one, None)
            one = await anext(lefts, None)
        elif one is None or _place(one) > _place(other):
            yield RowPair(None, other)
            other = await anext(rights, None)
        else:
            yield RowPair(one, other)
            one, other = await anext(lefts, None), await anext(rights, None)


def _place(row: Row) -> tuple[str, str]:
    return row.partition, row.key


class ChangeWriter:
    """Writes changes of one table in order, as many at a time as a transaction takes, each time after `check`."""

    def __init__(self, tables: Tables, table: str, check: Callable[[], Awaitable[None]]) -> None:
        self._tables = tables
        self._table = table
        self._check = check
        self._partition = ""
        self._changes: list[Change] = []
        self._bytes = 0

    async def add_change(self, partition: str, change: Change, size: int = 0) -> None:
        """Write the change with the next ones. `size` is that of its values. Raises what `check` does, StorageError."""
        if partition != self._partition or len(self._changes) == MOST_CHANGES or self._bytes + size > _MOST_BYTES:
            await self.flush()
        self._partition = partition
        self._changes.append(change)
        self._bytes += size

    async def flush(self) -> None:
        """Write what waits. Raises what `check` does, StorageError."""
        if self._changes:
            await self._check()
            try:
                await self._tables.write_rows(self._table, self._changes)
            except Missing:
                await self._write_one_by_one()
        self._changes, self._bytes = [], 0

    async def _write_one_by_one(self) -> None:
        """Write what waits, without the deletions of rows that another process has deleted meanwhile."""
        for change in self._changes:
            try:
                await self._tables.write_rows(self._table, [change])
            except Missing:
                if not isinstance(change, Delete):
                    raise


def size_of(row: Row) -> int:
    """Roughly the bytes of a row's values."""
    return sum(len(value) if isinstance(value, str) else 8 for value in row.values.values())
