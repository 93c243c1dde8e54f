"""Overdue work: the age of the oldest item whose time has come, for health and as a metric."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Literal

from lib.clock import Clock
from lib.metrics import OLDEST_OVERDUE, emit_metric
from lib.storage import StorageError
from lib.storage.due_index import DueIndex, DueKind

log = logging.getLogger("heed.overdue")

OverdueKind = Literal["mail", "reminders"]

LIMIT = timedelta(minutes=5)
"""Age above which health fails."""

_KINDS: Mapping[OverdueKind, tuple[DueKind, ...]] = {"mail": ("send",), "reminders": ("remind", "wake")}
_REMEMBERED = timedelta(seconds=5)


class Overdue:
    """Ages of overdue work, read from the due index and cached for some seconds."""

    def __init__(self, due: DueIndex, clock: Clock) -> None:
        self._due = due
        self._clock = clock
        self._one_at_a_time = asyncio.Lock()
        self._read: tuple[datetime, dict[OverdueKind, int]] | None = None

    async def seconds(self) -> dict[OverdueKind, int]:
        """The age of the oldest overdue item of each kind, to the minute; 0 where there is none. Raises StorageError.

        An entry of the due index stays until its item is at rest, so its age is that of the item.
        """
        async with self._one_at_a_time:
            now = self._clock.now()
            if self._read is None or not timedelta(0) <= now - self._read[0] < _REMEMBERED:
                self._read = now, {what: await self._oldest(what) for what in _KINDS}
            return self._read[1]

    async def report(self, what: OverdueKind) -> None:
        """Write the metric. Raises nothing if storage does not answer, so that the caller goes on."""
        try:
            emit_metric(OLDEST_OVERDUE, await self._oldest(what), kind=what)
        except StorageError as error:
            log.warning("it is not known what is overdue: %s", error)

    async def _oldest(self, what: OverdueKind) -> int:
        ages = await asyncio.gather(*(self._due.overdue(kind) for kind in _KINDS[what]))
        return int(max(ages).total_seconds())
