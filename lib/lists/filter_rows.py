"""Whether an organization's lists have the rows that filters read: messages that were listed before lack them.

A row of the table `index` says so, partition `upgrade`, key `filters`. An organization without that row is new, or
older than the rows: a new one gets it with its first page. For an older one a timer lists its messages again
(`lib.assessment.filter_rows_of_before`); until it has done so, filters narrow the pages of other lists.
"""

from __future__ import annotations

from cachetools import TTLCache
from pydantic import BaseModel

from lib.clock import Clock
from lib.fields import Moment
from lib.lists.moves import PlaceMark
from lib.lists.store import Lists
from lib.storage import Row, Tables, Upsert
from lib.storage.documents import pack, unpack
from lib.storage.layout import table

_PARTITION, _KEY = "upgrade", "filters"

_MOST_OF_A_NEW_ONE = 50
"""Messages of an organization without the row that are looked at when it is asked for a page."""

_BELIEVED = 60
"""Seconds for which it is believed that an organization's lists have the rows."""


class FilterRowsState(BaseModel):
    """Progress of the rows for filters of an organization."""

    found_at: Moment
    """The time when messages without such rows were found first."""

    place: str | None = None
    """The last message that was looked at."""

    whole: bool = False


class FilterRows:
    """Knows whose lists can be read by filters."""

    def __init__(self, tables: Tables, lists: Lists, clock: Clock) -> None:
        self._tables = tables
        self._lists = lists
        self._clock = clock
        self._whole: TTLCache[str, bool] = TTLCache(10_000, _BELIEVED, lambda: clock.now().timestamp())

    async def are_whole(self, organization: str) -> bool:
        """Tell whether every message has its rows. Once a minute that costs a read or three. Raises StorageError."""
        if organization in self._whole:
            return True
        if await self._lists.has_old_rows(organization):
            return False
        state = await self.load_state(organization)
        if state is not None and state.whole:
            self._whole[organization] = True
        return state is None or state.whole

    async def load_state(self, organization: str) -> FilterRowsState | None:
        """Load the state; None where there is nothing to say, as the organization has no lists. Raises StorageError.

        It is noted where it was not known.
        """
        row = await self._tables.read_row(table(organization, "index"), _PARTITION, _KEY)
        if row is not None:
            return unpack(FilterRowsState, row)
        marks = [mark async for _, mark in self._lists.marks(organization, None, _MOST_OF_A_NEW_ONE)]
        if not marks:
            return None
        whole = len(marks) < _MOST_OF_A_NEW_ONE and all(map(has_filter_rows, marks))
        return await self.save_state(organization, FilterRowsState(found_at=self._clock.now(), whole=whole))

    async def save_state(self, organization: str, state: FilterRowsState) -> FilterRowsState:
        """Save the state, and return it. Raises StorageError."""
        await self._tables.write_rows(table(organization, "index"), [Upsert(Row(_PARTITION, _KEY, pack(state)))])
        return state


def has_filter_rows(mark: PlaceMark | None) -> bool:
    """Tell whether a message has rows for filters; one whose mark cannot be read has what it has."""
    return mark is None or mark.standing.updated_at > 0
