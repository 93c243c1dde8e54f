"""The index of records by address: processes that die, and processes that meet."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from lib.clock import SystemClock
from lib.errors import Stale
from lib.organizations.registry import Organizations
from lib.people.address_hashes import AddressHashes
from lib.people.address_index import AddressIndex
from lib.people.records import StoredRecord
from lib.people.store import People
from lib.stops.stops import Stops
from lib.storage import Conflict, Storage, Unavailable
from lib.storage.layout import ORGANIZATIONS
from lib.storage.memory import memory_storage
from tests.support.disturbed import Turns
from tests.support.failing import Failure, failing_storage

OLD, NEW = "old@example.com", "new@example.com"


def index_over(storage: Storage) -> AddressIndex:
    """The index as a process has it."""
    hashes, clock = AddressHashes(storage), SystemClock()
    state = Organizations(storage, clock).recording_state
    stops = Stops(storage.tables, hashes.hash_address, state, clock)
    return AddressIndex(storage.tables, People(storage.tables), hashes, stops)


def contact(*emails: str) -> StoredRecord:
    return StoredRecord(type="contact", id="c1", emails=list(emails))


@pytest.fixture
async def storage() -> Storage:
    made = memory_storage()
    await made.tables.create("heedacmepeople")
    await made.tables.create(ORGANIZATIONS)
    return made


async def found(storage: Storage, email: str) -> list[str]:
    """The ids of the records that have the address."""
    page = await index_over(storage).page("acme", email, None, None, 100)
    return [record.id for record, _ in page.records]


async def rows(storage: Storage, email: str) -> int:
    """The number of rows of the index, right or wrong."""
    return len(await index_over(storage).list_entries("acme", email))


async def test_a_record_is_found_by_each_of_its_addresses_in_any_case(storage: Storage) -> None:
    emails = [f"Ada{number}@Example.com" for number in range(50)]

    await index_over(storage).save_record("acme", contact(*emails), None)

    assert [await found(storage, email.upper()) for email in emails] == [["c1"]] * 50


async def test_an_address_that_a_record_gives_up_leads_nowhere(storage: Storage) -> None:
    index = index_over(storage)
    await index.save_record("acme", contact(OLD), None)
    await index.save_record("acme", contact(NEW), None)

    assert (await found(storage, OLD), await found(storage, NEW)) == ([], ["c1"])
    assert await rows(storage, OLD) == 0


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("number", range(1, 12))
async def test_a_process_that_dies_leaves_what_the_same_put_repairs(
    storage: Storage, number: int, when: Callable[..., object]
) -> None:
    await index_over(storage).save_record("acme", contact(OLD), None)
    failure = Failure()
    dying = index_over(failing_storage(storage, failure))
    failure.arm(number, when)  # type: ignore[arg-type]
    try:
        await dying.save_record("acme", contact(NEW), None)
    except Unavailable:
        stored = await People(storage.tables).record("acme", contact().ref())
        assert stored
        # Whatever became of it, no address leads to a record that does not have it.
        assert await found(storage, OLD if stored.has_address(NEW) else NEW) == []
        await index_over(storage).save_record("acme", contact(NEW), None)

    assert (await found(storage, OLD), await found(storage, NEW)) == ([], ["c1"])


async def test_a_row_that_is_out_of_date_is_removed_when_it_is_read(storage: Storage) -> None:
    index = index_over(storage)
    await index.save_record("acme", contact(OLD), None)
    await People(storage.tables).records.save("acme", "record|contact", "c1", contact(NEW), None)

    assert await found(storage, OLD) == []
    assert await rows(storage, OLD) == 0


async def test_a_late_removal_leaves_the_row_that_a_newer_version_needs(storage: Storage) -> None:
    index = index_over(storage)
    await index.save_record("acme", contact(OLD), None)
    seen_long_ago = await index.list_entries("acme", OLD)
    await index.save_record("acme", contact(NEW), None)
    await index.save_record("acme", contact(OLD), None)

    await index.remove_entries("acme", seen_long_ago)

    assert await found(storage, OLD) == ["c1"]


async def test_two_processes_that_put_a_record_at_once_leave_the_addresses_of_the_last_one(storage: Storage) -> None:
    for _ in range(30):
        both = [index_over(failing_storage(storage, Turns())) for _ in range(2)]

        async def put(index: AddressIndex, email: str) -> None:
            while True:
                try:
                    await index.save_record("acme", contact(email), None)
                except (Stale, Conflict):
                    continue
                return

        await asyncio.gather(*(put(index, email) for index, email in zip(both, (OLD, NEW), strict=True)))

        stored = await People(storage.tables).record("acme", contact().ref())
        assert stored
        assert [email for email in (OLD, NEW) if await found(storage, email)] == stored.emails


async def test_records_that_were_put_before_the_index_are_found_after_the_backfill(storage: Storage) -> None:
    records = People(storage.tables).records
    for record_type in ("contact", "lead"):
        stored = StoredRecord(type=record_type, id="1", emails=[OLD, NEW])
        await records.save("acme", f"record|{record_type}", "1", stored, None)
    assert await found(storage, OLD) == []

    done = [record.type async for record in index_over(storage).enter_all("acme")]
    again = [record.type async for record in index_over(storage).enter_all("acme")]

    assert done == again == ["contact", "lead"]
    assert await found(storage, OLD) == await found(storage, NEW) == ["1", "1"]


async def test_no_row_of_the_index_holds_an_address(storage: Storage) -> None:
    await index_over(storage).save_record("acme", contact(OLD), None)

    [row] = [row async for row in storage.tables.query("heedacmepeople", f"{(await _entry_partition(storage))}")]

    assert (row.key, dict(row.values)) == ("contact|c1", {"v": 1})
    assert "old" not in row.partition


async def _entry_partition(storage: Storage) -> str:
    [entry] = await index_over(storage).list_entries("acme", OLD)
    return entry.partition
