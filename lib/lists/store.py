"""Lists of messages, in every order, from rows that are written when a message changes.

A row of the table `index` holds all that a list shows of a message, so that a page is one query, or two; where rows
stand, `keys` tells. In every partition a message has a mark besides, which says where its rows there are. Mark and rows
change in one transaction, and only while the mark is what its writer believes: so a writer that comes late, or after
one that died half-way, takes away exactly the rows that are there.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from functools import partial

from cachetools import TTLCache
from pydantic import BaseModel

from lib.clock import milliseconds, moment
from lib.fields import Moment, RecordRef
from lib.ids import short_hash
from lib.lists.acts import PersonAct
from lib.lists.keys import (
    MAIN,
    OLD_MAIN,
    SHELVES,
    FilterBlock,
    ListPlace,
    Sort,
    Standing,
    View,
    block_of,
    is_old,
    is_told,
    mailbox_partition,
    message_of,
    noise_block,
    noise_of,
    old_partition_of,
    only_points,
    partitions_of,
    places_of,
    reminders_block,
    reminders_of,
    scope_of,
    standing_of,
    stays_in,
)
from lib.lists.moves import MARK, Columns, FoundMark, PartitionMove, PlaceMark, do_all
from lib.messages.follow_state import FollowState
from lib.messages.models import StoredMessage
from lib.storage import Delete, Missing, Range, Row, Tables, Upsert
from lib.storage.documents import UnreadableRow, pack, unpack
from lib.storage.layout import table
from lib.storage.sort_keys import newest_first
from lib.verdicts.kpis import Kpis

__all__ = ["ListPlace", "Listed", "Lists", "Sort", "View", "is_told", "places_of", "scope_of"]

_LARGE = 8_000
"""Characters. A larger message is stored once, and its rows point to it: one to 500 records has thousands of rows."""

WHOLE = "whole"
"""The partition of large messages; and the column that says of a row that it holds only a part."""

_POINTER: Columns = {"v": 1, WHOLE: True}
"""A row that shows nothing itself."""

_UNPACKED_AT_ONCE = 10
"""Messages: one to 500 recipients takes some milliseconds."""

_BELIEVED = 60
"""Seconds for which it is believed that an organization has no rows of release 0.1.0."""


class Listed(BaseModel):
    """Message as a list shows it. The etag is that of the message's row."""

    message: StoredMessage
    etag: str
    follow_state: FollowState
    kpis: Kpis
    updated_at: Moment | None = None
    """The time of the last change of all this; None in rows that were written before lists knew it."""

    acts: list[PersonAct] | None = None
    """What people did first; None where nothing is known, as in rows that were written before lists knew it."""

    def changed_at(self) -> datetime:
        """Return the time of the last change, or of the last one that the rest tells of."""
        message = self.message
        times = (message.created_at, message.told_at, message.tried_at, message.sent_at, message.reminded_at)
        known = [each for each in (*times, self.kpis.last_opened_at) if each]
        return self.updated_at or max(known)


class Lists:
    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._without_old_rows: TTLCache[str, bool] = TTLCache(10_000, _BELIEVED)

    async def enter_message(
        self, organization: str, listed: Listed, old: Sequence[ListPlace], mailboxes: Sequence[str] = ()
    ) -> list[ListPlace]:
        """Write the message's rows, and remove those that it has left; returns where it stands now.

        `listed.updated_at` is the time of a change: where nothing has changed, the one that is known stays. `old` is
        where the message is believed to stand, or may stand. `mailboxes` are the hashes of the addresses that it went
        to or came from. Raises Stale when another process writes at the same time.
        """
        message, index = listed.message, table(organization, "index")
        bare = pack(_bare(listed))
        shows, is_large = _hash(bare), _size(bare) > _LARGE
        listed = listed.model_copy(update={"updated_at": _change_time(listed, old, shows)})
        updated_at = milliseconds(listed.updated_at) if listed.updated_at else 0
        standing = standing_of(message, listed.kpis, is_large, updated_at)
        new = [*partitions_of(message, standing), *map(mailbox_partition, mailboxes)]
        if await self._stands(index, old, ListPlace(message=message.id, standing=standing, shows=shows, marks={}), new):
            return [*old]
        believed, (columns, all_of_it) = _believed(old), _shown(listed, is_large=is_large)
        whole: str | None = None
        if all_of_it is not None:
            [whole] = await self._tables.write_rows(index, [Upsert(Row(WHOLE, message.id, all_of_it))])

        async def move(partition: str, mark: PlaceMark | None, fence: str | None = None) -> tuple[str, FoundMark]:
            # A partition that no place names holds nothing of the message.
            found = believed.get(partition, None if mark is None else FoundMark())
            shown = _POINTER if only_points(partition, standing) else columns
            return await PartitionMove(self._tables, index, partition, message.id, shown, fence).bring_to(mark, found)

        # The main one first: should this process die, its mark knows what else has to be looked at.
        main, before = await move(MAIN, PlaceMark(standing=standing, partitions=new))
        there = {*believed, *(before.mark.partitions if before.mark else ())}
        others, left = [each for each in new if each != MAIN], sorted(there - set(new))
        # Where the main mark is as believed, so is the rest.
        marks = _staying(believed, standing) if before is believed.get(MAIN) else {}
        moving, mark = [each for each in others if each not in marks], PlaceMark(standing=standing)
        moved = await do_all([partial(move, each, mark, main) for each in moving])
        await do_all([partial(move, each, None, main) for each in left])
        if whole is None and before.mark and before.mark.standing.large:
            await self._delete_whole(index, message.id)
        marks |= dict(zip(moving, (etag for etag, _ in moved), strict=True))
        marks = {MAIN: main, **{each: marks[each] for each in others}}
        return [ListPlace(message=message.id, standing=standing, shows=shows, whole=whole, marks=marks)]

    async def _stands(self, index: str, old: Sequence[ListPlace], wanted: ListPlace, partitions: Sequence[str]) -> bool:
        """Whether all of it is there already: every writer changes the main mark before the rest."""
        if [place.model_copy(update={"marks": {}, "whole": None, "expected": None}) for place in old] != [wanted]:
            return False
        [place] = old
        if place.marks.keys() != set(partitions):
            return False
        rows = [((MAIN, MARK + place.message), place.marks[MAIN])]
        if place.whole:
            rows.append(((WHOLE, place.message), place.whole))
        found = await asyncio.gather(*(self._tables.read_row(index, *key) for key, _ in rows))
        return [row and row.etag for row in found] == [etag for _, etag in rows]

    async def remove(self, organization: str, old: Sequence[ListPlace]) -> None:
        """Take the message out of every list. Again is the same."""
        index = table(organization, "index")
        for message in {place.message for place in old}:
            mains = [PartitionMove(self._tables, index, partition, message, {}) for partition in (MAIN, OLD_MAIN)]
            found = await asyncio.gather(*(main.read_mark() for main in mains))
            known = {partition for place in old if place.message == message for partition in place.marks}
            known.update(partition for each in found if each.mark for partition in each.mark.partitions)
            others = sorted(known - {MAIN, OLD_MAIN})
            moves = [PartitionMove(self._tables, index, partition, message, {}) for partition in others]
            # The main ones last: until then their marks know what is left.
            await do_all([partial(move.bring_to, None, None) for move in moves])
            for main, there in zip(mains, found, strict=True):
                await main.bring_to(None, there)
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
        if old_partition and await self.has_old_rows(organization):
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

    async def has_old_rows(self, organization: str) -> bool:
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

    async def marks(
        self, organization: str, after: str | None, most: int
    ) -> AsyncIterator[tuple[str, PlaceMark | None]]:
        """(message, mark) of so many messages behind one, by id; the mark is None where it cannot be read."""
        keys = Range.prefix(MARK)
        keys = Range(low=keys.low, high=keys.high, after=f"{MARK}{after}" if after else None)
        async for row in self._tables.query(table(organization, "index"), MAIN, keys, most):
            try:
                yield row.key.removeprefix(MARK), unpack(PlaceMark, row)
            except UnreadableRow:
                yield row.key.removeprefix(MARK), None

    async def messages(self, organization: str) -> AsyncIterator[str]:
        """Ids of all messages that are listed, by id; without those of `old_messages`."""
        async for message in self._marked(organization, MAIN):
            yield message

    async def _marked(self, organization: str, partition: str, most: int | None = None) -> AsyncIterator[str]:
        marks = Range.prefix(MARK)
        async for row in self._tables.query(table(organization, "index"), partition, marks, most):
            yield row.key.removeprefix(MARK)

    async def remove_old(self, organization: str, message: str) -> None:
        """Remove the rows of release 0.1.0 that still stand after the message was entered. Again is the same."""
        index = table(organization, "index")
        main = PartitionMove(self._tables, index, OLD_MAIN, message, {})
        found = await main.read_mark()
        others = sorted({each for each in (found.mark.partitions if found.mark else ()) if is_old(each)} - {OLD_MAIN})
        moves = [PartitionMove(self._tables, index, each, message, {}) for each in others]
        await do_all([partial(move.bring_to, None, None) for move in moves])
        await main.bring_to(None, found)

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

    async def newest_of_record(self, organization: str, record: RecordRef, limit: int) -> list[Listed]:
        """Followed messages of a record, newest first, without those of records that were merged into it."""
        start, keys = block_of("followed", "-sent_at")
        rows = self._rows(organization, scope_of(record=record), start, keys, None, limit)
        return [listed for _, listed in await self._read(organization, [row async for row in rows])]

    async def followed_between(
        self, organization: str, since: datetime, until: datetime, limit: int
    ) -> AsyncIterator[Listed]:
        """Followed messages that were sent from `since` on and before `until`, newest first, with one request.

        It lacks those that release 0.1.0 has listed last.
        """
        start, _ = block_of("followed", "-sent_at")
        low, high = (start + newest_first(milliseconds(each) - 1) for each in (until, since))
        rows = self._tables.query(table(organization, "index"), MAIN, Range(low=low, high=high), limit)
        found = [(row.key.removeprefix(start), row) async for row in rows]
        for _, listed in await self._read(organization, found):
            yield listed

    async def filter_page(
        self, organization: str, block: FilterBlock, after: str | None, limit: int
    ) -> AsyncIterator[tuple[str, Listed]]:
        """(cursor, message) of those that a filter wants, in one query. It lacks messages that have no such rows yet.

        `lib.lists.filter_rows` tells whether there are such messages.
        """
        rows = self._rows(organization, block.partition, block.start, Range.prefix(block.start), after, limit)
        for cursor, listed in await self._read(organization, [row async for row in rows]):
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
        fetched = await do_all([partial(self._tables.read_row, index, WHOLE, message) for message in large])
        whole = {row.key: row for row in fetched if row is not None}
        # A large message that was deleted this very moment is shown as far as its row goes.
        shown = list[tuple[str, Listed]]()
        for number, (cursor, part) in enumerate(rows):
            row = whole.get(message_of(cursor), part)
            if row.values.keys() != _POINTER.keys():
                shown.append((cursor, unpack(Listed, row)))
            if number % _UNPACKED_AT_ONCE == _UNPACKED_AT_ONCE - 1:
                await asyncio.sleep(0)  # hits come between two messages
        return shown


def _size(columns: Columns) -> int:
    return sum(len(value) for value in columns.values() if isinstance(value, str))


def _shown(listed: Listed, *, is_large: bool) -> tuple[Columns, Columns | None]:
    """(the columns of its rows, all of it where these hold only a part)."""
    columns = pack(listed)
    if not is_large:
        return columns, None
    without: dict[str, object] = {"to": [], "cc": [], "bcc": [], "remarks": [], "matched": None, "metadata": {}}
    part = listed.message.model_copy(update=without)
    return {**pack(listed.model_copy(update={"message": part})), WHOLE: True}, columns


def _believed(old: Sequence[ListPlace]) -> dict[str, FoundMark | None]:
    """By partition; None where it has to be looked at."""
    return {
        partition: FoundMark(PlaceMark(standing=place.standing), etag) if place.standing and etag else None
        for place in old
        for partition, etag in place.marks.items()
    }


def _staying(believed: Mapping[str, FoundMark | None], standing: Standing) -> dict[str, str | None]:
    """Partitions where the message's row may stay as it is, each with the etag of its mark."""
    return {
        partition: found.etag
        for partition, found in believed.items()
        if found and found.mark and stays_in(partition, found.mark.standing, standing)
    }


def _change_time(listed: Listed, old: Sequence[ListPlace], shows: str) -> datetime | None:
    """Return the time of the last change: `listed.updated_at`, unless lists show the message as it is."""
    if listed.updated_at is None or [place.shows for place in old] != [shows]:
        return listed.updated_at
    standing = old[0].standing
    return moment(standing.updated_at) if standing and standing.updated_at else _bare(listed).changed_at()


def hash_of(listed: Listed) -> str:
    """Return the hash of what rows show of a message, but for the time of its last change."""
    return _hash(pack(_bare(listed)))


def _hash(columns: Columns) -> str:
    return short_hash(*(str(value) for value in columns.values()))


def _bare(listed: Listed) -> Listed:
    return listed.model_copy(update={"updated_at": None})
