"""Sweep of the journal: a timer hands the assessor the commits that the queue has never told of.

The queue is told of a commit after its hits are acknowledged. If that fails, or the process dies before it, no queue
message ever tells of the commit; nor does one that was poisoned. A sweep reads the commits that are newer than the
stored watermark and not marked as taken (`lib.assessment.intake`).
"""

from __future__ import annotations

import logging
import re
from datetime import datetime, timedelta

from lib.assessment.intake import Intake
from lib.assessment.journal_cleaning import SEEN
from lib.clock import Clock
from lib.errors import Stale
from lib.metrics import SWEEP_LAG, emit_metric
from lib.organizations.registry import Organizations
from lib.storage import Range, Row, StorageError, Tables, Upsert
from lib.storage.documents import UnreadableRow
from lib.storage.layout import table
from lib.tracking.journal import commit_at, time_of_commit

log = logging.getLogger("heed.sweep")

GRACE = timedelta(minutes=2)
"""Grace period: commits younger than this are left to the queue."""

OVERLAP = timedelta(minutes=10)
"""Largest difference of two processes' clocks. A commit that is read twice costs only its reading."""

FIRST_LOOK = timedelta(hours=24)
"""Age of the oldest commits that the first sweep looks at."""

SWEEP_STATE = "sweep"
"""Partition and key of the watermark. A commit begins with the year, so that none is called so."""


_WATERMARK = re.compile(r"\d{10}-\d{13}")
_NO_LAG = timedelta(0)


def lag_at(now: datetime, swept_to: datetime) -> timedelta:
    """The time by which a sweep that has come so far is behind. It leaves `GRACE` and `OVERLAP` to the next one."""
    return max(_NO_LAG, now - swept_to - GRACE - OVERLAP)


class JournalSweep:
    """Finds commits of the journal that the queue did not bring, by the missing mark."""

    def __init__(self, tables: Tables, intake: Intake, organizations: Organizations, clock: Clock) -> None:
        self._tables = tables
        self._intake = intake
        self._organizations = organizations
        self._clock = clock

    async def run(self) -> int:
        """Sweep every organization; how many commits had been missed. One that fails is left for the next time.

        Raises StorageError when the organizations cannot be listed.
        """
        missed, furthest = 0, _NO_LAG
        async for organization in self._organizations.list_organizations():
            try:
                missed += await self._sweep(organization)
            except (StorageError, Stale, UnreadableRow) as error:
                log.error("the journal of organization %s could not be swept: %s", organization, error)
                furthest = max(furthest, await self._lag(organization))
        emit_metric(SWEEP_LAG, int(furthest.total_seconds()))
        return missed

    async def swept_to(self, organization: str) -> datetime | None:
        """Return the time up to which an organization's journal was swept; None before the first time.

        Raises StorageError.
        """
        until = _until(await self._tables.read_row(table(organization, "journal"), SWEEP_STATE, SWEEP_STATE))
        return time_of_commit(until) if until else None

    async def _lag(self, organization: str) -> timedelta:
        """The lag at an organization that was not swept: at most, where storage does not tell it, `FIRST_LOOK`."""
        try:
            swept_to = await self.swept_to(organization)
        except StorageError:
            return FIRST_LOOK
        return lag_at(self._clock.now(), swept_to) if swept_to else FIRST_LOOK

    async def _sweep(self, organization: str) -> int:
        name, now = table(organization, "journal"), self._clock.now()
        state = await self._tables.read_row(name, SWEEP_STATE, SWEEP_STATE)
        start = _until(state) or commit_at(now - FIRST_LOOK)
        end = commit_at(now - GRACE)
        seen = {row.key async for row in self._tables.query(name, SEEN, Range(low=start, high=end))}
        missed = [
            row async for row in self._tables.query(name, Range(low=start, high=end)) if row.partition not in seen
        ]
        for row in missed:
            await self._intake.assess_commit(organization, row)
        if missed:
            log.warning("organization %s: %d commits had not come through the queue", organization, len(missed))
        until = max(start, commit_at(now - GRACE - OVERLAP))
        await self._tables.write_rows(name, [Upsert(Row(SWEEP_STATE, SWEEP_STATE, {"v": 1, "until": until}))])
        return len(missed)


def _until(state: Row | None) -> str | None:
    """The watermark; None before the first sweep, and where the row holds none: the next sweep then begins anew."""
    until = state.values.get("until") if state else None
    return until if isinstance(until, str) and _WATERMARK.fullmatch(until) else None
