"""Call activities of records, newest first: rows of the table `people`, partition `activity|<type>|<id>`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Literal

from pydantic import BaseModel

from lib.clock import milliseconds
from lib.fields import Moment, RecordRef
from lib.storage import Conflict, Delete, Insert, Missing, Range, Row, Tables
from lib.storage.documents import pack, unpack
from lib.storage.layout import table
from lib.storage.protocols import EVERYTHING
from lib.storage.sort_keys import newest_first


class Activity(BaseModel):
    """Something that was done about a record, other than a message."""

    id: str
    """Computed from what the activity was made of, so that making it twice makes it once."""
    kind: Literal["call"]
    record: RecordRef
    title: str
    at: Moment
    user: str
    message: str | None = None


class _Stored(Activity):
    """A row of the table."""

    made_by: str | None = None
    """The id of the request that made it."""


class Activities:
    """Activities in storage."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def make_activity(self, organization: str, activity: Activity, by: str) -> bool:
        """Make the activity once; True if the request `by` made it, now or in an earlier try."""
        stored = _Stored(**dict(activity), made_by=by)
        row = Row(_partition(activity.record), _key(activity), pack(stored))
        try:
            await self._tables.write_rows(table(organization, "people"), [Insert(row)])
        except Conflict:
            there = await self._tables.read_row(table(organization, "people"), row.partition, row.key)
            return there is not None and unpack(_Stored, there).made_by == by
        return True

    async def remove_activity(self, organization: str, activity: Activity) -> bool:
        """Remove the activity; False if there is none."""
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
    return f"activity|{record.type}|{record.id}"


def _key(activity: Activity) -> str:
    return f"{newest_first(milliseconds(activity.at))}|{activity.id}"
