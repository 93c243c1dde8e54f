"""Lists of messages, in every order, from rows that are written when a message changes.

A row of the table `index` holds all that a list shows of a message, so that a page is one query. Its partition is
`<scope>|<view>`, its key `<sort>|<value>|<message id>`; all rows of a scope and view change in one transaction.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Literal

from pydantic import BaseModel

from lib.clock import milliseconds
from lib.documents import pack, unpack
from lib.fields import RecordRef
from lib.follow import FollowState
from lib.kpis import Kpis
from lib.messages import StoredMessage, records_of
from lib.storage import Change, Delete, Missing, Range, Row, Tables, Upsert
from lib.tables import table

View = Literal["followed", "all", "scheduled"]
Sort = Literal["sent_at", "-sent_at"]

SORTS: tuple[Sort, ...] = ("sent_at", "-sent_at")
_LARGEST = 10**13 - 1

Place = tuple[str, str]


class Listed(BaseModel):
    """What a list needs to know of a message. The etag is that of the message's row."""

    message: StoredMessage
    etag: str
    follow_state: FollowState
    kpis: Kpis


def scope_of(owner: str | None = None, record: RecordRef | None = None) -> str:
    """Everybody's messages, one user's, or those of a record."""
    if record:
        return f"record:{record.type}:{record.id}"
    return f"user:{owner}" if owner else "all"


def _views(message: StoredMessage) -> Iterator[View]:
    yield "all"
    if message.state == "scheduled":
        yield "scheduled"
    if message.state == "sent" and message.follow_state and message.follow_state.state == "on":
        yield "followed"


def _value(sort: Sort, message: StoredMessage) -> str:
    at = milliseconds(message.sort_time())
    return f"{at if sort == 'sent_at' else _LARGEST - at:013d}"


def places_of(message: StoredMessage) -> list[Place]:
    """Every (partition, key) at which the message stands in the index."""
    scopes = [
        scope_of(),
        scope_of(owner=message.sender),
        *(scope_of(record=ref) for ref in records_of(message)),
    ]
    return [
        (f"{scope}|{view}", f"{sort}|{_value(sort, message)}|{message.id}")
        for scope in scopes
        for view in _views(message)
        for sort in SORTS
    ]


class Lists:
    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def put(self, organization: str, listed: Listed, old: list[Place]) -> list[Place]:
        """Write the message's rows, remove those of `old` that it has left; where it stands now."""
        new = places_of(listed.message)
        values = pack(listed)
        for partition in sorted({partition for partition, _ in [*new, *old]}):
            puts = [Upsert(Row(partition, key, values)) for part, key in new if part == partition]
            gone = sorted({key for part, key in old if part == partition and (part, key) not in new})
            await self._write(organization, partition, puts, gone)
        return new

    async def remove(self, organization: str, old: list[Place]) -> None:
        for partition in sorted({partition for partition, _ in old}):
            await self._write(organization, partition, [], [key for part, key in old if part == partition])

    async def _write(self, organization: str, partition: str, puts: list[Upsert], gone: list[str]) -> None:
        index = table(organization, "index")
        deletes: list[Change] = [Delete(partition, key) for key in gone]
        try:
            await self._tables.write(index, [*puts, *deletes])
        except Missing:
            # An earlier try got so far and no further: what is gone already cannot be deleted in a transaction.
            if puts:
                await self._tables.write(index, puts)
            for delete in deletes:
                try:
                    await self._tables.write(index, [delete])
                except Missing:
                    continue

    async def page(
        self, organization: str, scope: str, view: View, sort: Sort, after: str | None, limit: int
    ) -> AsyncIterator[tuple[str, Listed]]:
        """(cursor, message) in order. A message that has changed place meanwhile is neither lost nor shown twice."""
        keys = Range.prefix(f"{sort}|")
        if after:
            keys = Range(low=keys.low, high=keys.high, after=f"{sort}|{after}")
        rows = self._tables.query(table(organization, "index"), f"{scope}|{view}", keys, limit)
        async for row in rows:
            yield row.key.removeprefix(f"{sort}|"), unpack(Listed, row)
