"""Writers of lists that die, come late or meet: what is listed never contradicts the message for good."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.errors import Stale
from lib.lists.store import Listed, ListPlace, Lists, places_of
from lib.storage import Change, Delete, Missing, Range, Row, Storage, Unavailable, Upsert
from lib.storage.memory import memory_storage
from tests.support.failing import Failure, failing_storage
from tests.support.listed import (
    INDEX,
    made,
    make_listed,
    opened,
    page_of,
    rows_of,
    some_counts,
    some_fields,
    some_mailboxes,
)


async def rows_in_lists(storage: Storage) -> list[tuple[str, str, dict[str, Any]]]:
    """The index without rows of large messages that no list shows: a writer may die before a list points to one."""
    rows = await rows_of(storage)
    shown = {key.rpartition("|")[2] for partition, key, values in rows if values.get("whole")}
    return [row for row in rows if row[0] != "whole" or row[1] in shown]


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(some_fields, some_counts, some_mailboxes, st.integers(0, 16), st.booleans()), min_size=2, max_size=6
    )
)
def test_whoever_died_half_way_or_came_late_leaves_nothing_behind(versions: list[Any]) -> None:
    """The writer of a version dies at some operation, or it does not; and it is noted where it got to, or it is not."""

    async def run() -> None:
        storage, lists = await made()
        failure = Failure()
        failing = Lists(failing_storage(storage, failure).tables)
        noted: list[ListPlace] = []
        for values, kpis, mailboxes, dies_at, is_noted in versions:
            failure.arm(dies_at, "before" if dies_at % 2 else "after")
            try:
                places = await failing.enter_message("acme", make_listed(1, kpis=kpis, **values), noted, mailboxes)
            except Unavailable:
                continue
            noted = places if is_noted else noted
        values, kpis, mailboxes, *_ = versions[-1]
        last = make_listed(1, kpis=kpis, **values)
        await lists.enter_message("acme", last, noted, mailboxes)

        twin, its_lists = await made()
        await its_lists.enter_message("acme", last, [], mailboxes)
        assert await rows_in_lists(storage) == await rows_in_lists(twin)

    asyncio.run(run())


@settings(max_examples=60)
@given(
    st.lists(st.tuples(some_fields, some_counts, some_mailboxes), min_size=1, max_size=3),
    st.integers(0, 12),
    st.integers(0, 12),
)
def test_a_message_is_removed_from_wherever_anybody_has_put_it(
    versions: list[Any], put_dies_at: int, removal_dies_at: int
) -> None:
    async def run() -> None:
        storage, lists = await made()
        failure = Failure()
        failing = Lists(failing_storage(storage, failure).tables)
        places: list[ListPlace] = []
        for number, (values, kpis, mailboxes) in enumerate(versions):
            failure.arm(put_dies_at if number == len(versions) - 1 else 0, "after")
            with suppress(Unavailable):
                listed = make_listed(1, kpis=kpis, **values)
                places = await failing.enter_message("acme", listed, places, mailboxes)
        places = places or places_of(make_listed(1).message)
        failure.arm(removal_dies_at, "after")
        with suppress(Unavailable):
            await failing.remove("acme", places)
        await lists.remove("acme", places)

        assert await rows_of(storage) == []
        await lists.remove("acme", places)

    asyncio.run(run())


async def test_writers_of_one_message_at_the_same_time_end_with_one_set_of_rows() -> None:
    storage, lists = await made()
    versions = [make_listed(1, kpis=opened(number), sender=f"rep{number % 2}") for number in range(5)]

    async def write(listed: Listed) -> None:
        with suppress(Stale):
            await lists.enter_message("acme", listed, [])

    await asyncio.gather(*map(write, versions))
    await lists.enter_message("acme", versions[0], [])

    twin, its_lists = await made()
    await its_lists.enter_message("acme", versions[0], [])
    assert await rows_of(storage) == await rows_of(twin)


@pytest.mark.parametrize("at", [2, 3, 4])
async def test_a_writer_that_was_overtaken_gives_up_and_changes_nothing_any_more(at: int) -> None:
    to = [{"email": f"{name}@example.com", "record": {"type": "contact", "id": name}} for name in ("ada", "bob")]
    storage, lists = await made()
    places = await lists.enter_message("acme", make_listed(1, to=to), [])
    twin, its_lists = await made()
    await its_lists.enter_message("acme", make_listed(1, to=to, kpis=opened(2)), [])
    original, writes = storage.tables.write_rows, 0

    async def write(table: str, changes: Sequence[Change]) -> list[str | None]:
        nonlocal writes
        writes += 1
        if writes == at:
            await lists.enter_message("acme", make_listed(1, to=to, kpis=opened(2)), places)
        return await original(table, changes)

    storage.tables.write_rows = write  # type: ignore[method-assign]
    with pytest.raises(Stale):
        await lists.enter_message("acme", make_listed(1, to=to, kpis=opened(1)), places)

    assert await rows_of(storage) == await rows_of(twin)


async def test_who_does_not_know_what_was_counted_finds_every_row_nevertheless() -> None:
    storage, lists = await made()
    noisy = make_listed(1, kpis=opened(30))
    await lists.enter_message("acme", noisy, [])

    await lists.enter_message("acme", make_listed(1, state="draft", sent_at=None), places_of(noisy.message))

    twin, its_lists = await made()
    await its_lists.enter_message("acme", make_listed(1, state="draft", sent_at=None), [])
    assert await rows_of(storage) == await rows_of(twin)


@pytest.mark.parametrize("partition", ["all", "user:rep1"])
async def test_rows_that_somebody_took_away_or_put_there_by_hand_are_no_obstacle(partition: str) -> None:
    storage, lists = await made()
    before, after = make_listed(1), make_listed(1, subject="Another", kpis=opened(3))
    twin, its_lists = await made()
    await its_lists.enter_message("acme", after, [])
    expected = await rows_of(twin)
    places = await lists.enter_message("acme", before, [])
    mine = [key for part, key, _ in await rows_of(storage) if part == partition and not key.startswith("mark|")]
    theirs = [key for part, key, _ in expected if part == partition and not key.startswith("mark|")]
    await storage.tables.write_rows(INDEX, [Delete(partition, mine[0])])
    await storage.tables.write_rows(INDEX, [Upsert(Row(partition, theirs[-1], {"v": 1}))])

    await lists.enter_message("acme", after, places)

    assert await rows_of(storage) == expected


async def test_an_organization_that_is_gone_has_no_lists() -> None:
    lists = Lists(memory_storage().tables)

    with pytest.raises(Missing):
        await lists.enter_message("acme", make_listed(1), [])
    await lists.remove("acme", places_of(make_listed(1).message))
    assert await page_of(lists, "all", "all", "opens") == []


def to_records(count: int) -> list[dict[str, Any]]:
    return [
        {
            "email": f"a{number}@example.com",
            "name": "ü" * 200,
            "record": {"type": "contact", "id": f"c{number}"},
        }
        for number in range(count)
    ]


async def test_a_mail_to_five_hundred_records_is_listed_whole_under_each_and_written_small() -> None:
    storage, lists = await made()
    listed = make_listed(1, to=to_records(500), kpis=opened(2))
    assert len(listed.model_dump_json()) > 100_000

    places = await lists.enter_message("acme", listed, [])

    for scope in ("all", "user:rep1", "record:contact:c0", "record:contact:c499"):
        assert [found for _, found in await page_of(lists, scope, "followed", "-opens")] == [listed]
    rows = [row async for row in storage.tables.query(INDEX, Range())]
    large = [row for row in rows if sum(len(str(value)) for value in row.values.values()) > 30_000]
    assert [row.partition for row in large] == ["whole"]
    await lists.remove("acme", places)
    assert await rows_of(storage) == []


async def test_a_large_message_that_becomes_small_leaves_its_whole_row() -> None:
    storage, lists = await made()
    places = await lists.enter_message("acme", make_listed(1, to=to_records(100)), [])

    await lists.enter_message("acme", make_listed(1), places)

    assert "whole" not in {partition for partition, _, _ in await rows_of(storage)}
    assert [found for _, found in await page_of(lists, "all", "all", "subject")] == [make_listed(1)]


async def test_what_a_late_writer_has_put_of_a_large_message_before_it_died_is_put_right() -> None:
    storage, lists = await made()
    listed, late = (make_listed(1, to=to_records(100), subject=subject) for subject in ("Right", "Late"))
    places = await lists.enter_message("acme", listed, [])
    failure = Failure()
    failure.arm(1, "after")
    with pytest.raises(Unavailable):
        await Lists(failing_storage(storage, failure).tables).enter_message("acme", late, places)

    places = await lists.enter_message("acme", listed, places)

    assert [found for _, found in await page_of(lists, "all", "all", "opens")] == [listed]
    failure.arm(0, "before")
    assert await Lists(failing_storage(storage, failure).tables).enter_message("acme", listed, places) == places
    assert failure.count == 2


async def test_a_large_message_that_is_deleted_while_a_page_is_read_does_not_break_the_page() -> None:
    storage, lists = await made()
    await lists.enter_message("acme", make_listed(1, to=to_records(100)), [])
    await storage.tables.write_rows(INDEX, [Delete("whole", make_listed(1).message.id)])

    [(_, found)] = await page_of(lists, "all", "all", "opens")

    assert found.message.subject == "Offer 1"


async def test_what_is_sent_between_the_two_queries_of_a_page_is_on_it_once() -> None:
    storage, lists = await made()
    draft = make_listed(1, state="draft", sent_at=None)
    places = await lists.enter_message("acme", draft, [])
    await page_of(lists, "all", "all", "-opens")  # once a minute it looks for rows of an older release
    original = storage.tables.query
    queries = 0

    def query(table: str, partition: str | Range, *rest: Any) -> Any:
        async def rows() -> Any:
            nonlocal queries
            queries += 1
            if queries == 2:
                await lists.enter_message("acme", make_listed(1, kpis=opened(1)), places)
            async for row in original(table, partition, *rest):
                yield row

        return rows()

    storage.tables.query = query  # type: ignore[method-assign,assignment]
    items = [found.message.state for _, found in await page_of(lists, "all", "all", "-opens")]

    assert (items, queries) == (["sent"], 2)


async def test_what_is_listed_already_costs_one_request_and_is_there_nevertheless() -> None:
    storage, _ = await made()
    failure = Failure()
    lists = Lists(failing_storage(storage, failure).tables)
    places = await lists.enter_message("acme", make_listed(1, kpis=opened(3)), [])
    before = await rows_of(storage)
    failure.arm(0, "before")

    assert await lists.enter_message("acme", make_listed(1, kpis=opened(3)), places) == places
    assert (await rows_of(storage), failure.count) == (before, 1)

    late = make_listed(1, kpis=opened(2))
    failure.arm(2, "after")
    with pytest.raises(Unavailable):
        await lists.enter_message("acme", late, places)
    await lists.enter_message("acme", make_listed(1, kpis=opened(3)), places)
    assert await rows_of(storage) == before
