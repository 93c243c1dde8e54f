"""The due index: the time at which each item is due. It holds ids only; the truth is in the rows that the ids name.

One table serves all organizations. Partition `<kind>|<minute>|<shard>`, key `<milliseconds>|<organization>|<item>`.

An entry stays until its item is at rest and the owner drops it. A sweep hands over the items that are due, and does so
again with backoff for as long as the entry is there: a lost wake costs minutes. Backoff counts sweeps, not minutes, so
that instances whose clocks differ agree on it. An entry may be stale or come twice; its handler looks at the truth.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal
from zlib import crc32

from lib.clock import Clock, milliseconds, moment
from lib.storage import (
    Conflict,
    Delete,
    Missing,
    Range,
    Replace,
    Row,
    StorageError,
    Tables,
    Unavailable,
    Upsert,
    put_if_unchanged,
)
from lib.storage.batches import batches_of
from lib.storage.layout import DUE
from lib.storage.protocols import MOST_CHANGES

log = logging.getLogger("heed.due")

DueKind = Literal["send", "remind", "wake", "tell", "digest"]
"""The work that is due: `send` a message, `remind` of one, `wake` a snoozed card, `tell` of a card in chat channels,
send a user the `digest` of open cards."""

KINDS: tuple[DueKind, ...] = ("send", "remind", "wake", "tell", "digest")

AHEAD = timedelta(minutes=1)
"""A sweep hands over what is due before the next sweep, with the delay that is left."""

BACKOFF = (1, 2, 5, 10, 15)
"""Sweeps (one a minute) from each hand-over of an entry to its next one; the last number repeats."""

MOST_ROWS = 5_000
"""Entries that a sweep reads, some more to end with a whole partition. The next sweep goes on behind them."""

MOST_FAILURES = 100
"""Failed hand-overs after which a sweep stops: storage or a queue is out. The next sweep goes on from there."""

_SEASONED = 3
"""Hand-overs of an entry from which on a row that does not ask for it proves it stale."""

_SHARDS = 16
"""Partitions of each kind and minute."""

_AT_ONCE = 32
"""Hand-overs that run at the same time."""

_GROUP = 200
"""Entries that are marked together, some more to end with a whole partition."""

_STATE = "state"
"""Partition of the sweeps' states, by kind."""


@dataclass(frozen=True, slots=True)
class Due:
    """An entry: an item and the time at which it is due."""

    kind: DueKind
    at: datetime
    organization: str

    item: str
    """The id of a message, of a card or of a user."""

    @property
    def place(self) -> tuple[str, str]:
        """Partition and key of the entry's row."""
        shard = crc32(self.item.encode()) % _SHARDS
        return (
            f"{self.kind}|{_minute(self.at)}|{shard:x}",
            f"{milliseconds(self.at):013d}|{self.organization}|{self.item}",
        )

    @staticmethod
    def from_row(row: Row) -> Due:
        """The inverse of `place`."""
        kind, at, organization, item = row.partition.partition("|")[0], *row.key.split("|", 2)
        assert kind in KINDS
        return Due(kind, moment(int(at)), organization, item)

    def is_at(self, at: datetime | None) -> bool:
        """Whether the entry is for that time, to the millisecond."""
        return at is not None and milliseconds(at) == milliseconds(self.at)


@dataclass(frozen=True, slots=True)
class DueHandOver:
    """The hand-over of an entry by a sweep."""

    due: Due

    times: int
    """Hand-overs of the entry so far, this one included."""

    sweep: int
    """The number of the sweep."""


DueHandler = Callable[[DueHandOver], Awaitable[None]]
"""Does the work that is due, or leads to it. The entry comes again whatever the handler raises."""


def is_seasoned(times: int) -> bool:
    """Whether an entry is old enough to be dropped when its row does not ask for it.

    An entry is written before its row. A request can still be about to write the row when the entry comes up for the
    first time; by the third time, a minute later at least, it has ended.
    """
    return times >= _SEASONED


@dataclass(slots=True)
class _Run:
    """One sweep: its number, where it begins, and the row of its state."""

    number: int
    start: str
    state: Row
    rows: int = 0
    failures: int = 0

    @property
    def is_over(self) -> bool:
        return self.rows >= MOST_ROWS or self.failures >= MOST_FAILURES


class DueIndex:
    """The entries of all organizations, and the sweeps over them."""

    def __init__(self, tables: Tables, clock: Clock) -> None:
        self._tables = tables
        self._clock = clock

    async def put_entry(self, due: Due) -> None:
        """Write the entry as one that was never handed over. Raises StorageError."""
        partition, key = due.place
        await self._tables.write_rows(DUE, [Upsert(Row(partition, key, {"v": 1}))])

    async def drop_entry(self, due: Due) -> None:
        """Remove the entry, if there is one: its item is at rest, or has another time. Raises StorageError."""
        partition, key = due.place
        with suppress(Missing):
            await self._tables.write_rows(DUE, [Delete(partition, key)])

    async def drop_organization(self, organization: str, check: Callable[[], Awaitable[None]] | None = None) -> None:
        """Remove every entry of an organization, each after `check`. It reads the whole index.

        Raises StorageError, what `check` does.
        """
        kinds = [Range.prefix(f"{kind}|") for kind in KINDS]
        rows = [row for kind in kinds async for row in self._tables.query(DUE, kind)]
        for row in rows:
            if row.key.split("|")[1:2] == [organization]:
                if check is not None:
                    await check()
                with suppress(Missing):
                    await self._tables.write_rows(DUE, [Delete(row.partition, row.key)])

    async def overdue(self, kind: DueKind) -> timedelta:
        """The time for which the oldest entry has been due, to the minute; zero where none is. One small query."""
        now = self._clock.now()
        until = _minute(now + timedelta(minutes=1))
        async for row in self._tables.query(DUE, Range(low=f"{kind}|", high=f"{kind}|{until}"), limit=1):
            return max(timedelta(0), now - Due.from_row(row).at)
        return timedelta(0)

    async def sweep(self, kind: DueKind, hand_over: DueHandler, ahead: timedelta = AHEAD) -> int:
        """Hand over the entries that are due and not waiting for their next turn, oldest first; their number.

        An entry whose hand-over fails does not keep others from theirs. The entries stay: `hand_over`, or the work that
        it leads to, drops them. Raises StorageError when the index cannot be read.
        """
        run = await self._begin(kind)
        if run is None:
            return 0
        now, count = self._clock.now(), 0
        end = f"{kind}|{_minute(now + ahead + timedelta(minutes=1))}"
        resume, some = await self._pass(run, Range(low=run.start, high=end), now + ahead, hand_over)
        count += some
        # A backlog that fills a sweep must not make the mail of this minute late.
        current = f"{kind}|{_minute(now)}"
        if resume is not None and resume < current and run.failures < MOST_FAILURES:
            run.rows = 0
            count += (await self._pass(run, Range(low=current, high=end), now + ahead, hand_over))[1]
        if resume is not None:
            await self._go_on_from(run, resume)
        return count

    async def _begin(self, kind: DueKind) -> _Run | None:
        """Count the sweep. None before there is a table: nothing can be due yet."""
        state = await self._tables.read_row(DUE, _STATE, kind)
        number = int(state.values.get("sweep", 0)) + 1 if state else 1
        resume = str(state.values.get("resume", "")) if state else ""
        row = Row(_STATE, kind, {"v": 1, "sweep": number}, state.etag if state else None)
        try:
            [etag] = await self._tables.write_rows(DUE, [put_if_unchanged(row)])
        except Missing:
            return None
        except Conflict:  # another sweep begins at the same time, with the same number
            etag = None
        return _Run(number, resume or f"{kind}|", Row(row.partition, row.key, row.values, etag))

    async def _go_on_from(self, run: _Run, partition: str) -> None:
        if run.state.etag is None:
            return
        row = Row(run.state.partition, run.state.key, {**run.state.values, "resume": partition}, run.state.etag)
        with suppress(Conflict, Missing):  # a later sweep has begun, from the beginning
            await self._tables.write_rows(DUE, [Replace(row)])

    async def _pass(
        self, run: _Run, partitions: Range, horizon: datetime, hand_over: DueHandler
    ) -> tuple[str | None, int]:
        """The partition to go on from when the run was over before the end, and how many were handed over."""
        group, partition, count = list[Row](), "", 0
        async for row in self._tables.query(DUE, partitions):
            if row.partition != partition and len(group) >= _GROUP:
                count += await self._hand_over_all(run, group, hand_over)
                group = []
            if row.partition != partition and run.is_over:
                return row.partition, count + await self._hand_over_all(run, group, hand_over)
            partition = row.partition
            run.rows += 1
            if Due.from_row(row).at <= horizon and _may_go(row, run.number):
                group.append(row)
        return None, count + await self._hand_over_all(run, group, hand_over)

    async def _hand_over_all(self, run: _Run, rows: Sequence[Row], hand_over: DueHandler) -> int:
        """Mark the entries as handed over, then do it: two sweeps at the same time share them."""
        marked = sorted(await self._mark(run.number, rows), key=lambda each: each[0].due.at)
        for some in batches_of(marked, _AT_ONCE):
            results = await asyncio.gather(*(hand_over(each) for each, _ in some), return_exceptions=True)
            for (each, row), result in zip(some, results, strict=True):
                if result is not None:
                    run.failures += 1
                    await self._note_failure(each, row, result)
        return len(marked)

    async def _note_failure(self, failed: DueHandOver, row: Row, error: BaseException) -> None:
        if not isinstance(error, Exception):
            raise error
        due = failed.due
        log.error("%s of %s/%s failed and comes again", due.kind, due.organization, due.item, exc_info=error)
        if isinstance(error, Unavailable):
            # An outage is no fault of the entry: it comes again with the next sweep, as often as need be.
            with suppress(StorageError):
                await self._tables.write_rows(DUE, [Replace(_state_row(row, failed.times - 1, failed.sweep + 1))])

    async def _mark(self, number: int, rows: Sequence[Row]) -> list[tuple[DueHandOver, Row]]:
        """The entries that were neither changed nor dropped since they were read, with their rows as they are now."""
        by_partition: dict[str, list[Row]] = defaultdict(list)
        for row in rows:
            by_partition[row.partition].append(row)
        portions = [some for each in by_partition.values() for some in batches_of(each, MOST_CHANGES)]
        marked = await asyncio.gather(*(self._mark_portion(number, portion) for portion in portions))
        return [each for some in marked for each in some]

    async def _mark_portion(self, number: int, rows: Sequence[Row]) -> list[tuple[DueHandOver, Row]]:
        """Rows of one partition, as many as a transaction takes."""
        changed = [_state_row(row, _times(row) + 1, number + _pause(_times(row))) for row in rows]
        try:
            etags = await self._tables.write_rows(DUE, [Replace(row) for row in changed])
        except (Conflict, Missing):
            if len(rows) == 1:
                return []
            alone = await asyncio.gather(*(self._mark_portion(number, [row]) for row in rows))
            return [each for some in alone for each in some]
        return [
            (DueHandOver(Due.from_row(row), _times(row), number), replace(row, etag=etag))
            for row, etag in zip(changed, etags, strict=True)
        ]


def _minute(at: datetime) -> str:
    return f"{at:%Y%m%d%H%M}"


def _state_row(row: Row, times: int, again: int) -> Row:
    """The row of an entry that was handed over `times` times and waits for the sweep `again`."""
    return Row(row.partition, row.key, {"v": 1, "times": times, "again": again}, row.etag)


def _times(row: Row) -> int:
    return int(row.values.get("times", 0))


def _pause(times: int) -> int:
    """Sweeps until the next hand-over of an entry that was handed over `times` before this one."""
    return BACKOFF[min(times, len(BACKOFF) - 1)]


def _may_go(row: Row, number: int) -> bool:
    again = int(row.values.get("again", 0))
    # No entry waits for longer than the longest pause, even if the count of sweeps was lost and begins anew.
    return again <= number or again > number + BACKOFF[-1]
