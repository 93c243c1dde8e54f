"""The due index: what is due when. It holds ids only; the truth is in the rows that the ids name.

One table for all organizations. Partition `<kind>|<minute>|<shard>`, key `<milliseconds>|<organization>|<item>`: a
sweep reads the minutes that have come since its watermark, whatever else is scheduled for other times. An entry may be
stale or come twice; whoever is handed it looks at the truth.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, TypeVar
from zlib import crc32

from lib.clock import Clock, milliseconds, moment
from lib.storage import Delete, Missing, Range, Row, Tables, Upsert
from lib.tables import DUE

Kind = Literal["send", "remind", "wake"]
"""`send` a message, `remind` of one, `wake` a snoozed card."""

AHEAD = timedelta(minutes=1)
"""A sweep hands over what is due until the next one, with the delay that is left."""

OVERLAP = timedelta(minutes=15)
"""The watermark trails by this: clocks differ, and entries can be made for a minute that has begun."""

Item = TypeVar("Item")

_SHARDS = 16
_AT_ONCE = 32
_STATE = "state"


@dataclass(frozen=True, slots=True)
class Due:
    """`item` is a message's or a card's id."""

    kind: Kind
    at: datetime
    organization: str
    item: str

    @property
    def place(self) -> tuple[str, str]:
        shard = crc32(self.item.encode()) % _SHARDS
        return (
            f"{self.kind}|{_minute(self.at)}|{shard:x}",
            f"{milliseconds(self.at):013d}|{self.organization}|{self.item}",
        )

    @staticmethod
    def from_row(row: Row) -> Due:
        kind, at, organization, item = row.partition.partition("|")[0], *row.key.split("|", 2)
        assert kind in ("send", "remind", "wake")
        return Due(kind, moment(int(at)), organization, item)  # type: ignore[arg-type]


def _minute(at: datetime) -> str:
    return f"{at:%Y%m%d%H%M}"


def _groups(items: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    return (items[start : start + size] for start in range(0, len(items), size))


class DueIndex:
    def __init__(self, tables: Tables, clock: Clock) -> None:
        self._tables = tables
        self._clock = clock

    async def put(self, due: Due) -> None:
        """Again is the same."""
        partition, key = due.place
        await self._tables.write(DUE, [Upsert(Row(partition, key, {"v": 1}))])

    async def drop(self, due: Due) -> None:
        """What it said is done; nothing happens where a sweep was quicker."""
        partition, key = due.place
        with suppress(Missing):
            await self._tables.write(DUE, [Delete(partition, key)])

    async def sweep(self, kind: Kind, hand_over: Callable[[Due], Awaitable[None]], ahead: timedelta = AHEAD) -> int:
        """Hand over what is due, oldest minute first, however many sweeps were missed; how many that were.

        An entry goes when it has been handed over: a process that dies in between hands it over again.
        """
        now, count = self._clock.now(), 0
        state = await self._tables.get(DUE, _STATE, kind)
        start = state.text("until") if state else ""
        until = _minute(now + ahead + timedelta(minutes=1))
        async for dues in self._minutes(Range(low=f"{kind}|{start}", high=f"{kind}|{until}"), now + ahead):
            for some in _groups(dues, _AT_ONCE):
                await asyncio.gather(*(hand_over(due) for due in some))
            await self._forget(dues)
            count += len(dues)
        mark = max(start, _minute(now - OVERLAP))
        with suppress(Missing):  # nobody has made an organization yet, so nothing can be due
            await self._tables.write(DUE, [Upsert(Row(_STATE, kind, {"v": 1, "until": mark}))])
        return count

    async def _minutes(self, partitions: Range, horizon: datetime) -> AsyncIterator[Sequence[Due]]:
        """The entries minute by minute, each minute's in order of time; none that are due after the horizon."""
        minute, found = "", list[Due]()
        async for row in self._tables.query(DUE, partitions):
            due = Due.from_row(row)
            if _minute(due.at) != minute and found:
                yield sorted(found, key=lambda each: each.at)
                found = []
            minute = _minute(due.at)
            if due.at <= horizon:
                found.append(due)
        if found:
            yield sorted(found, key=lambda each: each.at)

    async def _forget(self, dues: Sequence[Due]) -> None:
        by_partition: dict[str, list[str]] = defaultdict(list)
        for due in dues:
            partition, key = due.place
            by_partition[partition].append(key)
        for partition, keys in by_partition.items():
            for some in _groups(keys, 100):
                try:
                    await self._tables.write(DUE, [Delete(partition, key) for key in some])
                except Missing:  # another sweep was quicker with one of them
                    for due in dues:
                        await self.drop(due)
