"""The list of stops in memory: what recipients' requests ask, without a read of storage.

Organizations whose links were used in the last hour are refreshed every `REFRESH` seconds, beside the answers. Where
storage fails, the last good copy stays. An organization that is asked for the first time is loaded beside the answer;
until that is done nothing is stopped here, and the assessor takes out what has come in between.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from lib.clock import Clock
from lib.stops.organization_stops import AddressTimes, OrganizationStops, RecordingState, earliest
from lib.stops.rows import ADDRESS, StopRows, time_of
from lib.storage import StorageError
from lib.storage.at_once import some_at_once

log = logging.getLogger("heed.stops")

ReadState = Callable[[str], Awaitable[RecordingState]]
"""Reads what an organization lets be recorded, as storage has it now."""

REFRESH = 30.0
"""Seconds between two refreshes: a stop acts within a minute, with what a refresh takes."""

STATE_LASTS = timedelta(minutes=1)
"""For so long the assessor takes the organization's settings as read; a change of them tells of itself."""

IN_USE = timedelta(hours=1)
"""For so long after its last hit an organization is refreshed."""

MOST_ORGANIZATIONS = 2_000
"""Organizations in memory; those whose hits are longest ago make room."""


@dataclass(slots=True)
class _Entry:
    used_at: datetime
    stops: OrganizationStops | None = None
    state_read_at: datetime | None = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class StopList:
    """The stops of the organizations that are in use."""

    def __init__(self, rows: StopRows, read_state: ReadState, clock: Clock) -> None:
        self._rows = rows
        self._read_state = read_state
        self._clock = clock
        self._entries: dict[str, _Entry] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._refreshing: asyncio.Task[None] | None = None

    def find_stops(self, organization: str) -> OrganizationStops | None:
        """Return the organization's stops as they are in memory. None where they are not there yet, but will be."""
        entry = self._entry(organization)
        entry.used_at = self._clock.now()
        if self._refreshing is None or self._refreshing.done():
            self._refreshing = self._start(self._keep_refreshing())
        return entry.stops

    async def load_stops(self, organization: str) -> OrganizationStops:
        """Return the organization's stops as they are in storage now: by one read where nothing has changed.

        Raises StorageError.
        """
        entry = self._entry(organization)
        async with entry.lock:
            is_state_new = entry.state_read_at and self._clock.now() - entry.state_read_at < STATE_LASTS
            return await self._update(organization, entry, with_state=not is_state_new)

    async def refresh(self) -> None:
        """Bring the organizations that are in use up to date. One whose storage fails keeps its last good copy."""
        since = self._clock.now() - IN_USE
        used = [organization for organization, entry in self._entries.items() if entry.used_at > since]
        await some_at_once(self._refresh(organization) for organization in used)

    def forget_organization(self, organization: str) -> None:
        """Forget what is known of an organization that is deleted."""
        self._entries.pop(organization, None)

    async def close(self) -> None:
        """End the refreshing."""
        for task in set(self._tasks):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    def _entry(self, organization: str) -> _Entry:
        entry = self._entries.get(organization)
        if entry is None:
            if len(self._entries) >= MOST_ORGANIZATIONS:
                del self._entries[min(self._entries, key=lambda name: self._entries[name].used_at)]
            entry = self._entries[organization] = _Entry(self._clock.now())
            with suppress(RuntimeError):
                self._start(self._refresh(organization))
        return entry

    async def _keep_refreshing(self) -> None:
        while any(self._clock.now() - entry.used_at < IN_USE for entry in self._entries.values()):
            await asyncio.sleep(REFRESH)
            await self.refresh()

    async def _refresh(self, organization: str) -> None:
        entry = self._entry(organization)
        try:
            async with entry.lock:
                await self._update(organization, entry, with_state=True)
        except StorageError as error:
            log.warning("the stops of organization %s could not be read: %s", organization, error)
        except Exception:
            log.exception("the stops of organization %s could not be read for an unforeseen reason", organization)

    async def _update(self, organization: str, entry: _Entry, *, with_state: bool) -> OrganizationStops:
        """Read what has changed. The version comes first: a change that comes meanwhile is read again next time."""
        version, now = await self._rows.read_version(organization), self._clock.now()
        stops = entry.stops
        if stops is None or stops.version != version:
            stops, with_state = await self._read_rows(organization, version), True
        if with_state:
            stops = replace(stops, state=await self._read_state(organization))
            entry.state_read_at = now
        entry.stops = stops
        return stops

    async def _read_rows(self, organization: str, version: str) -> OrganizationStops:
        stopped, switches = list[tuple[str, int]](), set[str]()
        async for row in self._rows.list_stops(organization):
            kind, _, rest = row.key.partition("|")
            if kind == ADDRESS:
                stopped.append((rest.partition("|")[0], time_of(row)))
            else:
                switches.add(row.key)
        erased = {row.key[:16]: time_of(row) async for row in self._rows.list_erased(organization)}
        return OrganizationStops(
            version=version,
            stopped=AddressTimes(earliest(stopped)),
            erased=AddressTimes(erased),
            switches=frozenset(switches),
        )

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
