"""Sweep of the journal: a timer hands the assessor the commits that the queue has never told of.

The queue is told of a commit after its hits are acknowledged. If that fails, or the process dies before it, no queue
message ever tells of the commit; nor does one that was poisoned. A sweep reads the commits that are newer than the
stored watermark and not marked as taken (`lib.assessment.intake`).
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from lib.assessment.intake import Intake
from lib.assessment.journal_cleaning import SEEN
from lib.clock import Clock
from lib.errors import Stale
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


class JournalSweep:
    def __init__(self, tables: Tables, intake: Intake, organizations: Organizations, clock: Clock) -> None:
        self._tables = tables
        self._intake = intake
        self._organizations = organizations
        self._clock = clock

    async def run(self) -> int:
        """Sweep every organization; how many commits had been missed. One that fails is left for the next time."""
        missed = 0
        async for organization in self._organizations.list_organizations():
            try:
                missed += await self._sweep(organization)
            except (StorageError, Stale, UnreadableRow) as error:
                log.error("the journal of organization %s could not be swept: %s", organization, error)
        return missed

    async def swept_to(self, organization: str) -> datetime | None:
        """Return the time up to which an organization's journal was swept; None before the first time.

        A sweep leaves the last `GRACE` and `OVERLAP` to the next one. Raises StorageError.
        """
        state = await self._tables.read_row(table(organization, "journal"), SWEEP_STATE, SWEEP_STATE)
        return time_of_commit(state.text("until")) if state else None

    async def _sweep(self, organization: str) -> int:
        name, now = table(organization, "journal"), self._clock.now()
        state = await self._tables.read_row(name, SWEEP_STATE, SWEEP_STATE)
        start = state.text("until") if state else commit_at(now - FIRST_LOOK)
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
