"""Follower of assessments: brings what a message contributes to the engagement of records up to date, exactly once.

The part in the summary says what the message contributes, and is a plan until the ledger (`lib.storage.ledger`) has
entered it: a contribution is `settled` once its share was seen in storage.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from pydantic import TypeAdapter

from lib.messages.models import StoredMessage
from lib.people.families import read_families
from lib.people.records import record_of
from lib.people.store import People
from lib.records.engagements import Engagements
from lib.records.exchanges import Exchange, OtherParent
from lib.records.shares import (
    Contribution,
    Parents,
    RecordShare,
    names_of,
    parent_by_record,
    shares_of,
)
from lib.storage import Queues
from lib.storage.at_once import some_at_once
from lib.storage.layout import INTERACTIONS
from lib.tracking.queue_messages import refresh_body
from lib.verdicts.assessed import AssessedMessage, Plan


class RecordsFollower:
    """Part of the summary: the contributions of the message."""

    part_name = "records"
    part_type = TypeAdapter(list[Contribution])

    def __init__(self, engagements: Engagements, people: People, queues: Queues) -> None:
        self._engagements = engagements
        self._rows = engagements.rows
        self._people = people
        self._queues = queues

    async def plan(self, assessed: AssessedMessage, before: list[Contribution] | None) -> Plan[list[Contribution]]:
        """Find what the message contributes now. Writes nothing."""
        organization, message = assessed.organization, assessed.message
        if not before and not names_of(message):
            return Plan([])
        known = {each.record: each for each in before or []}
        family = await self._rows.family(organization)
        parents = await self._parents(organization, message, known, family)
        digests = {name: share.digest() for name, share in _shares(assessed, parents).items()}
        digests |= {name: "" for name in known if name not in digests}
        unchanged = [each for each in known.values() if each.digest == digests[each.record]]
        settled = await self._settled(organization, message.id, unchanged)
        generation = max((each.generation for each in known.values()), default=0) + 1
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
        return Plan([each for each in now if each.digest or not each.settled or each.generation == newest])

    async def apply(self, assessed: AssessedMessage, part: list[Contribution]) -> None:
        """Enter the shares that are not settled. Raises Stale."""
        parents = {each.record: each.parents for each in part if each.parents is not None}
        shares = _shares(assessed, parents)
        parent = parent_by_record(parents)
        await some_at_once(
            self._enter(
                assessed.organization, assessed.message.id, each, shares.get(each.record, RecordShare()), parent
            )
            for each in part
            if not each.settled
        )

    async def forget(
        self,
        organization: str,
        message: str,
        part: list[Contribution] | None,
        planned_before: Sequence[StoredMessage] = (),  # noqa: ARG002
    ) -> None:
        """Take the message's shares away: records do not count it any more. Raises Stale."""
        generation = max((each.generation for each in part or []), default=0) + 1
        gone = [Contribution(record=each.record, generation=generation) for each in part or []]
        await some_at_once(self._enter(organization, message, each, RecordShare(), {}) for each in gone)

    async def _settled(self, organization: str, message: str, unchanged: Sequence[Contribution]) -> set[str]:
        """Records of those contributions that stand in storage. One that was seen there is not looked for again."""
        seen = {each.record for each in unchanged if each.settled}
        asked = [each for each in unchanged if not each.settled]
        found = await some_at_once(self._rows.share(organization, each.record, message) for each in asked)
        return seen | {each.record for each, (share, _) in zip(asked, found, strict=True) if each.is_entered(share)}

    async def _parents(
        self, organization: str, message: StoredMessage, known: Mapping[str, Contribution], family: str
    ) -> dict[str, list[str]]:
        """Parents of each record that the message names; read only where they are not known in this `family`."""
        parents = {
            name: known[name].parents or []
            for name in names_of(message)
            if name in known and known[name].parents is not None and known[name].family == family
        }
        names = [name for name in names_of(message) if name not in parents]
        families = await read_families(self._people, organization, names)
        return parents | {name: families.parents_above(name) for name in names}

    async def _enter(
        self,
        organization: str,
        message: str,
        contribution: Contribution,
        share: RecordShare,
        parents: dict[str, str | None],
    ) -> None:
        record, share = contribution.record, share.model_copy(update={"generation": contribution.generation})
        exchange = Exchange(
            organization, record, message, share, parent=parents.get(record), is_sure=record not in parents
        )
        try:
            await self._engagements.exchanges.enter_share(exchange)
        except OtherParent:
            # The record came under another parent while this was on its way, or the process that moved it has died over
            # it. All that brings the message to the right parent is done first, so that no process can die in between.
            await self._engagements.record_changed(organization, record_of(record))
            await self._rows.change_family(organization)
            await self._queues.send(INTERACTIONS, refresh_body(organization, message))
            await self._engagements.exchanges.enter_share(replace(exchange, is_sure=True))


def _shares(assessed: AssessedMessage, parents: Parents) -> dict[str, RecordShare]:
    return shares_of(assessed.message, assessed.tallies, parents, names_recipients=assessed.names_recipients)
