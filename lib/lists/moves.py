"""Moves of a message's rows in one partition of the lists: the mark there and the rows change in one transaction."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

from pydantic import BaseModel

from lib.errors import Stale
from lib.lists.keys import MAIN, Standing, keys_of
from lib.storage import Change, Conflict, Delete, Missing, Row, Tables, Value, put_if_unchanged
from lib.storage.batches import batches_of
from lib.storage.documents import pack, unpack
from lib.storage.retry import retry_on_conflict

MARK = "mark|"
"""The beginning of the key of a mark; the message's id follows."""

_ANY = "*"
_AT_ONCE = 16

Columns = Mapping[str, Value]

Result = TypeVar("Result")


class PlaceMark(BaseModel):
    """Mark of a message in a partition. The mark in the main one knows all partitions where there may be rows."""

    standing: Standing
    partitions: list[str] = []


@dataclass(frozen=True, slots=True)
class FoundMark:
    """A message's mark as it is believed to be, or was read; no mark, no rows."""

    mark: PlaceMark | None = None
    etag: str | None = None
    there: Collection[str] | None = None
    """Rows that were looked for and found, where they are not those that the mark names."""


@dataclass(frozen=True, slots=True)
class PartitionMove:
    """A message's mark and rows in one partition. `fence` is the etag of the main mark, where its writer has put it."""

    tables: Tables
    index: str
    partition: str
    message: str
    columns: Columns
    fence: str | None = None

    async def bring_to(self, mark: PlaceMark | None, found: FoundMark | None) -> tuple[str, FoundMark]:
        """Bring them from what was found (None: look) to what `mark` says: the mark's etag, and what there was.

        Raises Missing where there is no table, Stale when another process was quicker, or writes after us.
        """
        failed: str | None = ""
        known = found

        async def move() -> tuple[str, FoundMark]:
            nonlocal failed, known
            just_read, there = known is None, known or await self.read_mark()
            if just_read:
                await self._check_fence()
            changes = self._changes(mark, there)
            if not changes:
                return "", there
            try:
                etags = await self.tables.write_rows(self.index, changes)
            except (Conflict, Missing) as error:
                if just_read and there.mark is None and isinstance(error, Missing):
                    raise
                known = None
                if just_read and there.etag == failed:
                    # The mark has not changed, so the rows have, by another hand than ours.
                    known = replace(there, there=await self._there(there.mark, mark))
                else:
                    failed = there.etag
                raise Conflict("the mark or the rows have changed") from error
            return etags[0] or "", there

        return await retry_on_conflict(f"the place of message {self.message}", move)

    async def _check_fence(self) -> None:
        """Raise Stale where the main mark was put since: the mark that another process has written is newer then."""
        if self.fence is not None:
            main = await self.tables.read_row(self.index, MAIN, MARK + self.message)
            if main is None or main.etag != self.fence:
                raise Stale(f"another process is about to list message {self.message}")

    async def read_mark(self) -> FoundMark:
        """Read the message's mark; an empty one where there is none. Raises StorageError."""
        row = await self.tables.read_row(self.index, self.partition, MARK + self.message)
        return FoundMark() if row is None else FoundMark(unpack(PlaceMark, row), row.etag)

    async def _there(self, *marks: PlaceMark | None) -> list[str]:
        keys = sorted({key for mark in marks for key in self._keys(mark)})
        rows = await do_all([partial(self.tables.read_row, self.index, self.partition, key) for key in keys])
        return [row.key for row in rows if row is not None]

    def _keys(self, mark: PlaceMark | None) -> list[str]:
        return keys_of(self.partition, self.message, mark.standing) if mark else []

    def _changes(self, mark: PlaceMark | None, found: FoundMark) -> list[Change]:
        """The mark's is the first. That a row is there or not is said with every change: Azurite looks once then."""
        key, new = MARK + self.message, self._keys(mark)
        there = set(self._keys(found.mark) if found.there is None else found.there)
        deletes = [Delete(self.partition, each) for each in sorted(there.difference(new))]
        if mark is None:
            return [Delete(self.partition, key, found.etag), *deletes] if found.mark else []
        if found.mark and found.mark.partitions:
            mark = PlaceMark(standing=mark.standing, partitions=sorted({*mark.partitions, *found.mark.partitions}))
        rows = [Row(self.partition, each, self.columns, _ANY if each in there else None) for each in new]
        changes = [Row(self.partition, key, pack(mark), found.etag), *rows]
        return [*map(put_if_unchanged, changes), *deletes]


async def do_all(work: Sequence[Callable[[], Awaitable[Result]]]) -> list[Result]:
    """All of it, not too much at a time; stops where something fails, when what was begun has ended."""
    results: list[Result] = []
    for some in batches_of(work, _AT_ONCE):
        done = await asyncio.gather(*(each() for each in some), return_exceptions=True)
        for result in done:
            if isinstance(result, BaseException):
                raise result
            results.append(result)
    return results
