"""Rows of an organization's table `evidence`: for how long they are remembered, and how they go."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from lib.clock import milliseconds
from lib.storage import Delete, Missing, Row, Tables
from lib.storage.layout import EVIDENCE, table

LASTS = timedelta(days=90)


def remembered_since(now: datetime) -> int:
    """Return the time in milliseconds since 1970 before which evidence is no longer remembered."""
    return milliseconds(now) - LASTS // timedelta(milliseconds=1)


async def delete_evidence(tables: Tables, organization: str, partition: str, key: str) -> None:
    """Delete a row. Again changes nothing. Raises StorageError."""
    try:
        await tables.write_rows(table(organization, EVIDENCE), [Delete(partition, key)])
    except Missing:
        return


async def delete_partition(
    tables: Tables, organization: str, partition: str, is_remembered: Callable[[Row], bool]
) -> int:
    """Delete the rows of a partition that are not to be remembered; return their number. Raises StorageError."""
    count = 0
    async for row in tables.query(table(organization, EVIDENCE), partition):
        if not is_remembered(row):
            await delete_evidence(tables, organization, row.partition, row.key)
            count += 1
    return count
