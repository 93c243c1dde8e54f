"""Engagement in storage: all of an organization's rows are one partition of the table `index`.

Keys, where `<record>` is `<type>|<id>`:

- `r|<record>`: the roll-up;
- `m|<record>|<message>`: what the message gives to the record;
- `l|<record>|<kind>|<time counted down>|<message>`: the last event of a kind of each message, so that the latest of all
  is known when one is taken back;
- `v|<rank>|<record>`: a copy of the roll-up, in the list of engaged records;
- `family`: another value whenever a record has come under another parent.

Whatever changes for a record changes with its roll-up in one transaction, on condition of the roll-up's version.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import TypeVar

from lib.ids import new_id
from lib.records.rollups import Rollup
from lib.records.shares import LastOf, RecordShare
from lib.storage import Change, Delete, Range, Row, Tables, Upsert, put_if_unchanged
from lib.storage.documents import pack, unpack
from lib.storage.layout import table
from lib.storage.ledger import Ledger, Versioned
from lib.storage.sort_keys import newest_first, time_of

_Answer = TypeVar("_Answer")

PARTITION = "records|engaged"

_FAMILY = "family"


class RecordRows:
    """Rows of records in the table `index`: roll-ups, shares, latest times and the list of the engaged."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self.ledger = Ledger()

    async def attempt(self, organization: str, record: str, change: Callable[[], Awaitable[_Answer]]) -> _Answer:
        """Do `change`, which reads and writes a record's rows, again while it raises Conflict. Raises Stale."""
        return await self.ledger.attempt(organization, account_name(record), change)

    async def rollup(self, organization: str, record: str) -> Versioned[Rollup]:
        """Read the record's roll-up."""
        row = await self._get(organization, f"r|{record}")
        return Versioned(unpack(Rollup, row), row.etag) if row else Versioned(None, None)

    async def share(self, organization: str, record: str, message: str) -> Versioned[RecordShare]:
        """Read what the message gives to the record."""
        row = await self._get(organization, f"m|{record}|{message}")
        return Versioned(unpack(RecordShare, row), row.etag) if row else Versioned(None, None)

    async def shares(self, organization: str, record: str) -> AsyncIterator[tuple[str, RecordShare]]:
        """(message, what it gives), those that were taken away included."""
        async for row in self._query(organization, Range.prefix(f"m|{record}|")):
            yield row.key.rpartition("|")[2], unpack(RecordShare, row)

    async def latest(self, organization: str, record: str, kind: LastOf, but: str) -> int | None:
        """The latest event of that kind, in milliseconds since 1970, of all messages but one."""
        async for row in self._query(organization, Range.prefix(f"l|{record}|{kind}|"), 2):
            _, at, message = row.key.rsplit("|", 2)
            if message != but:
                return time_of(at)
        return None

    async def last_keys(self, organization: str, record: str) -> set[str]:
        """The keys of all rows `l|…` of a record."""
        return {row.key async for row in self._query(organization, Range.prefix(f"l|{record}|"))}

    async def listed(
        self, organization: str, after: str | None = None, limit: int | None = None
    ) -> AsyncIterator[tuple[str, Rollup]]:
        """(place, roll-up) of the records that are listed as engaged, by score."""
        keys = Range.prefix("v|")
        if after is not None:
            keys = Range(low=keys.low, high=keys.high, after=f"v|{after}")
        async for row in self._query(organization, keys, limit):
            yield row.key.removeprefix("v|"), unpack(Rollup, row)

    async def family(self, organization: str) -> str:
        """The state of all records' parents: another one whenever one of them has changed."""
        row = await self._get(organization, _FAMILY)
        return row.text("state") if row else ""

    async def change_family(self, organization: str) -> None:
        """Note that a record's parent has changed, for all that remember parents. Raises StorageError."""
        row = Row(PARTITION, _FAMILY, {"v": 1, "state": new_id()[:8]})
        await self._tables.write_rows(table(organization, "index"), [Upsert(row)])

    async def write_rows(
        self,
        organization: str,
        record: str,
        old: Rollup | None,
        etag: str | None,
        new: Rollup,
        others: Sequence[Change] = (),
    ) -> str:
        """Put the roll-up in place of the version `etag`, its copy in the list, and rows of the record that change with
        it; the new etag. Raises Conflict, and Missing where rows or the whole table are not there."""
        row = Row(PARTITION, f"r|{record}", pack(new), etag)
        changes: list[Change] = [put_if_unchanged(row)]
        if new.place:
            changes.append(Upsert(Row(PARTITION, f"v|{new.place}", row.values)))
        if old and old.place and old.place != new.place:
            changes.append(Delete(PARTITION, f"v|{old.place}"))
        etags = await self.change(organization, [*changes, *others])
        return etags[0] or ""

    async def change(self, organization: str, changes: Sequence[Change]) -> list[str | None]:
        """Raises Conflict, Missing."""
        return await self._tables.write_rows(table(organization, "index"), changes)

    async def _get(self, organization: str, key: str) -> Row | None:
        return await self._tables.read_row(table(organization, "index"), PARTITION, key)

    def _query(self, organization: str, keys: Range, limit: int | None = None) -> AsyncIterator[Row]:
        return self._tables.query(table(organization, "index"), PARTITION, keys, limit)


def account_name(record: str) -> str:
    """Name of a record's account in the ledger, for logs and errors."""
    return f"the engagement of {record}"


def share_change(record: str, message: str, share: RecordShare, etag: str | None) -> Change:
    """Puts a share in place of the version `etag`."""
    return put_if_unchanged(Row(PARTITION, f"m|{record}|{message}", pack(share), etag))


def last_keys_of(record: str, message: str, share: RecordShare) -> set[str]:
    """The keys of the rows that tell of a message's last events."""
    return {f"l|{record}|{kind}|{newest_first(at)}|{message}" for kind, at in share.last_times().items()}


def key_changes(old: set[str], new: set[str]) -> list[Change]:
    """Removes the rows of `old` keys, puts those of `new` ones."""
    gone: list[Change] = [Delete(PARTITION, key) for key in sorted(old - new)]
    return [*gone, *(Upsert(Row(PARTITION, key, {"v": 1})) for key in sorted(new - old))]
