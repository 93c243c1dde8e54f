"""The engagement of records: brought up to date with every assessment of a message, exactly once.

A message's summary says what the message contributes; rows in storage follow it. `follow` says what will stand and
writes nothing; the assessor puts that into the summary, on condition that nobody else has put one meanwhile; only then
`write` changes rows. So of two assessors of one message, only the one that has won writes, and its generation is higher
than all before: one that was held up cannot put back what a later one has changed. Whoever dies before the rows are
written leaves contributions that are not settled, and the next one who follows the message finds them so.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Iterable, Sequence
from dataclasses import replace
from itertools import islice
from typing import TypeVar

from lib.clock import Clock
from lib.fields import RecordRef
from lib.messages.models import StoredMessage
from lib.organizations.registry import Organizations
from lib.people.store import People
from lib.records.engaged import EngagedRecords
from lib.records.exchanges import Exchange, Exchanges, OtherParent
from lib.records.rollups import Rollup
from lib.records.rows import RecordRows
from lib.records.shares import (
    MOST_PARENTS,
    Contribution,
    Share,
    name_of,
    names_of,
    parent_by_record,
    record_of,
    shares_of,
)
from lib.storage import Queues, Tables
from lib.storage.layout import INTERACTIONS
from lib.tracking.facts import refresh_body
from lib.verdicts.tallies import Tallies

Result = TypeVar("Result")

_AT_ONCE = 32


class Engagements:
    def __init__(
        self, tables: Tables, people: People, organizations: Organizations, queues: Queues, clock: Clock
    ) -> None:
        self._rows = RecordRows(tables)
        self._exchanges = Exchanges(self._rows, people, organizations, clock)
        self.engaged = EngagedRecords(self._rows, organizations, clock)
        self._people = people
        self._organizations = organizations
        self._queues = queues
        self._clock = clock

    async def follow(
        self, organization: str, message: StoredMessage, tallies: Tallies, before: Sequence[Contribution]
    ) -> list[Contribution]:
        """What the message contributes to records now; `before` is what the last call said. Writes nothing.

        The answer goes into the message's summary, and then to `write`.
        """
        if message.state != "sent" and not before:
            return []
        family = await self._rows.family(organization)
        known = {each.record: each for each in before}
        parents = {
            name: known[name].parents or []
            for name in names_of(message)
            if name in known and known[name].parents is not None and known[name].family == family
        }
        parents |= await self._parents(organization, [name for name in names_of(message) if name not in parents])
        digests = {name: share.digest() for name, share in shares_of(message, tallies, parents).items()}
        digests |= {name: "" for name in known if name not in digests}
        settled = await self._settled(
            organization, message.id, [each for each in before if each.digest == digests[each.record]]
        )
        generation = max((each.generation for each in before), default=0) + 1
        now = [
            Contribution(
                record=name,
                parents=parents.get(name),
                family=family if name in parents else "",
                digest=digest,
                generation=known[name].generation if name in settled else generation,
                settled=name in settled,
            )
            for name, digest in digests.items()
        ]
        # One that is gone is remembered until it is seen to be gone; the highest generation is never forgotten.
        newest = max((each.generation for each in now), default=0)
        return [each for each in now if each.digest or not each.settled or each.generation == newest]

    async def _settled(self, organization: str, message: str, unchanged: Sequence[Contribution]) -> set[str]:
        """Those contributions that stand in storage. Once one was seen there, nobody looks any more."""
        seen = {each.record for each in unchanged if each.settled}
        asked = [each for each in unchanged if not each.settled]
        found = await together(self._rows.share(organization, each.record, message) for each in asked)
        return seen | {
            each.record
            for each, (share, _) in zip(asked, found, strict=True)
            if share and share.generation >= each.generation
        }

    async def _parents(self, organization: str, names: Sequence[str]) -> dict[str, list[str]]:
        """The parents of each of these records, upwards; as many requests as there are records on the way."""
        parent: dict[str, str | None] = {}
        level = list(dict.fromkeys(names))
        for _ in range(MOST_PARENTS):
            found = await together(self._people.stored_record(organization, record_of(name)) for name in level)
            for name, record in zip(level, found, strict=True):
                parent[name] = name_of(record[0].parent) if record and record[0].parent else None
            level = sorted({above for name in level if (above := parent[name]) and above not in parent})
            if not level:
                break
        return {name: _path(name, parent) for name in names}

    async def write(
        self, organization: str, message: StoredMessage, tallies: Tallies, contributions: Sequence[Contribution]
    ) -> None:
        """Bring storage up to date with what `follow` has said, once the summary says so, too. Again is the same.

        Raises Stale where others would not let it.
        """
        parents = {each.record: each.parents for each in contributions if each.parents is not None}
        shares = shares_of(message, tallies, parents)
        parent = parent_by_record(parents)
        await together(
            self._put(organization, message.id, each, shares.get(each.record, Share()), parent)
            for each in contributions
            if not each.settled
        )

    async def forget(self, organization: str, message: str, contributions: Sequence[Contribution]) -> None:
        """The message is going to be erased: records do not count it any more."""
        generation = max((each.generation for each in contributions), default=0) + 1
        gone = [Contribution(record=each.record, generation=generation) for each in contributions]
        await together(self._put(organization, message, each, Share(), {}) for each in gone)

    async def _put(
        self,
        organization: str,
        message: str,
        contribution: Contribution,
        share: Share,
        parents: dict[str, str | None],
    ) -> None:
        record, share = contribution.record, share.model_copy(update={"generation": contribution.generation})
        exchange = Exchange(
            organization, record, message, share, parent=parents.get(record), sure=record not in parents
        )
        try:
            await self._rows.attempt(organization, record, lambda: self._exchanges.do(exchange))
        except OtherParent:
            # The record came under another parent while this was on its way, or whoever moved it has died over it. All
            # that brings the message to the right one is done first, so that nobody can die in between.
            await self.record_changed(organization, record_of(record))
            await self._rows.change_family(organization)
            await self._queues.send(INTERACTIONS, refresh_body(organization, message))
            exchange = replace(exchange, sure=True)
            await self._rows.attempt(organization, record, lambda: self._exchanges.do(exchange))

    async def load_rollup(self, organization: str, record: RecordRef) -> Rollup:
        """What there is of a record; empty where no message was sent."""
        rollup, _ = await self._rows.rollup(organization, name_of(record))
        return rollup or Rollup()

    async def record_changed(self, organization: str, record: RecordRef) -> Rollup:
        """The record was put: lists show it as it is now, and its messages go with it to another parent.

        Call it after the record is stored. Where it fails, put the record again. Raises Stale.
        """
        name = name_of(record)

        async def copy() -> Rollup | None:
            rollup, etag = await self._rows.rollup(organization, name)
            if rollup is None:
                return None
            found = await self._people.stored_record(organization, record)
            if found is None:
                return rollup
            now, weights = self._clock.now(), (await self._organizations.settings(organization)).score
            new = rollup.model_copy(update={"record": found[0], "etag": found[1]}).placed(weights, now)
            await self._rows.write_rows(organization, name, rollup, etag, new)
            return new

        rollup = await self._rows.attempt(organization, name, copy)
        if rollup is None:
            return Rollup()
        if rollup.told != rollup.parent:
            await self._tell_messages(organization, name, rollup.parent)
        return rollup

    async def _tell_messages(self, organization: str, name: str, parent: str | None) -> None:
        """Have all messages of a record look for its parents again. One that is written from now on knows them."""
        await self._rows.change_family(organization)
        async for some in _groups(self._rows.shares(organization, name)):
            bodies = [refresh_body(organization, message) for message, share in some if share.sent_at is not None]
            await together(self._queues.send(INTERACTIONS, body) for body in bodies)

        async def note() -> None:
            rollup, etag = await self._rows.rollup(organization, name)
            if rollup and rollup.parent == parent:
                await self._rows.write_rows(
                    organization, name, rollup, etag, rollup.model_copy(update={"told": parent})
                )

        await self._rows.attempt(organization, name, note)

    async def rebuild(self, organization: str, record: RecordRef) -> None:
        """Count a record's roll-up anew from all that messages have given to it. Raises Stale."""
        name = name_of(record)
        await self._rows.attempt(organization, name, lambda: self._exchanges.recount(organization, name))


def _path(name: str, parent: dict[str, str | None]) -> list[str]:
    """Upwards from a record; in a circle, round and round, as far as is looked at all."""
    path: list[str] = []
    above = parent.get(name)
    while above and len(path) < MOST_PARENTS:
        path.append(above)
        above = parent.get(above)
    return path


async def together(work: Iterable[Awaitable[Result]]) -> list[Result]:
    """Do all of it, some at the same time; results in order."""
    waiting, results = iter(work), list[Result]()
    while some := list(islice(waiting, _AT_ONCE)):
        results += await asyncio.gather(*some)
    return results


async def _groups(items: AsyncIterator[Result], size: int = 1000) -> AsyncIterator[list[Result]]:
    group: list[Result] = []
    async for item in items:
        group.append(item)
        if len(group) == size:
            yield group
            group = []
    if group:
        yield group
