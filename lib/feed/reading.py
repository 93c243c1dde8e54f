"""Events as an organization's own settings let them be shown."""

from __future__ import annotations

from lib.feed.models import FeedEvent
from lib.organizations.settings import OrganizationSettings


def shown_event(event: FeedEvent, settings: OrganizationSettings) -> FeedEvent:
    """Return the event; without its recipient where the organization counts without who, also as of now."""
    if settings.tracking != "aggregate" or event.recipient is None:
        return event
    return event.model_copy(update={"recipient": None, "record": None})
