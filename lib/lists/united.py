"""Lists of records, each together with those of the records that were merged into it."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import AsyncIterator, Sequence

from lib.fields import RecordRef
from lib.lists.keys import Sort, View, message_of, record_of_scope, scope_of
from lib.lists.store import Listed, Lists
from lib.people.store import People
from lib.storage import Tables


class UnitedLists(Lists):
    """Lists that show a message of a merged record among those of the record that stands for it.

    Rows stay where they are: a page of a record reads the record, and a page of each record that was merged into it.
    """

    def __init__(self, tables: Tables, people: People) -> None:
        super().__init__(tables)
        self._people = people

    async def page(
        self, organization: str, scope: str, view: View, sort: Sort, after: str | None, limit: int
    ) -> AsyncIterator[tuple[str, Listed]]:
        """Yield (cursor, message) in order, each message once."""
        record = record_of_scope(scope)
        if record is None:
            async for each in super().page(organization, scope, view, sort, after, limit):
                yield each
            return
        records = await self._people.united_records(organization, record)
        async for each in self.page_of_records(organization, records, view, sort, after, limit):
            yield each

    async def page_of_records(
        self, organization: str, records: Sequence[RecordRef], view: View, sort: Sort, after: str | None, limit: int
    ) -> AsyncIterator[tuple[str, Listed]]:
        """Yield (cursor, message) of records that are one, in order, each message once."""
        read_page = super().page

        async def page_of(scope: str) -> list[tuple[str, Listed]]:
            return [each async for each in read_page(organization, scope, view, sort, after, limit)]

        found: dict[str, tuple[str, Listed]] = {}
        for page in await asyncio.gather(*(page_of(scope_of(record=each)) for each in records)):
            found |= {message_of(cursor): (cursor, listed) for cursor, listed in page}
        for shown in heapq.nsmallest(limit, found.values(), key=lambda each: each[0]):
            yield shown
