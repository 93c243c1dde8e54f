"""Activities of records other than messages, newest first.

They are rows of the table `people`, partition `activity|<type>|<id>`.

Each stands in the organization's list of tasks, cases and calls, too (`lib.people.tasks`).
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from pydantic import BaseModel

from lib.clock import milliseconds
from lib.fields import Moment, RecordRef
from lib.people.tasks import Task, Tasks, TaskStatus, TaskType
from lib.storage import Conflict, Delete, Insert, Missing, Range, Row, Tables, Upsert
from lib.storage.documents import pack, unpack
from lib.storage.layout import table
from lib.storage.protocols import EVERYTHING
from lib.storage.sort_keys import newest_first

ACTIVITIES = "activity|"
"""Beginning of the partitions of activities, one for each record."""


class Activity(BaseModel):
    """Something that was done about a record, other than a message."""

    id: str
    """Computed from what the activity was made of, so that making it twice makes it once."""
    kind: TaskType
    record: RecordRef
    title: str
    at: Moment
    user: str | None = None
    status: TaskStatus = "closed"
    message: str | None = None


class _Stored(Activity):
    """A row of the table."""

    made_by: str | None = None
    """The id of the request that made it."""


class Activities:
    """Activities in storage."""

    def __init__(self, tables: Tables, tasks: Tasks) -> None:
        self._tables = tables
        self._tasks = tasks

    async def show_task(self, organization: str, task: Task) -> None:
        """Show a task or a case among its record's activities as it is now. Raises StorageError."""
        if task.record is None or task.type == "call":
            return
        fields = {name: getattr(task, name) for name in ("id", "title", "at", "user", "status", "message")}
        shown = Activity(**fields, kind=task.type, record=task.record)
        row = Row(_partition(shown.record), _key(shown), pack(_Stored(**dict(shown))))
        await self._tables.write_rows(table(organization, "people"), [Upsert(row)])

    async def make_activity(self, organization: str, activity: Activity, by: str) -> bool:
        """Make the activity once; True if the request `by` made it, now or in an earlier try."""
        stored = _Stored(**dict(activity), made_by=by)
        row = Row(_partition(activity.record), _key(activity), pack(stored))
        try:
            await self._tables.write_rows(table(organization, "people"), [Insert(row)])
        except Conflict:
            there = await self._tables.read_row(table(organization, "people"), row.partition, row.key)
            if there is None or unpack(_Stored, there).made_by != by:
                return False
        await self._tasks.enter_task(organization, _task(activity))
        return True

    async def remove_activity(self, organization: str, activity: Activity) -> bool:
        """Remove the activity; False if there is none."""
        await self._tasks.remove_task(organization, activity.id)
        try:
            await self._tables.write_rows(
                table(organization, "people"), [Delete(_partition(activity.record), _key(activity))]
            )
        except Missing:
            return False
        return True

    async def list_activities(
        self, organization: str, record: RecordRef, after: str | None, limit: int
    ) -> AsyncIterator[tuple[str, Activity]]:
        """List a record's activities as (cursor, activity), newest first."""
        keys = Range(after=after) if after else EVERYTHING
        async for row in self._tables.query(table(organization, "people"), _partition(record), keys, limit):
            yield row.key, unpack(Activity, row)


def _partition(record: RecordRef) -> str:
    return f"{ACTIVITIES}{record.type}|{record.id}"


def _key(activity: Activity) -> str:
    return f"{newest_first(milliseconds(activity.at))}|{activity.id}"


def _task(activity: Activity) -> Task:
    """Return a call as the organization's list shows it: it was done when it was entered."""
    fields = {name: getattr(activity, name) for name in ("id", "status", "title", "record", "user", "at", "message")}
    return Task(**fields, type=activity.kind, closed_at=activity.at)
