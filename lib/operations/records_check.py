"""Contributions of messages to records held against the messages, and the sums of records against the contributions."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from contextlib import suppress
from dataclasses import dataclass

from cachetools import LRUCache

from lib.assessment.assessor import Assessor
from lib.clock import Clock
from lib.messages.store import MessageStore
from lib.operations.inconsistencies import Inconsistency, is_as_it_was, look_at_messages, part_of, unreadable
from lib.records import Engagements, RecordsFollower
from lib.records.rollups import Rollup, total
from lib.records.rows import PARTITION
from lib.records.shares import Contribution
from lib.storage import Delete, Missing, Range, Tables
from lib.storage.documents import UnreadableRow
from lib.storage.layout import table
from lib.storage.retry import retry_on_conflict

_MOST_REMEMBERED = 20_000
_SHARES = "m|"
_ROLLUPS = "r|"


@dataclass(frozen=True, slots=True)
class RecordsCheck:
    """Finds shares that are missing, wrong or left over, and sums that are not those of the shares."""

    tables: Tables
    messages: MessageStore
    assessor: Assessor
    follower: RecordsFollower
    engagements: Engagements
    clock: Clock
    name: str = "records"

    async def find(self, organization: str) -> AsyncIterator[Inconsistency]:
        async for finding in look_at_messages(self.tables, organization, self.name, self._look_at_message):
            yield finding
        async for finding in self._left(organization):
            yield finding
        async for row in self.tables.query(table(organization, "index"), PARTITION, Range.prefix(_ROLLUPS)):
            record = row.key.removeprefix(_ROLLUPS)
            try:
                is_wrong = await self._is_wrong_sum(organization, record)
            except UnreadableRow:
                yield unreadable(self.name, f"record {record}")
                continue
            if is_wrong:
                yield self._wrong_sum(organization, record)

    async def _look_at_message(self, organization: str, message: str) -> Inconsistency | None:
        loaded = await self.messages.load(organization, message)
        planned = None if loaded is None else part_of(self.follower, loaded)
        if loaded is None or not planned:
            return None
        wrong = [each for each in planned if not await self._is_entered(organization, message, each)]
        if not wrong or not await is_as_it_was(self.messages, organization, loaded):
            return None

        async def repair() -> None:
            await self.assessor.refresh(organization, message, anew=True)

        return Inconsistency(self.name, f"message {message}", f"{len(wrong)} records do not count it as it is", repair)

    async def _is_entered(self, organization: str, message: str, planned: Contribution) -> bool:
        share, _ = await self.engagements.rows.share(organization, planned.record, message)
        if share is None:
            return planned.digest == ""
        if planned.digest == "":
            return share.sent_at is None
        return share.digest() == planned.digest

    async def _left(self, organization: str) -> AsyncIterator[Inconsistency]:
        """Shares of messages that are not there, or that do not reach the record."""
        known: LRUCache[str, Collection[str] | None] = LRUCache(_MOST_REMEMBERED)
        async for row in self.tables.query(table(organization, "index"), PARTITION, Range.prefix(_SHARES)):
            record, _, message = row.key.removeprefix(_SHARES).rpartition("|")
            if message not in known:
                known[message] = await self._records(organization, message)
            if _may_reach(known[message], record):
                continue
            try:
                share, _ = await self.engagements.rows.share(organization, record, message)
            except UnreadableRow:
                yield unreadable(self.name, f"record {record}")
                continue
            known[message] = await self._records(organization, message)
            if _may_reach(known[message], record) or share is None or share.sent_at is None:
                continue

            async def repair(record: str = record, message: str = message) -> None:
                with suppress(Missing):
                    change = Delete(PARTITION, f"{_SHARES}{record}|{message}")
                    await self.tables.write_rows(table(organization, "index"), [change])
                await self._recount(organization, record)

            yield Inconsistency(self.name, f"message {message}", "a record counts it that it does not reach", repair)

    async def _records(self, organization: str, message: str) -> Collection[str] | None:
        """The records that a message reaches; None of one that cannot be read."""
        try:
            loaded = await self.messages.load(organization, message)
            planned = part_of(self.follower, loaded) if loaded else None
        except UnreadableRow:
            return None
        return {each.record for each in planned or []}

    async def _is_wrong_sum(self, organization: str, record: str) -> bool:
        rows = self.engagements.rows
        before, etag = await rows.rollup(organization, record)
        if before is None:
            return False
        shares = [share async for _, share in rows.shares(organization, record)]
        counted = total(shares, self.clock.now())
        return _sums(counted) != _sums(before) and (await rows.rollup(organization, record)).etag == etag

    def _wrong_sum(self, organization: str, record: str) -> Inconsistency:
        async def repair() -> None:
            await self._recount(organization, record)

        return Inconsistency(self.name, f"record {record}", "its counts are not the sum of its messages", repair)

    async def _recount(self, organization: str, record: str) -> None:
        async def recount() -> None:
            await self.engagements.exchanges.recount(organization, record)

        await retry_on_conflict(f"the engagement of {record}", recount)


def _may_reach(records: Collection[str] | None, record: str) -> bool:
    return records is None or record in records


def _sums(rollup: Rollup) -> tuple[object, ...]:
    """Return the part that does not depend on the time of counting."""
    counts = {kind: count for kind, count in rollup.counts.items() if count}
    last = {kind: at for kind, at in rollup.last.items() if at}
    return rollup.messages, counts, last
