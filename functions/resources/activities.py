"""The activities of a record: its messages and calls, newest first."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from functions.api.endpoint import Answer, Call, Endpoints
from functions.api.paging import Page, PageQuery, last_key, page
from functions.shapes.message import message_item, time_zone_of
from lib.fields import Moment, RecordRef
from lib.lists.store import Listed, scope_of
from lib.people.calls import Activity

endpoints = Endpoints("Activities")


class ActivityRead(BaseModel):
    """A message or a call of a record."""

    id: str
    kind: Literal["message", "call"]
    at: Moment
    title: str
    user: str | None = Field(description="null for mail to a queue that belongs to no user")
    message: str | None = Field(description="the message itself, or the message that the call is about")
    status_text: str | None = Field(description="the state of the message; null for a call")
    reminder_text: str | None = Field(description="the state of the message's reminder, if it has one")


@endpoints("GET", "/records/{type}/{id}/activities", query=PageQuery, answers={200: Page[ActivityRead]})
async def list_activities(call: Call) -> Answer:
    """List the record's activities, newest first."""
    record = RecordRef(type=call.path["type"], id=call.path["id"])
    after, most = last_key(call), call.query.limit + 1
    zone = await time_zone_of(call)
    # Both lists are in order of the same key, <time counted down>|<id>, so one cursor serves both.
    listed = call.services.lists.page(call.org, scope_of(record=record), "all", "-sent_at", after, most)
    messages = [(key, _message(call, found, zone)) async for key, found in listed]
    others = call.services.activities.list_activities(call.org, record, after, most)
    calls = [(key, _call(found)) async for key, found in others]
    merged = sorted([*messages, *calls], key=lambda found: found[0])
    return Answer(200, page(call, merged[:most]))


def _message(call: Call, listed: Listed, zone: str) -> ActivityRead:
    item = message_item(listed, call.now, zone)
    return ActivityRead(
        id=item.id,
        kind="message",
        at=listed.message.sort_time(),
        title=item.subject,
        user=item.sender or None,
        message=item.id,
        status_text=item.status_text,
        reminder_text=item.reminder.status_text if item.reminder else None,
    )


def _call(activity: Activity) -> ActivityRead:
    return ActivityRead(
        id=activity.id,
        kind="call",
        at=activity.at,
        title=activity.title,
        user=activity.user,
        message=activity.message,
        status_text=None,
        reminder_text=None,
    )
