"""Bodies of webhooks for the API's document: an event of CloudEvents 1.0 for each type of the feed's events."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal, get_args

from pydantic import BaseModel, Field, create_model

from functions.api.openapi_webhooks import SentEvent
from lib.feed.models import EventType, FeedCard, FeedEvent, VerdictMove
from lib.fields import Moment, RecordRef
from lib.verdicts.kpis import Counts, Kpis
from lib.webhooks.delivering import TEST_TYPE
from lib.webhooks.signing import CONTENT_TYPE, cloud_event

_TEXTS: Mapping[EventType, str] = {
    "message.sent": "A message has gone out.",
    "message.failed": "A message has not gone out, or not to all.",
    "message.opened": "A message was opened; `verdict` says whether by a person.",
    "message.clicked": "A link of a message was followed; `verdict` says whether by a person.",
    "message.attachment_viewed": "A file of a message was viewed; `verdict` says whether by a person.",
    "message.replied": "An answer to a message has come in.",
    "message.bounced": "A message was not delivered to a recipient.",
    "verdict.changed": "What was told of an event before was wrong: `verdict` names the old class and the new one.",
    "card.created": "A user has a new card.",
    "card.withdrawn": "A card has lost its reason.",
    "recipient.stopped": "A recipient does not want to be followed.",
}


class CloudEvent(BaseModel):
    """An event of CloudEvents 1.0."""

    specversion: Literal["1.0"] = Field(description="the version of CloudEvents")
    id: str = Field(description="the id of the event, the same each time that it comes")
    source: str = Field(description="the address of the organization")
    subject: str | None = Field(None, description="the id of the message, where the event is about one")
    time: Moment = Field(description="when it happened")
    datacontenttype: Literal["application/json"] = Field(description="the type of `data`")


class TestData(BaseModel):
    """The content of a test."""

    webhook: str = Field(description="the id of the webhook")


def webhook_events(base_url: str) -> Mapping[str, SentEvent]:
    """Describe each type of events that a webhook gets, with an example; the test comes last."""
    described = {name: _described(base_url, name) for name in get_args(EventType)}
    test = SentEvent(_TEST, _MEDIA_TYPE, _body(base_url, TEST_TYPE, None, {"webhook": "crm"}))
    return {**described, TEST_TYPE: test}


def _model(event_type: str, text: str, data: type[BaseModel], meaning: str) -> type[CloudEvent]:
    name = "".join(word.capitalize() for word in event_type.replace("_", ".").split("."))
    fields: dict[str, Any] = {
        "type": (Literal[event_type], Field(description="the type of the event")),
        "data": (data, Field(description=meaning)),
    }
    return create_model(f"{name}Event", __base__=CloudEvent, __doc__=text, **fields)


_MEDIA_TYPE = CONTENT_TYPE.partition(";")[0]
_MODELS = {name: _model(name, text, FeedEvent, "the event, as the feed shows it") for name, text in _TEXTS.items()}
_TEST = _model(TEST_TYPE, "A test, which `POST …/test` orders.", TestData, "the webhook that is tested")

_AT = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)
_ID, _MESSAGE = "7d9a54b2e0c14f0f8a3b6c5d4e3f2a10", "0b54a3c4c1f24c4a9d1a8a5d0f6f2c11"
_HIT = "1777887000000-5d0f6f2c11a8b3d45d0f6f2c11a8b3d4"
_TO_ADA: Mapping[str, Any] = {"recipient": "ada@example.com", "record": RecordRef(type="contact", id="c1")}
_BY_A_PERSON = VerdictMove(from_=None, to="human", confidence=0.97)
_BY_ADA: Mapping[str, Any] = {**_TO_ADA, "event": _HIT, "verdict": _BY_A_PERSON}
_CARD: Mapping[str, Any] = {
    "record": RecordRef(type="opportunity", id="o1"),
    "card": FeedCard(id="b1c2d3e4f5061728394a5b6c7d8e9f00", kind="reply", user="rita"),
}

_EXAMPLES: Mapping[EventType, Mapping[str, Any]] = {
    "message.sent": _TO_ADA,
    "message.failed": _TO_ADA,
    "message.opened": {**_BY_ADA, "kpis": Kpis(opens=1, last_opened_at=_AT, raw=Counts(opens=1))},
    "message.clicked": {
        **_BY_ADA,
        "kpis": Kpis(clicks=1, last_opened_at=_AT, last_clicked_at=_AT, raw=Counts(clicks=1)),
    },
    "message.attachment_viewed": {
        **_BY_ADA,
        "kpis": Kpis(
            attachment_views=1, last_opened_at=_AT, last_attachment_view_at=_AT, raw=Counts(attachment_views=1)
        ),
    },
    "message.replied": {
        **_BY_ADA,
        "kpis": Kpis(replies=1, last_opened_at=_AT, last_clicked_at=_AT, last_replied_at=_AT),
    },
    "message.bounced": {**_BY_ADA, "kpis": Kpis()},
    "verdict.changed": {
        **_TO_ADA,
        "event": _HIT,
        "count": 0,
        "verdict": VerdictMove(from_="human", to="machine", confidence=0.99),
        "kpis": Kpis(opens=-1, machine=Counts(opens=1)),
    },
    "card.created": _CARD,
    "card.withdrawn": _CARD,
    "recipient.stopped": {"recipient": "ada@example.com"},
}


def _described(base_url: str, name: EventType) -> SentEvent:
    message = None if name == "recipient.stopped" else _MESSAGE
    metadata = {"deal": "windmill"} if message else {}
    event = FeedEvent(id=_ID, type=name, at=_AT, message=message, metadata=metadata, **_EXAMPLES[name])
    return SentEvent(_MODELS[name], _MEDIA_TYPE, _body(base_url, name, message, event.model_dump(mode="json")))


def _body(base_url: str, name: str, message: str | None, data: Any) -> Any:
    """Make a body as a delivery does."""
    return json.loads(cloud_event(f"{base_url}/api/orgs/acme", _ID, name, message, _AT, data))
