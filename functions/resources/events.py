"""The feed of an organization: what has changed, in the order in which it was committed."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from functions.api.endpoint import Answer, Call, Endpoints
from functions.api.problems import Problem
from lib.feed.models import EventType, FeedEvent, FeedPlace
from lib.feed.reading import shown_event
from lib.fields import QueryNumber
from lib.ids import short_hash
from lib.tokens import LONGEST, Purpose
from lib.verdicts.evidence import Class

endpoints = Endpoints("Events", may=("full", "read"), everybodys=True)

_DIGEST_BYTES = 16
_MOST_READ = 1_000
"""Events that one call looks at, for those that the filters let through."""


class EventsQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")

    after: Annotated[str, WithJsonSchema({"type": "string", "maxLength": LONGEST})] | None = Field(
        None, description="`next` of the page before, however long ago within 30 days; without it, all that is kept"
    )
    kind: EventType | None = Field(None, description="events of this type alone")
    verdict: Class | None = Field(
        None, description="events alone by which something is this now, or by which the count of this class changed"
    )
    limit: Annotated[QueryNumber, Field(ge=1, le=200, description="events of a page")] = 50


class EventsRead(BaseModel):
    """A page of the feed."""

    items: list[FeedEvent]
    next: str = Field(
        description="where to read on, with `after`: now, or when something may have happened. With filters a page may "
        "be short, or empty, and not the last"
    )
    more: bool = Field(description="whether there are events behind this page already, whatever the filters")


@endpoints("GET", "/events", query=EventsQuery, answers={200: EventsRead})
async def list_events(call: Call) -> Answer:
    """Read the feed: opens, clicks, answers, verdicts and cards as they become known. It is kept for 30 days."""
    query: EventsQuery = call.query
    is_filtered = query.kind is not None or query.verdict is not None
    most = _MOST_READ if is_filtered else query.limit
    found, end = await call.services.feed.read_events(call.org, _place(call, query.after), most + 1)
    items = list[FeedEvent]()
    place, more = end, False
    for number, (behind, event) in enumerate(found):
        if number == most or len(items) == query.limit:
            more = True
            break
        place = behind
        if query.kind in (None, event.type) and (query.verdict is None or event.tells_of(query.verdict)):
            items.append(shown_event(event, call.organization.settings))
    else:
        place = end
    return Answer(200, EventsRead(items=items, next=_cursor(call, place), more=more))


def _place(call: Call, after: str | None) -> FeedPlace | None:
    """Read a cursor. Raises Problem (400) for one that this organization's feed has not given."""
    if after is None:
        return None
    plain = call.services.ring.unseal(Purpose.CURSOR, after) if len(after) <= LONGEST else None
    if plain is None or plain[:_DIGEST_BYTES] != _digest(call):
        detail = "The cursor is none that this feed has given: begin again without `after`."
        raise Problem(400, detail, code="unknown_cursor")
    page, number = plain[_DIGEST_BYTES:].decode().split("|")
    return FeedPlace(int(page), int(number))


def _cursor(call: Call, place: FeedPlace) -> str:
    return call.services.ring.seal(Purpose.CURSOR, _digest(call) + f"{place.page}|{place.number}".encode())


def _digest(call: Call) -> bytes:
    return bytes.fromhex(short_hash("events", call.org))
