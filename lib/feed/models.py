"""Events of the feed, and the places that readers remember."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from lib.fields import Moment, RecordRef
from lib.verdicts.evidence import Class
from lib.verdicts.kpis import Counts, Kpis

KEPT = timedelta(days=30)
"""The time for which events are kept, and at most a day more."""

KEPT_MILLISECONDS = KEPT // timedelta(milliseconds=1)

EventType = Literal[
    "message.sent", "message.failed", "message.opened", "message.clicked", "message.attachment_viewed",
    "message.replied", "message.bounced", "verdict.changed", "card.created", "card.withdrawn", "recipient.stopped",
]  # fmt: skip


class FeedPlace(NamedTuple):
    """A place in a feed: behind the first `number` events of the page."""

    page: int
    number: int


class VerdictMove(BaseModel):
    """The verdict on one event of the timeline, and the one that was told of it before."""

    model_config = ConfigDict(populate_by_name=True, serialize_by_alias=True)

    from_: Class | None = Field(None, alias="from", description="null: nothing was told of it before")
    to: Class | None = None
    confidence: float | None = Field(None, description="0 to 1: how sure `to` is")


class FeedCard(BaseModel):
    """The card that an event is about."""

    id: str
    kind: str
    user: str = Field(description="the user whose card it is")


class FeedEvent(BaseModel):
    """One change of what is known."""

    id: str = Field(description="the same each time that the event is read or delivered")
    type: EventType
    at: Moment = Field(description="when it happened: the time of the hit or the mail, else when it was found out")
    message: str | None = None
    event: str | None = Field(
        None, description="the id of the timeline's event; null where the feed's event is about several, or none"
    )
    count: int = Field(1, description="how many hits or mails the event stands for; 0 where their number is the same")
    recipient: str | None = Field(None, description="null where it is not known or not to be told who it was")
    record: RecordRef | None = Field(None, description="the record of that recipient; else what the mail is about")
    verdict: VerdictMove | None = None
    kpis: Kpis | None = Field(
        None,
        description="by how much each of the message's counts changed: their sum over all events is what the message "
        "shows. The two times are those of after the event",
    )
    card: FeedCard | None = None
    metadata: dict[str, str] = Field(default_factory=dict, description="that of the message")

    def tells_of(self, verdict: Class) -> bool:
        """Whether the event says of something that it is this class, or changes the count of that class."""
        if self.verdict is not None:
            return self.verdict.to == verdict
        if self.kpis is None:
            return False
        counts: Counts = self.kpis if verdict == "human" else getattr(self.kpis, verdict)
        return any(getattr(counts, name) for name in Counts.model_fields)


class Batch(BaseModel):
    """Events that are written together, once."""

    id: str
    planned_at: int
    """Milliseconds since 1970."""

    since: int
    """A page at which the feed was when the batch was planned, or before: no earlier one can hold the batch."""

    events: list[FeedEvent]
