"""Records as accounts of the ledger: a message's share is exchanged, and the record's roll-up with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lib.clock import Clock
from lib.organizations.registry import Organizations
from lib.people.records import record_of
from lib.people.store import People
from lib.records.repair import recount
from lib.records.rollups import Rollup, exchanged
from lib.records.rows import RecordRows, account_name, key_changes, last_keys_of, share_change
from lib.records.shares import LastOf, RecordShare
from lib.storage.ledger import Versioned


class OtherParent(Exception):
    """A record has another parent than the message knows of; nothing was written."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """A share that is to stand in a record's engagement."""

    organization: str
    record: str
    message: str
    share: RecordShare
    parent: str | None
    """The record's parent, as the message knows it."""

    is_sure: bool
    """Write even where the record has another parent."""


class Exchanges:
    """Enters shares of messages into the engagement of records."""

    def __init__(self, rows: RecordRows, people: People, organizations: Organizations, clock: Clock) -> None:
        self.rows = rows
        self.people = people
        self.organizations = organizations
        self.clock = clock

    async def enter_share(self, wanted: Exchange) -> None:
        """Enter it into the ledger. Raises Stale, OtherParent."""
        await self.rows.ledger.enter_share(wanted.organization, _RecordAccount(self, wanted), wanted.share)

    async def recount(self, organization: str, record: str) -> None:
        """Compute the record's roll-up anew from its shares, and store it. Raises Conflict."""
        weights = (await self.organizations.settings(organization)).score
        stored = await self.people.stored_record(organization, record_of(record))
        await recount(self.rows, organization, record, stored, weights, self.clock.now())


@dataclass(frozen=True, slots=True)
class _RecordAccount:
    """The account of a record, for the share of one message."""

    books: Exchanges
    wanted: Exchange

    @property
    def name(self) -> str:
        return account_name(self.wanted.record)

    async def read_sum(self) -> Versioned[Rollup]:
        return await self.books.rows.rollup(self.wanted.organization, self.wanted.record)

    async def read_share(self) -> Versioned[RecordShare]:
        return await self.books.rows.share(self.wanted.organization, self.wanted.record, self.wanted.message)

    async def recount(self) -> None:
        await self.books.recount(self.wanted.organization, self.wanted.record)

    async def exchange(self, there: Versioned[Rollup], old: Versioned[RecordShare], new: RecordShare) -> None:
        """Raises OtherParent, besides what the ledger expects."""
        organization, record, message = self.wanted.organization, self.wanted.record, self.wanted.message
        rollup, etag = there
        old_share = old.model or RecordShare()
        if rollup is None:
            rollup = Rollup()
            etag = await self.books.rows.write_rows(organization, record, None, None, rollup)
        before = rollup if rollup.messages else await self._begun(rollup)
        if not (self.wanted.is_sure or before.parent == before.told == self.wanted.parent):
            raise OtherParent
        after = await self._after(before, old_share, new)
        last_rows = key_changes(last_keys_of(record, message, old_share), last_keys_of(record, message, new))
        share_row = share_change(record, message, new, old.etag)
        await self.books.rows.write_rows(organization, record, rollup, etag, after, [share_row, *last_rows])

    async def _begun(self, rollup: Rollup) -> Rollup:
        """The roll-up with the record as it is now: before its first message, putting the record does not tell it.

        The roll-up is in storage by now. A process that puts the record from here on finds it, and changes its version.
        """
        stored = await self.books.people.stored_record(self.wanted.organization, record_of(self.wanted.record))
        record, etag = stored or (None, None)
        begun = rollup.model_copy(update={"record": record, "etag": etag})
        return begun.model_copy(update={"told": begun.parent})

    async def _after(self, rollup: Rollup, old: RecordShare, new: RecordShare) -> Rollup:
        last, now = await self._last(rollup, old, new), self.books.clock.now()
        weights = (await self.books.organizations.settings(self.wanted.organization)).score
        return exchanged(rollup, old, new, last, now).placed(weights, now)

    async def _last(self, rollup: Rollup, old: RecordShare, new: RecordShare) -> dict[LastOf, int]:
        """Last times of the roll-up after the exchange. Other messages are read only where the last of all goes."""
        wanted, last = self.wanted, dict(rollup.last)
        before: Mapping[LastOf, int] = old.last_times()
        after: Mapping[LastOf, int] = new.last_times()
        for kind in before.keys() | after.keys():
            latest = max(last.get(kind, 0), after.get(kind, 0))
            if before.get(kind) == latest and after.get(kind) != latest:
                other = await self.books.rows.latest(wanted.organization, wanted.record, kind, but=wanted.message)
                latest = max(other or 0, after.get(kind, 0))
            last[kind] = latest
        return {kind: at for kind, at in last.items() if at}
