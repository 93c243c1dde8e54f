"""Lists of messages, in every order, from rows that are written when a message changes.

A row of the table `index` holds all that a list shows of a message, so that a page is one query, or two; where rows
stand, `keys` tells. In every partition a message has a mark besides, which says where its rows there are. Mark and rows
change in one transaction, and only while the mark is what its writer believes: so a writer that comes late, or after
one that died half-way, takes away exactly the rows that are there.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

from cachetools import TTLCache
from pydantic import BaseModel

from lib.errors import Stale
from lib.ids import short_hash
from lib.lists.keys import (
    MAIN,
    OLD_MAIN,
    SHELVES,
    ListPlace,
    Sort,
    Standing,
    View,
    block_of,
    is_old,
    is_told,
    keys_of,
    message_of,
    noise_block,
    noise_of,
    old_partition_of,
    partitions_of,
    places_of,
    reminders_block,
    reminders_of,
    scope_of,
    standing_of,
)
from lib.messages.follow_state import FollowState
from lib.messages.models import StoredMessage
from lib.storage import Change, Conflict, Delete, Missing, Range, Row, Tables, Upsert, Value, put_if_unchanged
from lib.storage.batches import batches_of
from lib.storage.documents import pack, unpack
from lib.storage.layout import table
from lib.storage.retry import retry_on_conflict
from lib.verdicts.kpis import Kpis

__all__ = ["ListPlace", "Listed", "Lists", "Sort", "View", "is_told", "places_of", "scope_of"]

_LARGE = 8_000
"""Characters. A larger message is stored once, and its rows point to it: one to 500 records has thousands of rows."""

WHOLE = "whole"
"""The partition of large messages; and the column that says of a row that it holds only a part."""

_BELIEVED = 60
"""Seconds for which it is believed that an organization has no rows of release 0.1.0."""

MARK_ROWS = "mark|"
"""Begins the keys of marks."""

_ANY = "*"
_AT_ONCE = 16

_Result = TypeVar("_Result")


class Listed(BaseModel):
    """Message as a list shows it. The etag is that of the message's row."""

    message: StoredMessage
    etag: str
    follow_state: FollowState
    kpis: Kpis


class Mark(BaseModel):
    """Mark of a message in a partition. The mark in the main one knows all partitions where there may be rows."""

    standing: Standing
    partitions: list[str] = []


@dataclass(frozen=True, slots=True)
class _Found:
    """A message's mark as it is believed to be, or was read; no mark, no rows."""

    mark: Mark | None = None
    etag: str | None = None
    there: Collection[str] | None = None
    """Rows that were looked for and found, where they are not those that the mark names."""


_Columns = Mapping[str, Value]


class Lists:
    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._without_old_rows: TTLCache[str, bool] = TTLCache(10_000, _BELIEVED)

    async def enter_message(self, organization: str, listed: Listed, old: Sequence[ListPlace]) -> list[ListPlace]:
        """Write the message's rows, and remove those that it has left; returns where it stands now.

        `old` is where it is believed to stand, or may stand. Raises Stale when another process writes at the same time.
        """
        message, index = listed.message, table(organization, "index")
        standing, columns, all_of_it = _shown(listed)
        shows = short_hash(*(str(value) for value in (all_of_it or columns).values()))
        believed, new = _believed(old), partitions_of(message, standing)
        if await self._stands(index, old, ListPlace(message=message.id, standing=standing, shows=shows, marks={}), new):
            return [*old]
        whole: str | None = None
        if all_of_it is not None:
            [whole] = await self._tables.write_rows(index, [Upsert(Row(WHOLE, message.id, all_of_it))])

        async def move(partition: str, mark: Mark | None, fence: str | None = None) -> tuple[str, _Found]:
            # A partition that no place names holds nothing of the message.
            found = believed.get(partition, None if mark is None else _Found())
            return await _Move(self._tables, index, partition, message.id, columns, fence).to(mark, found)

        # The main one first: should this process die, its mark knows what else has to be looked at.
        main, before = await move(MAIN, Mark(standing=standing, partitions=new))
        there = {*believed, *(before.mark.partitions if before.mark else ())}
        others, left = [each for each in new if each != MAIN], sorted(there - set(new))
        mark = Mark(standing=standing)
        moved = await _some_at_once([partial(move, each, mark, main) for each in others])
        await _some_at_once([partial(move, each, None, main) for each in left])
        if whole is None and before.mark and before.mark.standing.large:
            await self._delete_whole(index, message.id)
        marks = {MAIN: main, **dict(zip(others, (etag for etag, _ in moved), strict=True))}
        return [ListPlace(message=message.id, standing=standing, shows=shows, whole=whole, marks=marks)]

    async def _stands(self, index: str, old: Sequence[ListPlace], wanted: ListPlace, partitions: Sequence[str]) -> bool:
        """Whether all of it is there already: every writer changes the main mark before the rest."""
        if [place.model_copy(update={"marks": {}, "whole": None, "expected": None}) for place in old] != [wanted]:
            return False
        [place] = old
        if place.marks.keys() != set(partitions):
            return False
        rows = [((MAIN, MARK_ROWS + place.message), place.marks[MAIN])]
        if place.whole:
            rows.append(((WHOLE, place.message), place.whole))
        found = await asyncio.gather(*(self._tables.read_row(index, *key) for key, _ in rows))
        return [row and row.etag for row in found] == [etag for _, etag in rows]

    async def remove(self, organization: str, old: Sequence[ListPlace]) -> None:
        """Take the message out of every list. Again is the same."""
        index = table(organization, "index")
        for message in {place.message for place in old}:
            mains = [_Move(self._tables, index, partition, message, {}) for partition in (MAIN, OLD_MAIN)]
            found = await asyncio.gather(*(main.read() for main in mains))
            known = {partition for place in old if place.message == message for partition in place.marks}
            known.update(partition for each in found if each.mark for partition in each.mark.partitions)
            others = sorted(known - {MAIN, OLD_MAIN})
            moves = [_Move(self._tables, index, partition, message, {}) for partition in others]
            # The main ones last: until then their marks know what is left.
            await _some_at_once([partial(move.to, None, None) for move in moves])
            for main, there in zip(mains, found, strict=True):
                await main.to(None, there)
            await self._delete_whole(index, message)

    async def _delete_whole(self, index: str, message: str) -> None:
        try:
            await self._tables.write_rows(index, [Delete(WHOLE, message)])
        except Missing:
            return

    async def page(
        self, organization: str, scope: str, view: View, sort: Sort, after: str | None, limit: int
    ) -> AsyncIterator[tuple[str, Listed]]:
        """(cursor, message) in order.

        A message that changes place meanwhile is neither missing from the page nor on it twice. In later pages it
        stands where it then belongs: orders by time and subject are stable, and a count takes a message with it.
        """
        old: dict[str, tuple[str, Row]] = {}
        old_partition = old_partition_of(scope, sort)
        # First the old rows: they are moved to the others meanwhile.
        if old_partition and await self._has_old_rows(organization):
            old = await self._order(organization, old_partition, view, sort, after, limit)
        # Whoever moves a message takes away its old rows: where there are some, release 0.1.0 has written them since.
        found = await self._order(organization, scope, view, sort, after, limit) | old
        shown = heapq.nsmallest(limit, found.values(), key=lambda each: each[0])
        for cursor, listed in await self._read(organization, shown):
            yield cursor, listed

    async def _order(
        self, organization: str, partition: str, view: View, sort: Sort, after: str | None, limit: int
    ) -> dict[str, tuple[str, Row]]:
        """(cursor, row) by message, as far as a page may need them."""
        found: dict[str, tuple[str, Row]] = {}
        for shelf in SHELVES[view]:
            start, keys = block_of(shelf, sort)
            async for cursor, row in self._rows(organization, partition, start, keys, after, limit):
                # What was sent between two queries is in both: it is shown once, as the later one has it.
                found[message_of(cursor)] = cursor, row
        return found

    async def _has_old_rows(self, organization: str) -> bool:
        """Whether there may be rows of release 0.1.0. That there are none is believed for a minute."""
        if organization in self._without_old_rows:
            return False
        if await self.old_messages(organization, 1):
            return True
        self._without_old_rows[organization] = True
        return False

    async def old_messages(self, organization: str, most: int) -> list[str]:
        """Ids of messages that release 0.1.0 has listed last, and that were not moved since."""
        return [message async for message in self._marked(organization, OLD_MAIN, most)]

    async def messages(self, organization: str) -> AsyncIterator[str]:
        """Ids of all messages that are listed, by id; without those of `old_messages`."""
        async for message in self._marked(organization, MAIN):
            yield message

    async def _marked(self, organization: str, partition: str, most: int | None = None) -> AsyncIterator[str]:
        marks = Range.prefix(MARK_ROWS)
        async for row in self._tables.query(table(organization, "index"), partition, marks, most):
            yield row.key.removeprefix(MARK_ROWS)

    async def remove_old(self, organization: str, message: str) -> None:
        """Remove the rows of release 0.1.0 that still stand after the message was entered. Again is the same."""
        index = table(organization, "index")
        main = _Move(self._tables, index, OLD_MAIN, message, {})
        found = await main.read()
        others = sorted({each for each in (found.mark.partitions if found.mark else ()) if is_old(each)} - {OLD_MAIN})
        moves = [_Move(self._tables, index, each, message, {}) for each in others]
        await _some_at_once([partial(move.to, None, None) for move in moves])
        await main.to(None, found)

    async def noise(
        self, organization: str, month: str, after: str | None, limit: int
    ) -> AsyncIterator[tuple[str, Listed]]:
        """(cursor, message) of those sent in the month (YYYY-MM) with very many raw opens, most first."""
        start, keys = noise_block()
        rows = [row async for row in self._rows(organization, noise_of(month), start, keys, after, limit)]
        for cursor, listed in await self._read(organization, rows):
            yield cursor, listed

    async def reminders(
        self, organization: str, user: str, after: str | None, limit: int
    ) -> AsyncIterator[tuple[str, Listed]]:
        """(cursor, message) of the user's messages with a reminder that has not fired, soonest first."""
        start, keys = reminders_block()
        rows = [row async for row in self._rows(organization, reminders_of(user), start, keys, after, limit)]
        for cursor, listed in await self._read(organization, rows):
            yield cursor, listed

    async def _rows(
        self, organization: str, partition: str, start: str, keys: Range, after: str | None, limit: int
    ) -> AsyncIterator[tuple[str, Row]]:
        if after:
            keys = Range(low=keys.low, high=keys.high, after=start + after)
        async for row in self._tables.query(table(organization, "index"), partition, keys, limit):
            yield row.key.removeprefix(start), row

    async def _read(self, organization: str, rows: Sequence[tuple[str, Row]]) -> list[tuple[str, Listed]]:
        """Read the messages that the rows show; large ones are fetched, at the same time."""
        index = table(organization, "index")
        large = [message_of(cursor) for cursor, row in rows if row.values.get(WHOLE)]
        fetched = await _some_at_once([partial(self._tables.read_row, index, WHOLE, message) for message in large])
        whole = {row.key: row for row in fetched if row is not None}
        # A large message that was deleted this very moment is shown as far as its row goes.
        return [(cursor, unpack(Listed, whole.get(message_of(cursor), row))) for cursor, row in rows]


@dataclass(frozen=True, slots=True)
class _Move:
    """A message's mark and rows in one partition. `fence` is the etag of the main mark, where its writer has put it."""

    tables: Tables
    index: str
    partition: str
    message: str
    columns: _Columns
    fence: str | None = None

    async def to(self, mark: Mark | None, found: _Found | None) -> tuple[str, _Found]:
        """Bring them from what was found (None: look) to what `mark` says: the mark's etag, and what there was.

        Raises Missing where there is no table, Stale when another process was quicker, or writes after us.
        """
        failed: str | None = ""
        known = found

        async def move() -> tuple[str, _Found]:
            nonlocal failed, known
            just_read, there = known is None, known or await self.read()
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
            main = await self.tables.read_row(self.index, MAIN, MARK_ROWS + self.message)
            if main is None or main.etag != self.fence:
                raise Stale(f"another process is about to list message {self.message}")

    async def read(self) -> _Found:
        row = await self.tables.read_row(self.index, self.partition, MARK_ROWS + self.message)
        return _Found() if row is None else _Found(unpack(Mark, row), row.etag)

    async def _there(self, *marks: Mark | None) -> list[str]:
        keys = sorted({key for mark in marks for key in self._keys(mark)})
        rows = await _some_at_once([partial(self.tables.read_row, self.index, self.partition, key) for key in keys])
        return [row.key for row in rows if row is not None]

    def _keys(self, mark: Mark | None) -> list[str]:
        return keys_of(self.partition, self.message, mark.standing) if mark else []

    def _changes(self, mark: Mark | None, found: _Found) -> list[Change]:
        """The mark's is the first. That a row is there or not is said with every change: Azurite looks once then."""
        key, new = MARK_ROWS + self.message, self._keys(mark)
        there = set(self._keys(found.mark) if found.there is None else found.there)
        deletes = [Delete(self.partition, each) for each in sorted(there.difference(new))]
        if mark is None:
            return [Delete(self.partition, key, found.etag), *deletes] if found.mark else []
        if found.mark and found.mark.partitions:
            mark = Mark(standing=mark.standing, partitions=sorted({*mark.partitions, *found.mark.partitions}))
        rows = [Row(self.partition, each, self.columns, _ANY if each in there else None) for each in new]
        changes = [Row(self.partition, key, pack(mark), found.etag), *rows]
        return [*map(put_if_unchanged, changes), *deletes]


def _shown(listed: Listed) -> tuple[Standing, _Columns, _Columns | None]:
    """(by what it is sorted, the columns of its rows, all of it where these hold only a part)."""
    columns = pack(listed)
    large = sum(len(value) for value in columns.values() if isinstance(value, str)) > _LARGE
    standing = standing_of(listed.message, listed.kpis, large)
    if not large:
        return standing, columns, None
    without: dict[str, object] = {"to": [], "cc": [], "bcc": [], "remarks": [], "matched": None, "metadata": {}}
    part = listed.message.model_copy(update=without)
    return standing, {**pack(listed.model_copy(update={"message": part})), WHOLE: True}, columns


def _believed(old: Sequence[ListPlace]) -> dict[str, _Found | None]:
    """By partition; None where it has to be looked at."""
    return {
        partition: _Found(Mark(standing=place.standing), etag) if place.standing and etag else None
        for place in old
        for partition, etag in place.marks.items()
    }


async def _some_at_once(work: Sequence[Callable[[], Awaitable[_Result]]]) -> list[_Result]:
    """All of it, not too much at a time; stops where something fails, when what was begun has ended."""
    results: list[_Result] = []
    for some in batches_of(work, _AT_ONCE):
        done = await asyncio.gather(*(each() for each in some), return_exceptions=True)
        for result in done:
            if isinstance(result, BaseException):
                raise result
            results.append(result)
    return results
