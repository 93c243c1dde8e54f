"""The audit log of an organization: who did which administrative act, when, and to what.

Entries are rows of the table `privacy`, partition `audit|<YYYY-MM>`; the key counts time backwards, so that the newest
comes first. Entries are only ever added; after `KEPT` they go, a month at a time. They hold ids, hashes and names of
fields: no secret and no address.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Literal

from cachetools import LRUCache
from pydantic import BaseModel, Field

from lib.clock import Clock, milliseconds
from lib.fields import FIRST_TIME, Moment
from lib.ids import new_id
from lib.storage import Delete, Insert, Missing, Range, Row, StorageError, Tables
from lib.storage.documents import pack, unpack
from lib.storage.late_tables import write_late_rows
from lib.storage.layout import PRIVACY, table
from lib.storage.protocols import EVERYTHING
from lib.storage.sort_keys import newest_first

log = logging.getLogger("heed.audit")

KEPT = timedelta(days=400)
"""The time for which entries are kept, and at most a month more."""

_A_MONTH = timedelta(days=31)
_FEW = 1_000
"""Rows that one request gives."""

_MOST_OLD = 5_000
"""Entries that one call deletes."""

_MOST_REFUSALS = 20
"""Refused sign-ins of an organization that each process notes in an hour."""

_MOST_REMEMBERED = 10_000
"""Organizations and hours whose refusals this process counts."""

_HOUR = 3_600_000
"""Milliseconds."""

Detail = str | int | bool | list[str]


class Actor(BaseModel):
    """The one who acted."""

    kind: Literal["administrator", "key", "user", "recipient", "system"] = Field(
        description="`administrator`: the deployment's key; `key`: a key of the organization; `user`: a person who has "
        "signed in; `recipient`: a page of the mail; `system`: Heed itself, or a caller whose sign-in was refused"
    )
    id: str | None = Field(None, description="of the key or the user")
    name: str | None = Field(None, description="of the key, as it was then: a revoked key is no longer listed")
    user: str | None = Field(None, description="the user whom a key named in X-Heed-User")


class AuditEntry(BaseModel):
    """An administrative act."""

    id: str
    at: Moment
    actor: Actor
    act: str = Field(description="what was done, such as `key.made`")
    target: str | None = Field(None, description="the id of what it was done to, or the hash of an address")
    details: dict[str, Detail] = Field(default_factory=dict)


class Audit:
    """Audit logs in storage."""

    def __init__(self, tables: Tables, clock: Clock) -> None:
        self._tables = tables
        self._clock = clock
        self._refusals: LRUCache[tuple[str, int], int] = LRUCache(_MOST_REMEMBERED)

    async def note(
        self,
        organization: str,
        actor: Actor,
        act: str,
        target: str | None = None,
        details: Mapping[str, Detail] | None = None,
    ) -> None:
        """Add an entry. An organization that is gone has no log: its entries go to the app's own. Raises StorageError.

        `details` hold no secrets and no addresses: names of fields, numbers, ids, hashes.
        """
        now = self._clock.now()
        entry = AuditEntry(id=new_id(), at=now, actor=actor, act=act, target=target, details=dict(details or {}))
        row = Row(_partition(now), f"{newest_first(milliseconds(now))}-{entry.id}", pack(entry))
        try:
            await write_late_rows(self._tables, organization, PRIVACY, [Insert(row)])
        except Missing:
            log.warning("heed.audit %s of %s: %s", act, organization, entry.model_dump_json(exclude_none=True))

    def note_of_deployment(self, act: str, details: Mapping[str, Detail]) -> None:
        """Tell the app's log of an act that concerns no single organization."""
        log.warning("heed.audit %s: %s", act, json.dumps(dict(details)))

    async def note_refusal(self, organization: str, reason: str) -> None:
        """Note that a sign-in was refused: the first ones of an hour, so that a flood of them costs little.

        The refusal stands without a note of it: it raises nothing where storage fails.
        """
        place = organization, milliseconds(self._clock.now()) // _HOUR
        count = self._refusals.get(place, 0)
        if count >= _MOST_REFUSALS:
            return
        self._refusals[place] = count + 1
        with suppress(StorageError):
            await self.note(organization, Actor(kind="system"), "sign_in.refused", details={"reason": reason})

    async def list_entries(
        self, organization: str, since: datetime, after: str | None, limit: int
    ) -> AsyncIterator[tuple[str, AuditEntry]]:
        """List entries with their cursors, newest first, from behind the cursor `after`, back to the month of `since`.

        The two newest months are read at the same time, and older ones with one request where they are few. Raises
        StorageError.
        """
        month_after, _, key_after = (after or "").partition("/")
        now = self._clock.now()
        months = list(_partitions(now, max(since, now - KEPT - _A_MONTH)))
        months = [each for each in months if not month_after or each <= month_after]
        name = table(organization, PRIVACY)
        keys = {month_after: Range(after=key_after or None)}
        newest = [self._rows(name, month, keys.get(month, EVERYTHING), limit) for month in months[:2]]
        found = [row for rows in await asyncio.gather(*newest) for row in rows]
        if len(found) < limit and len(months) > len(newest):
            found += await self._older_rows(name, months[1:], limit - len(found))
        for row in found[:limit]:
            yield f"{row.partition}/{row.key}", unpack(AuditEntry, row)

    async def _older_rows(self, name: str, months: Sequence[str], limit: int) -> list[Row]:
        """Read the newest rows of the months before the first one: all at once where they are few."""
        rows = await self._rows(name, Range(low=months[-1], high=months[0]), EVERYTHING, _FEW)
        if len(rows) < _FEW:
            return sorted(rows, key=lambda row: row.partition, reverse=True)[:limit]
        rows = []
        for month in months[1:]:
            rows += await self._rows(name, month, EVERYTHING, limit - len(rows))
            if len(rows) == limit:
                break
        return rows

    async def _rows(self, name: str, months: str | Range, keys: Range, limit: int) -> list[Row]:
        return [row async for row in self._tables.query(name, months, keys, limit)]

    async def delete_old(self, organization: str, now: datetime) -> None:
        """Delete the entries of months that ended `KEPT` ago, at most `_MOST_OLD`: the next call goes on.

        Raises StorageError.
        """
        months = Range(low=_partition(FIRST_TIME), high=_partition(max(FIRST_TIME, now - KEPT)))
        name = table(organization, PRIVACY)
        old = [row async for row in self._tables.query(name, months, limit=_MOST_OLD)]
        for row in old:
            with suppress(Missing):
                await self._tables.write_rows(name, [Delete(row.partition, row.key)])


def _partition(moment: datetime) -> str:
    return f"audit|{moment:%Y-%m}"


def _partitions(newest: datetime, oldest: datetime) -> Iterator[str]:
    """List the partitions of the months between, newest first."""
    for month in range(newest.year * 12 + newest.month - 1, oldest.year * 12 + oldest.month - 2, -1):
        yield f"audit|{month // 12:04d}-{month % 12 + 1:02d}"
