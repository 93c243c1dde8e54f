"""Models of webhooks: the form in which a CRM puts them, and the rows in which they are stored."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field, StringConstraints

from lib.feed.models import EventType, FeedEvent
from lib.fields import Model, Moment
from lib.storage.versions import ETag
from lib.verdicts.evidence import Class

MOST_WEBHOOKS = 20
"""Subscriptions of an organization."""

DeliveryOutcome = Literal["waiting", "delivered", "dead"]
"""`waiting`: to be tried, again or for the first time. `dead`: given up."""


class WebhookSpec(Model):
    """A subscription to the feed."""

    url: Annotated[str, StringConstraints(min_length=1, max_length=2000)] = Field(
        description="an https address in the public internet, to which each event is posted"
    )
    events: Annotated[list[EventType], Field(max_length=20)] = Field(
        default_factory=list, description="types of events that are wanted; empty: all"
    )
    verdicts: Annotated[list[Class], Field(max_length=3)] = Field(
        default_factory=list,
        description="classes that are wanted: of events with verdicts or counts, those alone by which something is one "
        "of these now, or by which the count of one of these changed; empty: all",
    )
    enabled: bool = Field(True, description="false: events wait, as long as the feed keeps them")


class StoredSecret(BaseModel):
    """A secret that deliveries are signed with, sealed."""

    sealed: str
    until: Moment | None = None
    """The end of its use; None for the secret that is in use."""


class StoredWebhook(BaseModel):
    """The row of a subscription."""

    id: str
    url: str
    events: list[EventType] = []
    verdicts: list[Class] = []
    enabled: bool = True
    disabled_because: str | None = None
    made_at: Moment
    secrets: list[StoredSecret] = []
    """The secret in use comes first."""

    def wants(self, event: FeedEvent) -> bool:
        """Whether the event is to be delivered."""
        if self.events and event.type not in self.events:
            return False
        if not self.verdicts or (event.verdict is None and event.kpis is None):
            return True
        return any(event.tells_of(verdict) for verdict in self.verdicts)


class WebhookRead(BaseModel):
    """A subscription as it is answered."""

    id: str
    url: str
    events: list[EventType]
    verdicts: list[Class]
    enabled: bool
    disabled_because: str | None = Field(description="why Heed switched it off; null where a caller did")
    created_at: Moment
    etag: ETag


class EventDelivery(BaseModel):
    """The row of a delivery: an event of the feed that goes, or went, to one subscription. It holds no event."""

    page: int
    number: int
    """Page and number of the event in the feed."""

    event: str
    """The id of the event."""

    type: EventType
    message: str | None = None
    made_at: Moment
    attempts: int = 0
    next_at: Moment | None = None
    """The time of the next try; None where it has come to rest."""

    ended_at: Moment | None = None
    status: int | None = None
    """The latest answer's status; None where there was no answer."""

    error: str | None = None

    @property
    def id(self) -> str:
        return f"{self.page}-{self.number}"


class FeedProgress(BaseModel):
    """The row of how far a subscription has come. Times are in milliseconds since 1970."""

    page: int = 0
    number: int = 0
    """The place in the feed up to which deliveries were made."""

    lease_until: int = 0
    failures: int = 0
    """Rounds in a row in which the receiver took nothing."""

    resume_at: int = 0
    """Time of the next round, where the last one was broken off."""
