"""Activities: of a record its messages, tasks, cases and calls; of the organization what rules and cards have made."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Literal

from pydantic import BaseModel, Field

from functions.api.endpoint import Answer, Call, Endpoints
from functions.api.paging import Page, PageQuery, last_key, page
from functions.api.problems import not_there
from functions.shapes.message import message_item, time_zone_of
from lib.fields import Moment, RecordRef
from lib.lists.store import Listed
from lib.people.calls import Activity
from lib.people.tasks import Task, TaskStatus, TaskType
from lib.verdicts.kpis import Kpis

endpoints = Endpoints("Activities")

_OTHERS_MAIL = "A mail of another user"
_ABOUT_OTHERS_MAIL = "About a mail of another user"


class ActivityRead(BaseModel):
    """A message, a task, a case or a call of a record."""

    id: str
    kind: Literal["message", "call", "task", "case"]
    at: Moment
    title: str
    user: str | None = Field(description="null for mail to a queue that belongs to no user")
    message: str | None = Field(description="the message itself, or the message that the call is about")
    status_text: str | None = Field(description="the state of the message, task or case; null for a call")
    reminder_text: str | None = Field(description="the state of the message's reminder, if it has one")
    followed: bool | None = Field(None, description="whether the message was sent with following on; null for others")
    kpis: Kpis | None = Field(None, description="of a message that was sent; null for others")


@endpoints("GET", "/records/{type}/{id}/activities", query=PageQuery, answers={200: Page[ActivityRead]})
async def list_activities(call: Call) -> Answer:
    """List the record's activities, newest first."""
    record = RecordRef(type=call.path["type"], id=call.path["id"])
    # Both lists are in order of the same key, <time counted down>|<id>, so one cursor serves both.
    records = await call.services.people.united_records(call.org, record)
    messages, others = await asyncio.gather(_messages(call, records), _others(call, records))
    merged = sorted([*messages, *others], key=lambda found: found[0])
    return Answer(200, page(call, merged[: call.query.limit + 1]))


async def _messages(call: Call, records: Sequence[RecordRef]) -> list[tuple[str, ActivityRead]]:
    after, most = last_key(call), call.query.limit + 1
    zone = await time_zone_of(call)
    listed = call.services.lists.page_of_records(call.org, records, "all", "-sent_at", after, most)
    return [(key, _message(call, found, zone)) async for key, found in listed]


async def _others(call: Call, records: Sequence[RecordRef]) -> list[tuple[str, ActivityRead]]:
    after, most = last_key(call), call.query.limit + 1
    lists = [call.services.activities.list_activities(call.org, each, after, most) for each in records]
    return [(key, _other(call, found)) for some in lists async for key, found in some]


def _message(call: Call, listed: Listed, zone: str) -> ActivityRead:
    item = message_item(listed, call.now, zone)
    if not call.sees_mail_of(item.sender):
        return ActivityRead(
            id=item.id,
            kind="message",
            at=listed.message.sort_time(),
            title=_OTHERS_MAIL,
            user=item.sender or None,
            message=None,
            status_text=None,
            reminder_text=None,
        )
    return ActivityRead(
        id=item.id,
        kind="message",
        at=listed.message.sort_time(),
        title=item.subject,
        user=item.sender or None,
        message=item.id,
        status_text=item.status_text,
        reminder_text=item.reminder.status_text if item.reminder else None,
        followed=item.follow_state.state == "on" if item.sent_at else None,
        kpis=item.kpis if item.sent_at else None,
    )


def _other(call: Call, activity: Activity) -> ActivityRead:
    is_seen = _sees_task(call, activity)
    return ActivityRead(
        id=activity.id,
        kind=activity.kind,
        at=activity.at,
        title=activity.title if is_seen else _ABOUT_OTHERS_MAIL,
        user=activity.user,
        message=activity.message if is_seen else None,
        status_text=None if activity.kind == "call" else activity.status.capitalize(),
        reminder_text=None,
    )


def _sees_task(call: Call, task: Task | Activity) -> bool:
    """Tell whether the caller sees what a task tells of a mail: its title may be the mail's subject."""
    return task.message is None or call.sees_mail_of(task.user or "")


def _shown_task(call: Call, task: Task) -> Task:
    if _sees_task(call, task):
        return task
    return task.model_copy(update={"title": _ABOUT_OTHERS_MAIL, "text": "", "message": None})


class TasksQuery(PageQuery):
    type: TaskType | None = None
    status: TaskStatus | None = None


@endpoints("GET", "/activities", query=TasksQuery, answers={200: Page[Task]})
async def list_tasks(call: Call) -> Answer:
    """List the tasks, cases and calls that rules and cards have made, newest first.

    Where people see their own mail alone, those about another user's mail have neither their title nor the message.
    """
    query: TasksQuery = call.query
    rows = call.services.tasks.list_tasks(call.org, query.status, query.type, last_key(call), query.limit + 1)
    return Answer(200, page(call, [(key, _shown_task(call, task)) async for key, task in rows]))


@endpoints("POST", "/activities/{activity}/close", answers={200: Task})
async def close_task(call: Call) -> Answer:
    """Close a task or a case; one that is closed stays as it is."""
    task = await call.services.tasks.close_task(call.org, call.path["activity"], call.now)
    if task is None:
        raise not_there("activity")
    await call.services.activities.show_task(call.org, task)
    return Answer(200, _shown_task(call, task))
