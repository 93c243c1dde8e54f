"""A write to shared storage, tried now and then: storage that answers reads may still be full or read-only."""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime, timedelta

from lib.clock import Clock, rfc3339
from lib.storage import Missing, Row, StorageError, Tables, Unavailable, Upsert
from lib.storage.layout import ORGANIZATIONS

log = logging.getLogger("heed.health")

_EVERY = timedelta(minutes=1)
"""Time for which the outcome of a try stands."""

_PARTITION, _KEY = "health", "check"
"""A row of the registry, before those of an organization of that name."""


class WriteCheck:
    """The last try to write, of this process."""

    def __init__(self, tables: Tables, clock: Clock) -> None:
        self._tables = tables
        self._clock = clock
        self._one_at_a_time = asyncio.Lock()
        self._tried: datetime | None = None
        self._error: StorageError | None = None

    async def check(self) -> None:
        """Write a small row, unless that was tried within a minute. Raises StorageError where the last try failed.

        A try that the caller cuts off counts as failed.
        """
        async with self._one_at_a_time:
            now = self._clock.now()
            if self._tried is None or not timedelta(0) <= now - self._tried < _EVERY:
                self._tried, self._error = now, Unavailable("storage did not take a write in time")
                await self._try_once(now)
            if self._error is not None:
                raise self._error

    async def _try_once(self, now: datetime) -> None:
        write = [Upsert(Row(_PARTITION, _KEY, {"v": 1, "at": rfc3339(now)}))]
        try:
            try:
                await self._tables.write_rows(ORGANIZATIONS, write)
            except Missing:  # no organization was made yet
                await self._tables.create(ORGANIZATIONS)
                await self._tables.write_rows(ORGANIZATIONS, write)
        except StorageError as error:
            log.error("storage takes no write: %s", error)
            self._error = error
        else:
            self._error = None
