"""Tasks, cases and calls of an organization: what rules and cards have made, in one list, newest first.

Rows of the table `people`, partition `task`: `id|<id>` is the task itself, and `<status>|<type>|<time>|<id>` are its
places in the list, which change with it; `*` stands for any status, or any type. A task about a record stands among
the record's activities, too (`lib.people.calls`).
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from itertools import product
from typing import Literal

from pydantic import BaseModel

from lib.clock import milliseconds
from lib.errors import Stale
from lib.fields import Moment, RecordRef
from lib.storage import Change, Conflict, Delete, Insert, Missing, Range, Replace, Row, Tables, Upsert
from lib.storage.documents import pack, unpack
from lib.storage.layout import table
from lib.storage.retry import retry_on_conflict
from lib.storage.sort_keys import newest_first

TaskType = Literal["task", "case", "call"]
TaskStatus = Literal["open", "closed"]

TASKS = "task"
"""The partition of all tasks and cases."""

TASK_ROWS = "id|"
"""Beginning of the keys of the tasks themselves; others are their places in lists."""

_ANY = "*"


class Task(BaseModel):
    """A thing to do, a case, or a call that was made."""

    id: str
    """Computed from what the task was made of, so that making it twice makes it once."""
    type: TaskType
    status: TaskStatus = "open"
    title: str
    text: str = ""
    record: RecordRef | None = None
    user: str | None = None
    """The user whose task it is."""
    at: Moment
    """The time when it was made."""
    due_at: Moment | None = None
    closed_at: Moment | None = None
    message: str | None = None
    """The message that it is about: of a rule's task, the received one."""
    rule: str | None = None
    """The rule that made it."""


class Tasks:
    """The list in storage."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def enter_task(self, organization: str, task: Task) -> bool:
        """Enter the task, unless it is there already, whatever became of it. Return whether it is new."""
        rows: list[Change] = [Insert(_row(task)), *(Upsert(place) for place in _places(task))]
        try:
            await self._tables.write_rows(table(organization, "people"), rows)
        except Conflict:
            return False
        return True

    async def load_task(self, organization: str, task: str) -> tuple[Task, str] | None:
        """Read a task and its etag; None if there is none."""
        row = await self._tables.read_row(table(organization, "people"), TASKS, TASK_ROWS + task)
        return None if row is None else (unpack(Task, row), row.etag or "")

    async def list_tasks(
        self, organization: str, status: TaskStatus | None, kind: TaskType | None, after: str | None, limit: int
    ) -> AsyncIterator[tuple[str, Task]]:
        """List tasks as (cursor, task), newest first."""
        start = f"{status or _ANY}|{kind or _ANY}|"
        keys = Range.prefix(start)
        if after:
            keys = Range(low=keys.low, high=keys.high, after=f"{start}{after}")
        async for row in self._tables.query(table(organization, "people"), TASKS, keys, limit):
            yield row.key.removeprefix(start), unpack(Task, row)

    async def close_task(self, organization: str, task: str, now: datetime) -> Task | None:
        """Close a task; one that is closed stays as it is. Return it, None if there is none. Raises StorageError."""

        async def close_once() -> Task | None:
            found = await self.load_task(organization, task)
            if found is None or found[0].status == "closed":
                return found[0] if found else None
            before, etag = found
            after = before.model_copy(update={"status": "closed", "closed_at": now})
            row, places = _row(after), _places(after)
            kept = {place.key for place in places}
            changes: list[Change] = [Replace(Row(row.partition, row.key, row.values, etag))]
            changes += [Upsert(place) for place in places]
            changes += [Delete(TASKS, place.key) for place in _places(before) if place.key not in kept]
            await self._write(organization, changes)
            return after

        return await retry_on_conflict(f"task {task}", close_once, on=Stale)

    async def remove_task(self, organization: str, task: str) -> None:
        """Remove a task; again is the same. Raises StorageError."""
        found = await self.load_task(organization, task)
        if found is None:
            return
        changes: list[Change] = [Delete(TASKS, place.key) for place in _places(found[0])]
        try:
            await self._write(organization, [Delete(TASKS, TASK_ROWS + task), *changes])
        except Stale:
            return

    async def _write(self, organization: str, changes: list[Change]) -> None:
        try:
            await self._tables.write_rows(table(organization, "people"), changes)
        except (Conflict, Missing) as error:
            raise Stale from error


def _row(task: Task) -> Row:
    return Row(TASKS, TASK_ROWS + task.id, pack(task))


def _places(task: Task) -> list[Row]:
    place = f"{newest_first(milliseconds(task.at))}|{task.id}"
    lists = product((task.status, _ANY), (task.type, _ANY))
    return [Row(TASKS, f"{status}|{kind}|{place}", pack(task)) for status, kind in lists]
