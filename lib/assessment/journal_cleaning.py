"""Cleaning of the journal: facts that are not to be kept go from its rows, too, which are kept for replay."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from contextlib import suppress

from lib.assessment.refusals import Revisions
from lib.clock import milliseconds, moment
from lib.messages.store import MessageStore
from lib.storage import Delete, Missing, Range, Replace, Row, Tables
from lib.storage.at_once import some_at_once
from lib.storage.layout import table
from lib.storage.retry import retry_on_conflict
from lib.tracking.facts import Fact, NotAFact
from lib.tracking.journal import FACTS_ROW, commit_at, facts_of, journal_columns

_LATEST_COMMIT = 60_000
"""Milliseconds after a hit in which its commit is looked for. It comes within 1.3 s, or after a failure of storage."""


_TAKING_IN = 10 * 60_000
"""Milliseconds after the making of a received message in which the fact that it brings is looked for."""

_REPORTING = 24 * 60 * 60_000
"""Milliseconds after a try to deliver in which an email service reports it: Event Grid tries for a day."""

_HOUR = 3_600_000
"""Milliseconds."""

SIGHTINGS = "seen-by"
"""Beginning of the partitions of sightings (`lib.assessment.sources_seen`)."""

_MOST_OLD = 5_000
"""Rows of one kind that one call deletes."""

SEEN = "seen"
"""Partition of the marks of commits that the assessor has taken. A commit begins with the year, so that none is called
so."""


class JournalCleaning:
    """Revises rows of the journal."""

    def __init__(self, tables: Tables, store: MessageStore) -> None:
        self._tables = tables
        self._store = store

    async def revise_commits(
        self, organization: str, commits: Collection[str], revisions: Revisions
    ) -> tuple[list[str], list[str]]:
        """Put in place of these facts what is to be kept of them.

        Return (commits whose rows hold no fact any more, commits whose rows are not there). Raises StorageError, Stale.
        """
        emptied, absent = list[str](), list[str]()
        for commit in commits:
            left = await self._revise(organization, commit, revisions)
            if left is None:
                absent.append(commit)
            elif left == 0:
                emptied.append(commit)
        return emptied, absent

    async def delete_emptied(self, organization: str, commits: Iterable[str]) -> None:
        """Delete rows that hold no fact any more. Raises StorageError."""
        for commit in commits:
            await self._delete(organization, commit)

    async def remove_facts(self, organization: str, facts: Sequence[Fact]) -> None:
        """Remove facts that were taken from the journal some time ago: their commits are found by their times.

        Raises StorageError, Stale.
        """
        await self._remove_hits(organization, facts)
        brought: dict[str, list[Fact]] = {}
        for fact in facts:
            if fact.mail is not None:
                brought.setdefault(fact.mail, []).append(fact)
        for mail, some in brought.items():
            keys = {fact.key for fact in some}
            loaded = await self._store.load(organization, mail)
            if loaded is not None:
                await self.remove_mail(organization, mail, milliseconds(loaded.message.created_at), keys)
            else:
                # An email service has reported it: the facts have the time of its try.
                tried_at = min(fact.at for fact in some)
                await self.remove_mail(organization, mail, tried_at, keys, _REPORTING)

    async def _remove_hits(self, organization: str, facts: Sequence[Fact]) -> None:
        for some in _close_in_time(facts):
            revisions = dict.fromkeys(fact.key for fact in some)
            commits = [row.partition async for row in self._commits_of(organization, some)]
            emptied, _ = await self.revise_commits(organization, commits, revisions)
            await self.delete_emptied(organization, emptied)

    async def remove_mail(
        self,
        organization: str,
        mail: str,
        taken_in: int,
        keys: Collection[str] | None = None,
        longest: int = _TAKING_IN,
    ) -> None:
        """Remove the facts that a received mail has brought, or of them those of these keys.

        The mail was taken in at that time (milliseconds since 1970), or up to `longest` milliseconds later. Raises
        StorageError, Stale.
        """
        low, high = commit_at(moment(max(0, taken_in - _LATEST_COMMIT))), commit_at(moment(taken_in + longest))
        commits, revisions = list[str](), dict[str, Fact | None]()
        async for row in self._tables.query(table(organization, "journal"), Range(low=low, high=high)):
            brought = (fact.key for fact in _readable(row) if row.key == FACTS_ROW and fact.mail == mail)
            found = [key for key in brought if keys is None or key in keys]
            if found:
                commits.append(row.partition)
                revisions.update(dict.fromkeys(found))
        emptied, _ = await self.revise_commits(organization, commits, revisions)
        await self.delete_emptied(organization, emptied)

    async def delete_old(self, organization: str, until: int) -> int:
        """Delete commits up to a time (milliseconds since 1970), their marks, and old sightings; return their number.

        Of each kind at most `_MOST_OLD`: the next call goes on. Raises StorageError.
        """
        name, end = table(organization, "journal"), commit_at(moment(until))
        commits = self._tables.query(name, Range(low="0", high=end), limit=_MOST_OLD)
        marks = self._tables.query(name, SEEN, Range(high=end), _MOST_OLD)
        old = [(row.partition, row.key) async for row in commits]
        old += [(row.partition, row.key) async for row in marks]
        # One of sixteen partitions a call, another one each hour: sightings are in order of their sources.
        sightings = self._tables.query(name, f"{SIGHTINGS}-{until // _HOUR % 16:x}")
        old += [(row.partition, row.key) async for row in sightings if int(row.key.split("-")[1]) <= until]
        await some_at_once(self._delete_row(name, *place) for place in old)
        return len(old)

    async def _delete_row(self, name: str, partition: str, key: str) -> None:
        with suppress(Missing):
            await self._tables.write_rows(name, [Delete(partition, key)])

    async def _commits_of(self, organization: str, facts: Sequence[Fact]) -> AsyncIterator[Row]:
        low = commit_at(moment(facts[0].at))
        high = commit_at(moment(facts[-1].at + _LATEST_COMMIT))
        keys = {fact.key for fact in facts}
        async for row in self._tables.query(table(organization, "journal"), Range(low=low, high=high)):
            if row.key == FACTS_ROW and keys.intersection(fact.key for fact in _readable(row)):
                yield row

    async def _revise(self, organization: str, commit: str, revisions: Revisions) -> int | None:
        """Return the number of facts that are left in the row; None where there is no row."""
        name = table(organization, "journal")

        async def revise_once() -> int | None:
            row = await self._tables.read_row(name, commit, FACTS_ROW)
            if row is None:
                return None
            before = _readable(row)
            revised = (revisions.get(fact.key, fact) for fact in before)
            after = [fact for fact in revised if fact is not None]
            if after != before:
                # The emptied row stays until the commit is marked as taken: it would count as missing.
                columns = journal_columns([fact.to_json() for fact in after])
                try:
                    await self._tables.write_rows(name, [Replace(Row(commit, FACTS_ROW, columns, row.etag))])
                except Missing:
                    return None
            return len(after)

        return await retry_on_conflict(f"commit {commit}", revise_once)

    async def _delete(self, organization: str, commit: str) -> None:
        try:
            await self._tables.write_rows(table(organization, "journal"), [Delete(commit, FACTS_ROW)])
        except Missing:
            return


def _readable(row: Row) -> list[Fact]:
    try:
        return facts_of(row)
    except NotAFact:
        return []


def _close_in_time(facts: Sequence[Fact]) -> list[list[Fact]]:
    """Return hits in groups, in order of time: one query finds the commits of a group."""
    groups: list[list[Fact]] = []
    for fact in sorted((fact for fact in facts if fact.is_hit), key=lambda fact: fact.at):
        if groups and fact.at - groups[-1][0].at <= _LATEST_COMMIT:
            groups[-1].append(fact)
        else:
            groups.append([fact])
    return groups
