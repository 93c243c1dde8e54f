"""The age of what should have been done already: for health, and as a metric."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Literal

from lib.clock import Clock
from lib.metrics import OLDEST_OVERDUE, emit
from lib.storage import StorageError
from lib.storage.due_index import DueIndex, DueKind

log = logging.getLogger("heed.overdue")

What = Literal["mail", "reminders"]

LIMIT = timedelta(minutes=5)
"""Above this age, something is wrong."""

_KINDS: Mapping[What, tuple[DueKind, ...]] = {"mail": ("send",), "reminders": ("remind", "wake")}
_REMEMBERED = timedelta(seconds=5)


class Overdue:
    """Remembers what it has read for some seconds, however often it is asked."""

    def __init__(self, due: DueIndex, clock: Clock) -> None:
        self._due = due
        self._clock = clock
        self._one_at_a_time = asyncio.Lock()
        self._read: tuple[datetime, dict[What, int]] | None = None

    async def seconds(self) -> dict[What, int]:
        """The age of the oldest overdue item of each kind, to the minute; 0 where there is none. Raises StorageError.

        The age is that of an entry of the due index: it is there until the item is at rest.
        """
        async with self._one_at_a_time:
            now = self._clock.now()
            if self._read is None or not timedelta(0) <= now - self._read[0] < _REMEMBERED:
                self._read = now, {what: await self._oldest(what) for what in _KINDS}
            return self._read[1]

    async def report(self, what: What) -> None:
        """Write the metric. What it comes before goes on when storage does not answer."""
        try:
            emit(OLDEST_OVERDUE, await self._oldest(what), kind=what)
        except StorageError as error:
            log.warning("it is not known what is overdue: %s", error)

    async def _oldest(self, what: What) -> int:
        ages = await asyncio.gather(*(self._due.overdue(kind) for kind in _KINDS[what]))
        return int(max(ages).total_seconds())
