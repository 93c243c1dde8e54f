"""Follower of assessments: tells the feed what has changed of a message.

The part in the summary holds all that was told, and the batch that is to be written after the summary. The plan that
the summary takes decides what is told, once and for all. A process that dies before it has written the batch leaves
that to the next plan, which writes it first. The feed takes each batch once (`lib.feed.store`).
"""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field, TypeAdapter

from lib.cards.follower import CardsFollower
from lib.clock import Clock, milliseconds, moment
from lib.feed.changes import FeedChange, Told, find_changes
from lib.feed.models import Batch, FeedCard, FeedEvent
from lib.feed.store import Feed
from lib.fields import RecordRef
from lib.ids import new_id, short_hash
from lib.messages.models import StoredMessage
from lib.verdicts.assessed import AssessedMessage, Plan


class FeedPart(Told):
    """Part of the summary: what was told, and what is to be written."""

    batch: str | None = None
    """Id of the latest batch; None before the first one."""

    since: int = 0
    """A page at which the feed was when that batch was planned, or before."""

    planned_at: int = 0
    """Milliseconds since 1970."""

    changes: list[FeedChange] = Field(default_factory=list)
    """What the batch holds; empty once it was seen in the feed."""


class FeedFollower:
    """Part of the summary: what the feed was told of the message."""

    part_name = "feed"
    part_type = TypeAdapter(FeedPart)

    def __init__(self, feed: Feed, clock: Clock) -> None:
        self._feed = feed
        self._clock = clock

    async def plan(self, assessed: AssessedMessage, before: FeedPart | None) -> Plan[FeedPart]:
        """Find what is to be told; first write what the plan before has left. Raises Stale."""
        cards: dict[str, str] = assessed.planned.get(CardsFollower.part_name, {})
        now = self._clock.now()
        if before is None:
            # Cards of before the feed are no news.
            part = FeedPart(cards=cards)
        else:
            await self._write(assessed.organization, assessed.message.id, before, assessed)
            part = before.model_copy(update={"changes": []}, deep=True)
        part.changes = find_changes(assessed, part, cards, now)
        if part.changes:
            part.batch, part.planned_at = new_id(), milliseconds(now)
            part.since = await self._feed.find_page(assessed.organization)
        return Plan(part)

    async def apply(self, assessed: AssessedMessage, part: FeedPart) -> None:
        """Write the batch. Raises Stale."""
        await self._write(assessed.organization, assessed.message.id, part, assessed)

    async def forget(
        self,
        organization: str,
        message: str,
        part: FeedPart | None,
        planned_before: Sequence[StoredMessage] = (),  # noqa: ARG002
    ) -> None:
        """Write what is left to be told; events that were told stay. Raises Stale."""
        if part is not None:
            await self._write(organization, message, part, None)

    async def _write(self, organization: str, message: str, part: FeedPart, assessed: AssessedMessage | None) -> None:
        if part.batch is None or not part.changes:
            return
        events = [
            _event(change, short_hash(part.batch, str(number)), message, assessed)
            for number, change in enumerate(part.changes)
        ]
        batch = Batch(id=part.batch, planned_at=part.planned_at, since=part.since, events=events)
        await self._feed.append_batch(organization, batch)


def _event(change: FeedChange, event_id: str, message: str, assessed: AssessedMessage | None) -> FeedEvent:
    event = FeedEvent(
        id=event_id,
        type=change.type,
        at=moment(change.at),
        message=message,
        event=change.event,
        count=change.count,
        verdict=change.verdict,
        kpis=change.kpis,
    )
    if assessed is None:
        return event
    stored, named = assessed.message, assessed.names_recipients
    recipients = stored.matched_recipients()
    number = change.recipient
    who = recipients[number] if named and number is not None and number < len(recipients) else None
    regarding = stored.regarding and RecordRef(type=stored.regarding.type, id=stored.regarding.id)
    return event.model_copy(
        update={
            "recipient": who.email if who else None,
            "record": (who.record if who else None) or regarding,
            "card": change.card and FeedCard(id=change.card, kind=change.card_kind or "", user=stored.sender),
            "metadata": stored.metadata,
        }
    )
