"""What the queue has lost: a timer hands the assessor the journal's commits that it never saw.

A hit is acknowledged when the journal has it, and the queue is told afterwards: if that fails, or the process dies
before, no queue message will ever tell of it; and a message that was poisoned is in the journal, too. The assessor
marks each commit that it has taken (partition `seen`, key = the commit); a sweep reads what is newer than the stored
watermark and unmarked.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta

from lib.assessment.assessor import Assessor
from lib.clock import Clock, milliseconds
from lib.errors import Stale
from lib.organizations.registry import Organizations
from lib.storage import Delete, Missing, Range, Row, StorageError, Tables, Upsert
from lib.storage.batches import batches_of
from lib.storage.layout import table
from lib.tracking.facts import Fact, Interactions, NotAFact
from lib.tracking.journal import FACTS_ROW, facts_of

log = logging.getLogger("heed.sweep")

GRACE = timedelta(minutes=2)
"""So long the queue has to bring a commit by itself."""

OVERLAP = timedelta(minutes=10)
"""Clocks of two processes may differ by so much; a commit that is read twice costs only its reading."""

FIRST_LOOK = timedelta(hours=24)
"""How far back the first sweep goes."""

_AT_ONCE = 25
"""Commits that are read at the same time."""

_SEEN = "seen"
_STATE = "sweep"
# Commits begin with the year, so a range of them meets neither of these partitions.


class RowsMissing(Exception):
    """Storage says that rows are not there which a queue message names as written.

    The message comes again, as it does after any failure. When its tries are used up it is a dead letter, of which an
    alarm tells. Meanwhile the sweep finds the rows, should they turn up.
    """


class JournalSweep:
    def __init__(self, tables: Tables, assessor: Assessor, organizations: Organizations, clock: Clock) -> None:
        self._tables = tables
        self._assessor = assessor
        self._organizations = organizations
        self._clock = clock

    async def assess_interactions(self, interactions: Interactions) -> None:
        """A message of the queue: assess it, and remember its commits. Raises RowsMissing, when all others are done."""
        organization, commits = interactions.organization, interactions.commits
        for message in interactions.messages:
            await self._assessor.look_again(organization, message, interactions.last)
        facts, missing = interactions.facts, set[str]()
        if not facts:
            facts, missing = await self._read(organization, commits)
        await self._assessor.assess_facts(organization, facts)
        taken = [commit for commit in commits if commit not in missing]
        if taken:
            await self.mark(organization, taken)
        if missing and await self._is_recording(organization):
            raise RowsMissing(f"journal rows of organization {organization} are missing: {', '.join(sorted(missing))}")

    async def _read(self, organization: str, commits: Sequence[str]) -> tuple[list[Fact], set[str]]:
        """(facts of these commits, commits whose rows are not there although nobody has taken them)."""
        name = table(organization, "journal")
        rows: dict[str, Row | None] = {}
        for some in batches_of(commits, _AT_ONCE):
            found = await asyncio.gather(*(self._tables.read_row(name, commit, FACTS_ROW) for commit in some))
            rows.update(zip(some, found, strict=True))
        absent = [commit for commit, row in rows.items() if row is None]
        missing = {commit for commit in absent if await self._tables.read_row(name, _SEEN, commit) is None}
        return [fact for row in rows.values() if row is not None for fact in _facts_of(row)], missing

    async def _is_recording(self, organization: str) -> bool:
        """Whether its facts are kept, as storage says now: not where it is gone, or has switched engagement off."""
        found = await self._organizations.load_organization(organization)
        return found is not None and found[0].settings.engagement_enabled

    async def mark(self, organization: str, commits: Sequence[str]) -> None:
        """The assessor has these commits' facts. Where engagement is switched off it has dropped them; so does this."""
        name = table(organization, "journal")
        if not (await self._organizations.settings(organization)).engagement_enabled:
            for commit in commits:
                with suppress(Missing):
                    await self._tables.write_rows(name, [Delete(commit, FACTS_ROW)])
        try:
            await self._tables.write_rows(name, [Upsert(Row(_SEEN, commit, {"v": 1})) for commit in commits])
        except Missing:
            log.info("organization %s is gone", organization)

    async def run(self) -> int:
        """Sweep every organization; how many commits had been missed. One that fails is left for the next time."""
        missed = 0
        async for organization in self._organizations.list_organizations():
            try:
                missed += await self._sweep(organization)
            except (StorageError, Stale) as error:
                log.error("the journal of organization %s could not be swept: %s", organization, error)
        return missed

    async def _sweep(self, organization: str) -> int:
        name, now = table(organization, "journal"), self._clock.now()
        state = await self._tables.read_row(name, _STATE, _STATE)
        start = state.text("until") if state else _commit_at(now - FIRST_LOOK)
        end = _commit_at(now - GRACE)
        seen = {row.key async for row in self._tables.query(name, _SEEN, Range(low=start, high=end))}
        missed = [
            row async for row in self._tables.query(name, Range(low=start, high=end)) if row.partition not in seen
        ]
        for row in missed:
            await self._assessor.assess_facts(organization, _facts_of(row))
            await self.mark(organization, [row.partition])
        if missed:
            log.warning("organization %s: %d commits had not come through the queue", organization, len(missed))
        until = max(start, _commit_at(now - GRACE - OVERLAP))
        await self._tables.write_rows(name, [Upsert(Row(_STATE, _STATE, {"v": 1, "until": until}))])
        return len(missed)


def _facts_of(row: Row) -> list[Fact]:
    """None of a row that is broken: no later try would read it."""
    try:
        return facts_of(row)
    except NotAFact as error:
        log.error("journal row %s cannot be read: %s", row.partition, error)
        return []


def _commit_at(moment: datetime) -> str:
    """The smallest commit id of that millisecond."""
    return f"{moment:%Y%m%d%H}-{milliseconds(moment):013d}"
