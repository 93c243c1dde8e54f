"""Activities of a record that are no messages: calls, so far. Newest first."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Literal

from pydantic import BaseModel

from lib.clock import milliseconds
from lib.documents import pack, unpack
from lib.fields import Moment, RecordRef
from lib.storage import Delete, Missing, Range, Row, Tables, Upsert
from lib.storage.protocols import EVERYTHING
from lib.tables import table

_LARGEST = 10**13 - 1


class Activity(BaseModel):
    """`id` follows from what it was made of, so that making it twice makes it once."""

    id: str
    kind: Literal["call"]
    record: RecordRef
    title: str
    at: Moment
    user: str
    message: str | None = None


class Activities:
    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def put(self, organization: str, activity: Activity) -> None:
        row = Row(_partition(activity.record), _key(activity), pack(activity))
        await self._tables.write(table(organization, "people"), [Upsert(row)])

    async def remove(self, organization: str, activity: Activity) -> None:
        try:
            await self._tables.write(
                table(organization, "people"), [Delete(_partition(activity.record), _key(activity))]
            )
        except Missing:
            return

    async def page(
        self, organization: str, record: RecordRef, after: str | None, limit: int
    ) -> AsyncIterator[tuple[str, Activity]]:
        """(cursor, activity), newest first."""
        keys = Range(after=after) if after else EVERYTHING
        async for row in self._tables.query(table(organization, "people"), _partition(record), keys, limit):
            yield row.key, unpack(Activity, row)


def _partition(record: RecordRef) -> str:
    return f"activity|{record.type}|{record.id}"


def _key(activity: Activity) -> str:
    return f"{_LARGEST - milliseconds(activity.at):013d}|{activity.id}"
