"""Rows of stops: the table `privacy`.

Partition `stop`: `a|<short hash of the address>|<source>` stops the recording of an address. The source is `consent`,
or a hash of the record that says no. `m|<message>`, `l|<message>|<link>` and `o` are switches: they turn off the links
of a message, one link, or all links of the organization, and the recording with them. The row `changed` has another
version after every change, so that a reader sees by one row that nothing has changed.

Partition `erased`: tombstones, `<hash of the address>`. What was recorded of the address until then does not come back.

Every row holds `at`, in milliseconds since 1970. No row holds an address.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Collection, Mapping
from hashlib import blake2b

from lib.clock import Clock, milliseconds
from lib.storage import Change, Delete, Missing, Row, Tables, Upsert
from lib.storage.batches import batches_of
from lib.storage.late_tables import write_late_rows
from lib.storage.layout import PRIVACY, table
from lib.storage.protocols import MOST_CHANGES

CONSENT = "consent"
"""The source of stops that come from an address's consents."""

ADDRESS = "a"
"""Begins the key of a stop of an address."""

ORGANIZATION = "o"
"""The key of the switch for all links of an organization."""

_STOPS = "stop"
_ERASED = "erased"
_CHANGED = "changed"


def source_of_record(name: str) -> str:
    """Return the source of stops that a record brings about, by its name `<type>|<id>`."""
    return blake2b(name.encode(), digest_size=8).hexdigest()


def address_key(address: str, source: str) -> str:
    """Return the key of a stop; `address` is the short hash."""
    return f"{ADDRESS}|{address}|{source}"


def switch_key(message: str | None = None, link: int | None = None) -> str:
    """Return the key of the switch of a link, of a message, or of the whole organization."""
    if message is None:
        return ORGANIZATION
    return f"m|{message}" if link is None else f"l|{message}|{link}"


def changed_marker() -> Upsert:
    """Return the write that tells readers of a change."""
    return Upsert(Row(_STOPS, _CHANGED, {"v": 1, "version": secrets.token_hex(8)}))


class StopRows:
    """Stops in storage. Every method raises StorageError."""

    def __init__(self, tables: Tables, clock: Clock) -> None:
        self._tables = tables
        self._clock = clock

    async def read_version(self, organization: str) -> str:
        """Read which version the stops are; empty where there never was one."""
        row = await self._tables.read_row(table(organization, PRIVACY), _STOPS, _CHANGED)
        return row.text("version") if row else ""

    async def list_stops(self, organization: str) -> AsyncIterator[Row]:
        """List stops and switches."""
        async for row in self._tables.query(table(organization, PRIVACY), _STOPS):
            if row.key != _CHANGED:
                yield row

    async def list_erased(self, organization: str) -> AsyncIterator[Row]:
        """List tombstones; keys are hashes of addresses."""
        async for row in self._tables.query(table(organization, PRIVACY), _ERASED):
            yield row

    async def read_stops(self, organization: str, keys: Collection[str]) -> dict[str, Row]:
        """Read those of these rows that are there, by key."""
        name = table(organization, PRIVACY)
        found = [await self._tables.read_row(name, _STOPS, key) for key in keys]
        return {row.key: row for row in found if row is not None}

    async def enter_stops(
        self, organization: str, keys: Collection[str], known: Mapping[str, Row] | None = None
    ) -> None:
        """Put these rows, and tell readers. A row that is there keeps its time and gets another version.

        `known` are the rows that were there just now, where the caller has read them.
        """
        there = await self.read_stops(organization, keys) if known is None else known
        now = milliseconds(self._clock.now())
        for some in batches_of(list(dict.fromkeys(keys)), MOST_CHANGES - 1):
            rows = [Row(_STOPS, key, {"v": 1, "at": time_of(there[key]) if key in there else now}) for key in some]
            await write_late_rows(self._tables, organization, PRIVACY, [*map(Upsert, rows), changed_marker()])

    async def remove_stop(self, organization: str, key: str, etag: str | None = None) -> None:
        """Remove a row, if it is there, and tell readers. Raises Conflict where it is not the version `etag`."""
        changes: list[Change] = [Delete(_STOPS, key, etag), changed_marker()]
        try:
            await self._tables.write_rows(table(organization, PRIVACY), changes)
        except Missing:
            return

    async def enter_tombstone(self, organization: str, address_hash: str) -> None:
        """Put the tombstone of an address that is being erased now, and tell readers."""
        row = Row(_ERASED, address_hash, {"v": 1, "at": milliseconds(self._clock.now())})
        await write_late_rows(self._tables, organization, PRIVACY, [Upsert(row)])
        await self.tell_of_change(organization)

    async def tell_of_change(self, organization: str) -> None:
        """Have readers look at the organization anew."""
        await write_late_rows(self._tables, organization, PRIVACY, [changed_marker()])


def time_of(row: Row) -> int:
    """Return the time of a stop, a switch or a tombstone, in milliseconds since 1970."""
    at = row.values["at"]
    assert isinstance(at, int)
    return at
