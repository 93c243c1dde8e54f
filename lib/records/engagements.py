"""Engagement of records as the API asks for it: reading it, and bringing it up to date when a record is put."""

from __future__ import annotations

from collections.abc import AsyncIterator

from lib.clock import Clock
from lib.fields import RecordRef
from lib.organizations.registry import Organizations
from lib.people.records import name_of
from lib.people.store import People
from lib.records.engaged import EngagedRecords
from lib.records.exchanges import Exchanges
from lib.records.rollups import Rollup
from lib.records.rows import RecordRows
from lib.records.shares import RecordShare
from lib.storage import Queues, Tables
from lib.storage.at_once import some_at_once
from lib.storage.layout import INTERACTIONS
from lib.tracking.queue_messages import refresh_body

NamedShare = tuple[str, RecordShare]
"""(message, what it gives)."""

_MESSAGES_AT_ONCE = 1000


class Engagements:
    """Roll-ups of records: reads them, and keeps them right as messages, records and their parents change."""

    def __init__(
        self, tables: Tables, people: People, organizations: Organizations, queues: Queues, clock: Clock
    ) -> None:
        self.rows = RecordRows(tables)
        self.exchanges = Exchanges(self.rows, people, organizations, clock)
        self.engaged = EngagedRecords(self.rows, organizations, clock)
        self._people = people
        self._organizations = organizations
        self._queues = queues
        self._clock = clock

    async def load_rollup(self, organization: str, record: RecordRef) -> Rollup:
        """Read the record's roll-up; empty where no message was sent."""
        rollup, _ = await self.rows.rollup(organization, name_of(record))
        return rollup or Rollup()

    async def record_changed(self, organization: str, record: RecordRef) -> Rollup:
        """Show a record that was put or deleted as it is now, and take its messages along to another parent.

        Call it after the record is stored. Where it fails, put or delete the record again. Raises Stale.
        """
        name = name_of(record)

        async def copy() -> Rollup | None:
            rollup, etag = await self.rows.rollup(organization, name)
            if rollup is None:
                return None
            found = await self._people.stored_record(organization, record)
            record_now, record_etag = found or (None, None)
            now, weights = self._clock.now(), (await self._organizations.settings(organization)).score
            new = rollup.model_copy(update={"record": record_now, "etag": record_etag}).placed(weights, now)
            await self.rows.write_rows(organization, name, rollup, etag, new)
            return new

        rollup = await self.rows.attempt(organization, name, copy)
        if rollup is None:
            return Rollup()
        if rollup.told != rollup.parent:
            await self._tell_messages(organization, name, rollup.parent)
        return rollup

    async def _tell_messages(self, organization: str, name: str, parent: str | None) -> None:
        """Have all messages of a record look for its parents again. Messages that are written from now on know them."""
        await self.rows.change_family(organization)
        async for some in _in_groups(self.rows.shares(organization, name)):
            bodies = [refresh_body(organization, message) for message, share in some if share.sent_at is not None]
            await some_at_once(self._queues.send(INTERACTIONS, body) for body in bodies)

        async def note() -> None:
            rollup, etag = await self.rows.rollup(organization, name)
            if rollup and rollup.parent == parent:
                await self.rows.write_rows(organization, name, rollup, etag, rollup.model_copy(update={"told": parent}))

        await self.rows.attempt(organization, name, note)


async def _in_groups(shares: AsyncIterator[NamedShare]) -> AsyncIterator[list[NamedShare]]:
    group: list[NamedShare] = []
    async for share in shares:
        group.append(share)
        if len(group) == _MESSAGES_AT_ONCE:
            yield group
            group = []
    if group:
        yield group
