"""What happened around a record: its messages and its calls, newest first."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel

from functions.api.endpoint import Answer, Call, Endpoints
from functions.api.paging import Page, PageQuery, page
from functions.shapes.message import message_item, time_zone_of
from lib.fields import Moment, RecordRef
from lib.lists.store import Listed, scope_of
from lib.people.calls import Activity

endpoints = Endpoints("Activities")


class ActivityRead(BaseModel):
    """A message, with its state in words and its reminder's, or a call; `message` is what it is about."""

    id: str
    kind: Literal["message", "call"]
    at: Moment
    title: str
    user: str
    message: str | None
    status_text: str | None
    reminder_text: str | None


@endpoints("GET", "/records/{type}/{id}/activities", query=PageQuery, answers={200: Page[ActivityRead]})
async def list_activities(call: Call) -> Answer:
    """The record's activities, newest first."""
    record = RecordRef(type=call.path["type"], id=call.path["id"])
    after, most = call.query.after(), call.query.limit + 1
    zone = await time_zone_of(call)
    # Both lists are in order of the same key, <time counted down>|<id>, so one cursor serves both.
    listed = call.services.lists.page(call.org, scope_of(record=record), "all", "-sent_at", after, most)
    messages = [(key, _message(call, found, zone)) async for key, found in listed]
    others = call.services.activities.list_activities(call.org, record, after, most)
    calls = [(key, _call(found)) async for key, found in others]
    merged = sorted([*messages, *calls], key=lambda found: found[0])
    return Answer(200, page(merged[:most], call.query.limit))


def _message(call: Call, listed: Listed, zone: str) -> ActivityRead:
    item = message_item(listed, call.now, zone)
    return ActivityRead(
        id=item.id,
        kind="message",
        at=listed.message.sort_time(),
        title=item.subject,
        user=item.sender,
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
