"""Index of records by address: rows of the table `people`, partition `address|<keyed hash of the address>`.

A row's key is `<type>|<id>` of a record, and the row holds nothing else. The record's own row is the truth. It is
written first, so that a row of the index is checked when it is read: a record without the address is passed over, and
its row is removed.

A row is removed only in the version that was seen before the record was read or written. Each writer of a record puts
the rows of all its addresses anew, which gives them another version. So a late removal never takes away a row that a
newer version of the record needs. A process that dies between record and index leaves rows missing; putting the same
record again brings them, and so does the backfill (`python -m heed index-addresses`).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from lib.people.address_hashes import AddressHashes
from lib.people.records import StoredRecord, name_of, record_of
from lib.people.store import RECORDS, People, record_partition
from lib.stops.stops import Stops
from lib.storage import Delete, Range, Row, StorageError, Tables, Upsert
from lib.storage.at_once import some_at_once
from lib.storage.layout import table
from lib.storage.protocols import EVERYTHING
from lib.storage.versions import IfMatch

ADDRESSES = "address|"
"""Beginning of the partitions of the index, one for each address."""

_EVERY_RECORD = Range.prefix(RECORDS)


@dataclass(frozen=True, slots=True)
class AddressEntry:
    """A row of the index: a record that has the address, or once had it."""

    partition: str
    name: str
    """The record, `<type>|<id>`."""
    etag: str | None


@dataclass(frozen=True, slots=True)
class RecordsPage:
    """Some of the records that have an address."""

    records: list[tuple[StoredRecord, str]]
    """Each with its etag."""
    after: str | None
    """The name from which the next page goes on; None at the end."""


class AddressIndex:
    """Writes records with their rows of the index, and finds records by address."""

    def __init__(self, tables: Tables, people: People, hashes: AddressHashes, stops: Stops) -> None:
        self._stops = stops
        self._tables = tables
        self._people = people
        self._hashes = hashes

    async def save_record(self, organization: str, record: StoredRecord, if_match: IfMatch | None) -> tuple[str, bool]:
        """Put a record and its rows of the index. Return the etag, and whether the record is new.

        A record that says no to following stops the recording of mail that its addresses have got already. Every
        change of a record comes this way. Raises Stale, Conflict, StorageError; after an error the caller puts the
        record again.
        """
        before = await self._people.record(organization, record.ref())
        left = await self._entries_left(organization, before, record)
        stopped = await self._stopped_before(organization, before, record)
        etag, is_new = await self._people.records.save(
            organization, record_partition(record.type), record.id, record, if_match
        )
        await self.enter_record(organization, record)
        await self._bring_stops(organization, record, stopped)
        await self.remove_entries(organization, left)
        return etag, is_new

    async def remove_record(self, organization: str, record: StoredRecord, etag: str) -> None:
        """Remove the version `etag` of a record, with its rows of the index and its stops.

        Rows of the index that a process leaves when it dies are passed over, and stops that it leaves stay. Raises
        Stale, Missing, StorageError.
        """
        stopped = await self._stopped_before(organization, record, record)
        bare = record.model_copy(update={"emails": [], "follow_email": "unknown"})
        left = await self._entries_left(organization, record, bare)
        await self._people.records.remove(organization, record_partition(record.type), record.id, etag)
        await self._bring_stops(organization, bare, stopped)
        await self.remove_entries(organization, left)

    async def _stopped_before(
        self, organization: str, before: StoredRecord | None, record: StoredRecord
    ) -> Mapping[str, Row]:
        """Read the stops that the record has brought about, by key; none where no version says no."""
        versions = [each for each in (before, record) if each and each.follow_email == "do_not_allow"]
        emails = [email for each in versions for email in each.emails]
        if not emails:
            return {}
        keys = await self._stops.record_keys(organization, name_of(record), emails)
        return await self._stops.rows.read_stops(organization, keys)

    async def _bring_stops(self, organization: str, record: StoredRecord, before: Mapping[str, Row]) -> None:
        """Put the stops of the record, and remove those that it does not bring about any more.

        As with the index, a row is removed only in the version that was seen before the record was written, and each
        writer of a record that says no puts its rows anew.
        """
        emails = record.emails if record.follow_email == "do_not_allow" else []
        wanted = await self._stops.record_keys(organization, name_of(record), emails)
        await self._stops.replace_stops(organization, wanted, before)

    async def enter_record(self, organization: str, record: StoredRecord) -> None:
        """Put the record's rows of the index, one for each address. Raises StorageError."""
        hashes = {await self._hashes.hash_address(organization, email) for email in record.emails}
        await some_at_once(self._enter(organization, hashed, record) for hashed in hashes)

    async def enter_all(self, organization: str) -> AsyncIterator[StoredRecord]:
        """Put the rows and stops of all records, and yield each record when it is done. Again changes nothing."""
        async for _, record, _ in self._people.records.list(organization, _EVERY_RECORD):
            await self.enter_record(organization, record)
            await self._bring_stops(organization, record, await self._stopped_before(organization, None, record))
            yield record

    async def list_entries(
        self, organization: str, email: str, keys: Range = EVERYTHING, limit: int | None = None
    ) -> list[AddressEntry]:
        """List rows of an address in order of the records' names, unchecked."""
        hashed = await self._hashes.find(organization, email)
        if hashed is None:
            return []
        rows = self._tables.query(table(organization, "people"), _partition(hashed), keys, limit)
        return [_entry(row) async for row in rows]

    async def remove_entries(self, organization: str, entries: Iterable[AddressEntry]) -> None:
        """Remove rows whose records do not have the address any more, unless they have changed since they were read.

        A row that stays because storage fails is harmless.
        """
        await some_at_once(self._remove(organization, each) for each in entries)

    async def page(
        self, organization: str, email: str, record_type: str | None, after: str | None, limit: int
    ) -> RecordsPage:
        """Read a page of the records that have the address, by type and id; rows that are out of date shorten it."""
        keys = Range.prefix(f"{record_type}|") if record_type else EVERYTHING
        keys = Range(low=keys.low, high=keys.high, after=after)
        entries = await self.list_entries(organization, email, keys, limit + 1)
        shown = entries[:limit]
        found = await some_at_once(self._people.stored_record(organization, record_of(each.name)) for each in shown)
        pairs = list(zip(shown, found, strict=True))
        await self.remove_entries(
            organization, [entry for entry, each in pairs if each is None or not each[0].has_address(email)]
        )
        records = [each for _, each in pairs if each and each[0].has_address(email)]
        return RecordsPage(records, shown[-1].name if len(entries) > limit else None)

    async def _entries_left(
        self, organization: str, before: StoredRecord | None, record: StoredRecord
    ) -> Sequence[AddressEntry]:
        """Read the rows of the addresses that a new version of a record gives up."""
        if before is None:
            return []
        left = [email for email in before.emails if not record.has_address(email)]
        partitions = [_partition(await self._hashes.hash_address(organization, email)) for email in left]
        rows = await some_at_once(
            self._tables.read_row(table(organization, "people"), partition, name_of(record)) for partition in partitions
        )
        return [_entry(row) for row in rows if row is not None]

    async def _enter(self, organization: str, hashed: str, record: StoredRecord) -> None:
        row = Row(_partition(hashed), name_of(record), {"v": 1})
        await self._tables.write_rows(table(organization, "people"), [Upsert(row)])

    async def _remove(self, organization: str, entry: AddressEntry) -> None:
        with suppress(StorageError):
            await self._tables.write_rows(
                table(organization, "people"), [Delete(entry.partition, entry.name, entry.etag)]
            )


def _entry(row: Row) -> AddressEntry:
    return AddressEntry(row.partition, row.key, row.etag)


def _partition(hashed: str) -> str:
    return ADDRESSES + hashed
