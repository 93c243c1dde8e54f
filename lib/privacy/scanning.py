"""Scans of an organization's tables: every row in order, from a place at which an earlier scan has stopped."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from pydantic import BaseModel

from lib.storage import Range, Row, Tables
from lib.storage.layout import EVIDENCE, FEED, table
from lib.storage.protocols import EVERYTHING

TABLES = ("people", "messages", "index", "cards", "threads", "templates", "requests", "journal", EVIDENCE, FEED)
"""Kinds of tables whose rows may name an address, or what someone did. Facts are found by their message."""


class ScanPlace(BaseModel):
    """The row behind which a scan goes on; the beginning where nothing is set."""

    kind: str = ""
    partition: str = ""
    key: str = ""


async def scan_rows(
    tables: Tables, organization: str, place: ScanPlace, kinds: Sequence[str] = TABLES, keys: Range = EVERYTHING
) -> AsyncIterator[tuple[str, Row]]:
    """Yield (kind, row) of every row behind the place. Rows that are written meanwhile may be missed.

    Raises StorageError.
    """
    begun = kinds.index(place.kind) if place.kind in kinds else 0
    for kind in kinds[begun:]:
        name, after = table(organization, kind), ""
        if kind == place.kind and place.partition:
            after = place.partition
            rest = Range(low=keys.low, high=keys.high, after=place.key)
            async for row in tables.query(name, after, rest):
                yield kind, row
        async for row in tables.query(name, Range(after=after) if after else EVERYTHING, keys):
            yield kind, row
