"""Intake of facts: consumes messages of the queue `interactions`, and remembers which commits the assessor has taken.

A hit is acknowledged when the journal has it, and the queue is told of the commit afterwards. Each commit that the
assessor has taken is marked in the journal's table (partition `seen`, key = the commit), so that the sweep
(`lib.assessment.journal_sweep`) finds those that no queue message has told of.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from lib.assessment.assessor import Assessor
from lib.assessment.journal_cleaning import SEEN, JournalCleaning
from lib.assessment.refusals import Revisions
from lib.organizations.registry import Organizations
from lib.storage import Missing, Row, Tables, Upsert
from lib.storage.batches import batches_of
from lib.storage.layout import table
from lib.tracking.facts import Fact, NotAFact
from lib.tracking.journal import FACTS_ROW, facts_of
from lib.tracking.queue_messages import Interactions

log = logging.getLogger("heed.intake")

_AT_ONCE = 25
"""Commits that are read at the same time."""


class RowsMissing(Exception):
    """Storage says that rows are not there which a queue message names as written.

    The message comes again, as it does after any failure. When its tries are used up it is a dead letter, and an alarm
    tells of it. Meanwhile the sweep finds the rows, should they turn up.
    """


class Intake:
    """Hands the assessor what the queue brings."""

    def __init__(
        self, tables: Tables, assessor: Assessor, cleaning: JournalCleaning, organizations: Organizations
    ) -> None:
        self._tables = tables
        self._cleaning = cleaning
        self._assessor = assessor
        self._organizations = organizations

    async def assess_interactions(self, interactions: Interactions) -> None:
        """Assess what a message of the queue brings, and mark its commits.

        Raises RowsMissing when everything else is done.
        """
        organization, commits = interactions.organization, interactions.commits
        for message in interactions.messages:
            await self._assessor.look_again(organization, message, interactions.last)
        facts, missing = interactions.facts, set[str]()
        if not facts:
            facts, missing = await self._read_commits(organization, commits)
        revisions = await self._assessor.assess_facts(organization, facts)
        await self._settle(organization, [commit for commit in commits if commit not in missing], revisions)
        if missing and await self._is_recording(organization):
            raise RowsMissing(f"journal rows of organization {organization} are missing: {', '.join(sorted(missing))}")

    async def assess_commit(self, organization: str, row: Row) -> None:
        """Assess the facts of a row of the journal, and mark its commit."""
        revisions = await self._assessor.assess_facts(organization, _readable_facts(row))
        await self._settle(organization, [row.partition], revisions)

    async def _settle(self, organization: str, commits: Sequence[str], revisions: Revisions) -> None:
        """Clean the commits of what is not to be kept, then mark them as taken.

        A row that is not there yet may still come, as the queue had its facts first: its commit is left to the sweep.
        """
        emptied, absent = list[str](), list[str]()
        if revisions:
            emptied, absent = await self._cleaning.revise_commits(organization, commits, revisions)
        taken = [commit for commit in commits if commit not in absent]
        if taken:
            await self._mark(organization, taken)
        await self._cleaning.delete_emptied(organization, emptied)

    async def _read_commits(self, organization: str, commits: Sequence[str]) -> tuple[list[Fact], set[str]]:
        """(facts of these commits, commits whose rows are neither there nor marked as taken)."""
        name = table(organization, "journal")
        rows: dict[str, Row | None] = {}
        for some in batches_of(commits, _AT_ONCE):
            found = await asyncio.gather(*(self._tables.read_row(name, commit, FACTS_ROW) for commit in some))
            rows.update(zip(some, found, strict=True))
        absent = [commit for commit, row in rows.items() if row is None]
        missing = {commit for commit in absent if await self._tables.read_row(name, SEEN, commit) is None}
        return [fact for row in rows.values() if row is not None for fact in _readable_facts(row)], missing

    async def _is_recording(self, organization: str) -> bool:
        """Whether its facts are kept, as storage says now: not where it is gone, or has switched engagement off."""
        found = await self._organizations.load_organization(organization)
        return found is not None and found[0].settings.engagement_enabled

    async def _mark(self, organization: str, commits: Sequence[str]) -> None:
        """Mark commits as taken."""
        name = table(organization, "journal")
        try:
            await self._tables.write_rows(name, [Upsert(Row(SEEN, commit, {"v": 1})) for commit in commits])
        except Missing:
            log.info("organization %s is gone", organization)


def _readable_facts(row: Row) -> list[Fact]:
    """Facts of a row; none of a broken row, which no later try would read."""
    try:
        return facts_of(row)
    except NotAFact as error:
        log.error("journal row %s cannot be read: %s", row.partition, error)
        return []
