"""Rows of lists held against what the summary of their message says."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import NamedTuple

from lib.ids import MADE
from lib.lists.keys import MAIN, ListPlace, is_old, keys_of, message_of, only_points
from lib.lists.moves import MARK
from lib.lists.store import WHOLE, Listed, hash_of
from lib.storage import Range, Row, Tables
from lib.storage.at_once import some_at_once
from lib.storage.documents import UnreadableRow, unpack
from lib.storage.layout import table
from lib.storage.protocols import EVERYTHING

_BEGINNINGS = (MAIN, "user:", "record:", "mailbox:", "noise:", "reminders:")
"""Beginnings of the partitions that hold lists of messages."""


class ListRow(NamedTuple):
    """A row of a list."""

    partition: str
    key: str
    message: str
    """The id of the message that it shows."""


async def find_wrong_rows(tables: Tables, organization: str, place: ListPlace) -> list[tuple[str, str]]:
    """Find the rows of a message that are missing, or show something else: their partitions and keys.

    Raises StorageError.
    """
    index, standing = table(organization, "index"), place.standing
    if standing is None:
        return []
    wanted = [(each, key) for each in place.marks for key in keys_of(each, place.message, standing)]
    marks = [(each, MARK + place.message) for each in place.marks]
    whole = [(WHOLE, place.message)] if standing.large else []
    places = [*wanted, *marks, *whole]
    rows = dict(zip(places, await some_at_once(tables.read_row(index, *each) for each in places), strict=True))
    showing = whole or [each for each in wanted if not only_points(each[0], standing)]
    return [each for each, row in rows.items() if row is None or (each in showing and not _shows(row, place))]


def _shows(row: Row, place: ListPlace) -> bool:
    """Whether the row shows what the summary says of the place."""
    try:
        return hash_of(unpack(Listed, row)) == place.shows
    except UnreadableRow:
        return False


async def read_list_rows(tables: Tables, organization: str) -> AsyncIterator[ListRow]:
    """Yield every row of every list. Raises StorageError."""
    for beginning in _BEGINNINGS:
        partitions = Range.prefix(beginning) if beginning.endswith(":") else beginning
        async for row in tables.query(table(organization, "index"), partitions, EVERYTHING):
            message = message_of(row.key)
            if not row.key.startswith(MARK) and MADE.fullmatch(message) and not is_old(row.partition):
                yield ListRow(row.partition, row.key, message)


def is_wanted(row: ListRow, place: ListPlace) -> bool:
    """Whether the message stands there."""
    return (
        place.standing is not None
        and row.partition in place.marks
        and row.key in keys_of(row.partition, row.message, place.standing)
    )
