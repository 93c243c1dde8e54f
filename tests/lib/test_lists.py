"""Lists in every order, from rows that never contradict the message."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.collation import collation_key
from lib.kpis import Counts, Kpis
from lib.lists import Listed, Lists, Place, Sort, View, is_told, places_of
from lib.messages import StoredMessage
from lib.repository import Stale
from lib.storage import Change, Delete, Missing, Range, Row, Storage, Unavailable, Upsert
from lib.storage.memory import memory_storage
from tests.faults.failing import Failure, failing_storage
from tests.heed import START
from tests.lib.listed import make_listed, opened, page_of, walk

INDEX = "heedacmeindex"
SORTS: Sequence[Sort] = get_args(Sort)
VIEWS: Sequence[View] = get_args(View)


async def made() -> tuple[Storage, Lists]:
    storage = memory_storage()
    await storage.tables.create(INDEX)
    return storage, Lists(storage.tables)


async def rows_of(storage: Storage) -> list[tuple[str, str, dict[str, Any]]]:
    """The whole index. Marks may remember partitions too many, so these are left out."""
    rows = [row async for row in storage.tables.query(INDEX, Range())]
    return [(row.partition, row.key, {} if row.key.startswith("mark|") else dict(row.values)) for row in rows]


counts = st.builds(
    lambda human, at, clicks, views, replies, raw: Kpis(
        opens=human,
        last_opened_at=START + timedelta(minutes=at) if human else None,
        clicks=clicks,
        attachment_views=views,
        replies=replies,
        raw=Counts(opens=human + raw),
    ),
    *(st.sampled_from([0, 1, 2, 9, 10, 11]) for _ in range(5)),
    st.sampled_from([0, 30]),
)
states = st.sampled_from(["draft", "scheduled", "sent", "sent", "failed", "received"])
follow_states = st.sampled_from(["on", "on", "off"]).map(lambda state: {"state": state, "reason": "…"})
fields = st.fixed_dictionaries(
    {
        "state": states,
        "follow_state": follow_states,
        "subject": st.sampled_from(["", "b", "B", "ä", "Zoo", "zoo & more", "Ärger"]),
        "sent_at": st.integers(0, 3).map(lambda days: START + timedelta(days=days * 20)),
        "sender": st.sampled_from(["rep1", "rep2"]),
        "to": st.lists(
            st.sampled_from(["c1", "c2", "c3"]).map(
                lambda record: {"email": "ada@example.com", "record": {"type": "contact", "id": record}}
            ),
            max_size=2,
        ),
    }
)


def in_view(listed: Listed, view: View) -> bool:
    message = listed.message
    if view == "followed":
        return message.state == "sent" and listed.follow_state.state == "on"
    return view == "all" or message.state == view


def place_in_order(listed: Listed, sort: Sort) -> tuple[Any, ...]:
    """What a reader would sort by; of what is equal, the newest first."""
    newest = (-listed.message.sort_time().timestamp(), listed.message.id)
    column, sign = sort.removeprefix("-"), -1 if sort.startswith("-") else 1
    if column == "sent_at":
        return sign * listed.message.sort_time().timestamp(), listed.message.id
    if column == "subject":
        # Turned round sign by sign, with an end that comes after everything.
        key = bytes.fromhex(collation_key(listed.message.subject))
        return (list(key) if sign == 1 else [-byte for byte in key] + [1], *newest)
    value: Any = getattr(listed.kpis, column) or 0
    return (sign * (value.timestamp() if isinstance(value, datetime) else value), *newest)


@settings(max_examples=25)
@given(st.lists(st.tuples(fields, counts), max_size=12), st.integers(1, 5))
def test_every_order_of_every_view_is_the_one_that_a_reader_expects(several: list[Any], limit: int) -> None:
    async def run() -> None:
        _, lists = await made()
        all_of_them = [make_listed(number, kpis=kpis, **values) for number, (values, kpis) in enumerate(several)]
        for listed in all_of_them:
            await lists.put("acme", listed, [])
        for view in VIEWS:
            expected = [listed for listed in all_of_them if in_view(listed, view)]
            for sort in SORTS:
                expected.sort(key=lambda listed, sort=sort: place_in_order(listed, sort))  # type: ignore[misc]
                assert await walk(lists, "all", view, sort, limit) == expected, (view, sort)

    asyncio.run(run())


@settings(max_examples=60)
@given(st.lists(st.tuples(fields, counts, st.integers(0, 12), st.booleans()), min_size=2, max_size=6))
def test_whoever_died_half_way_or_came_late_leaves_nothing_behind(versions: list[Any]) -> None:
    """The writer of a version dies at some operation, or it does not; and it is noted where it got to, or it is not."""

    async def run() -> None:
        storage, lists = await made()
        failure = Failure()
        failing = Lists(failing_storage(storage, failure).tables)
        noted: list[Place] = []
        for values, kpis, dies_at, is_noted in versions:
            failure.arm(dies_at, "before" if dies_at % 2 else "after")
            try:
                places = await failing.put("acme", make_listed(1, kpis=kpis, **values), noted)
            except Unavailable:
                continue
            noted = places if is_noted else noted
        values, kpis, *_ = versions[-1]
        last = make_listed(1, kpis=kpis, **values)
        await lists.put("acme", last, noted)

        twin, its_lists = await made()
        await its_lists.put("acme", last, [])
        assert await rows_of(storage) == await rows_of(twin)

    asyncio.run(run())


@settings(max_examples=30)
@given(st.lists(st.tuples(fields, counts), min_size=1, max_size=4), st.integers(0, 12))
def test_a_message_is_removed_from_wherever_anybody_has_put_it(versions: list[Any], dies_at: int) -> None:
    async def run() -> None:
        storage, lists = await made()
        failure = Failure()
        failing = Lists(failing_storage(storage, failure).tables)
        places: list[Place] = []
        for values, kpis in versions:
            places = await lists.put("acme", make_listed(1, kpis=kpis, **values), places)
        failure.arm(dies_at, "after")
        try:
            await failing.remove("acme", places)
        except Unavailable:
            await lists.remove("acme", places)

        assert await rows_of(storage) == []
        await lists.remove("acme", places)

    asyncio.run(run())


async def test_writers_of_one_message_at_the_same_time_end_with_one_set_of_rows() -> None:
    storage, lists = await made()
    versions = [make_listed(1, kpis=opened(number), sender=f"rep{number % 2}") for number in range(5)]

    async def write(listed: Listed) -> None:
        with suppress(Stale):
            await lists.put("acme", listed, [])

    await asyncio.gather(*map(write, versions))
    await lists.put("acme", versions[0], [])

    twin, its_lists = await made()
    await its_lists.put("acme", versions[0], [])
    assert await rows_of(storage) == await rows_of(twin)


@pytest.mark.parametrize("at", [2, 3, 4, 5, 6])
async def test_a_writer_that_was_overtaken_gives_up_and_changes_nothing_any_more(at: int) -> None:
    storage, lists = await made()
    places = await lists.put("acme", make_listed(1), [])
    twin, its_lists = await made()
    await its_lists.put("acme", make_listed(1, kpis=opened(2)), [])
    original, writes = storage.tables.write, 0

    async def write(table: str, changes: Sequence[Change]) -> list[str | None]:
        nonlocal writes
        writes += 1
        if writes == at:
            await lists.put("acme", make_listed(1, kpis=opened(2)), places)
        return await original(table, changes)

    storage.tables.write = write  # type: ignore[method-assign]
    with pytest.raises(Stale):
        await lists.put("acme", make_listed(1, kpis=opened(1)), places)

    assert await rows_of(storage) == await rows_of(twin)


async def test_who_does_not_know_what_was_counted_finds_every_row_nevertheless() -> None:
    storage, lists = await made()
    noisy = make_listed(1, kpis=opened(30))
    await lists.put("acme", noisy, [])

    await lists.put("acme", make_listed(1, state="draft", sent_at=None), places_of(noisy.message))

    twin, its_lists = await made()
    await its_lists.put("acme", make_listed(1, state="draft", sent_at=None), [])
    assert await rows_of(storage) == await rows_of(twin)


@pytest.mark.parametrize("partition", ["all|plain", "all|opens", "user:rep1|others"])
async def test_rows_that_somebody_took_away_or_put_there_by_hand_are_no_obstacle(partition: str) -> None:
    storage, lists = await made()
    before, after = make_listed(1), make_listed(1, subject="Another", kpis=opened(3))
    twin, its_lists = await made()
    await its_lists.put("acme", after, [])
    expected = await rows_of(twin)
    places = await lists.put("acme", before, [])
    mine = [key for part, key, _ in await rows_of(storage) if part == partition and not key.startswith("mark|")]
    theirs = [key for part, key, _ in expected if part == partition and not key.startswith("mark|")]
    await storage.tables.write(INDEX, [Delete(partition, mine[0])])
    await storage.tables.write(INDEX, [Upsert(Row(partition, theirs[-1], {"v": 1}))])

    await lists.put("acme", after, places)

    assert await rows_of(storage) == expected


async def test_an_organization_that_is_gone_has_no_lists() -> None:
    lists = Lists(memory_storage().tables)

    with pytest.raises(Missing):
        await lists.put("acme", make_listed(1), [])
    await lists.remove("acme", places_of(make_listed(1).message))
    assert await page_of(lists, "all", "all", "opens") == []


def to_records(count: int, letters: int = 500) -> list[dict[str, Any]]:
    return [
        {
            "email": f"a{number}@example.com",
            "name": "ü" * (letters - 300),
            "record": {"type": "contact", "id": f"c{number}"},
        }
        for number in range(count)
    ]


async def test_a_mail_to_five_hundred_records_is_listed_whole_under_each_and_written_small() -> None:
    storage, lists = await made()
    listed = make_listed(1, to=to_records(500), kpis=opened(2))
    assert len(listed.model_dump_json()) > 100_000

    await lists.put("acme", listed, [])

    for scope in ("all", "user:rep1", "record:contact:c0", "record:contact:c499"):
        assert [found for _, found in await page_of(lists, scope, "followed", "-opens")] == [listed]
    rows = [row async for row in storage.tables.query(INDEX, Range())]
    large = [row for row in rows if sum(len(str(value)) for value in row.values.values()) > 30_000]
    assert [row.partition for row in large] == ["whole"]


async def test_a_large_message_that_becomes_small_leaves_its_whole_row() -> None:
    storage, lists = await made()
    places = await lists.put("acme", make_listed(1, to=to_records(100)), [])

    await lists.put("acme", make_listed(1), places)

    assert "whole" not in {partition for partition, _, _ in await rows_of(storage)}
    assert [found for _, found in await page_of(lists, "all", "all", "subject")] == [make_listed(1)]


async def test_what_a_late_writer_has_put_of_a_large_message_before_it_died_is_put_right() -> None:
    storage, lists = await made()
    listed, late = (make_listed(1, to=to_records(100), subject=subject) for subject in ("Right", "Late"))
    places = await lists.put("acme", listed, [])
    failure = Failure()
    failure.arm(1, "after")
    with pytest.raises(Unavailable):
        await Lists(failing_storage(storage, failure).tables).put("acme", late, places)

    places = await lists.put("acme", listed, places)

    assert [found for _, found in await page_of(lists, "all", "all", "opens")] == [listed]
    failure.arm(0, "before")
    assert await Lists(failing_storage(storage, failure).tables).put("acme", listed, places) == places
    assert failure.count == 2


async def test_a_large_message_that_is_deleted_while_a_page_is_read_does_not_break_the_page() -> None:
    storage, lists = await made()
    await lists.put("acme", make_listed(1, to=to_records(100)), [])
    await storage.tables.write(INDEX, [Delete("whole", make_listed(1).message.id)])

    [(_, found)] = await page_of(lists, "all", "all", "opens")

    assert found.message.subject == "Offer 1"


async def test_what_is_sent_between_the_two_queries_of_a_page_is_on_it_once() -> None:
    storage, lists = await made()
    draft = make_listed(1, state="draft", sent_at=None)
    places = await lists.put("acme", draft, [])
    original = storage.tables.query
    queries = 0

    def query(table: str, partition: str | Range, *rest: Any) -> Any:
        async def rows() -> Any:
            nonlocal queries
            queries += 1
            if queries == 2:
                await lists.put("acme", make_listed(1, kpis=opened(1)), places)
            async for row in original(table, partition, *rest):
                yield row

        return rows()

    storage.tables.query = query  # type: ignore[method-assign,assignment]
    items = [found.message.state for _, found in await page_of(lists, "all", "all", "-opens")]

    assert (items, queries) == (["sent"], 2)


async def test_keys_hold_nothing_that_was_typed_and_have_room_for_the_longest() -> None:
    storage, lists = await made()
    record = {"type": "a" * 40, "id": "i" * 100}
    to = [{"email": "secret@example.com", "name": "Secret", "record": record}]

    await lists.put("acme", make_listed(1, subject="Secret / \\ # ? ü " * 50, to=to, sender="u" * 100), [])

    keys = [key for _, key, _ in await rows_of(storage)]
    assert keys
    assert not any("secret" in key.lower() for key in keys)


@pytest.mark.parametrize("sort", SORTS)
async def test_a_page_costs_the_same_however_many_messages_there_are(
    hundred_thousand_rows: Storage, sort: Sort
) -> None:
    failure = Failure()
    lists = Lists(failing_storage(hundred_thousand_rows, failure).tables)
    for view, scope, most in (("followed", "all", 1), ("followed", "user:rep1", 1), ("all", "all", 2)):
        after = None
        for _ in range(3):
            failure.arm(0, "before")
            page = await page_of(lists, scope, view, sort, after, 51)  # type: ignore[arg-type]
            assert len(page) == 51
            assert failure.count == most
            after = page[49][0]


@pytest.fixture(scope="module")
def hundred_thousand_rows() -> Storage:
    """5,000 followed messages, each in two scopes with ten rows or more."""

    async def fill() -> Storage:
        storage, lists = await made()
        for number in range(5_000):
            await lists.put("acme", make_listed(number, kpis=opened(number % 7)), [])
        assert len(await rows_of(storage)) > 100_000
        return storage

    return asyncio.run(fill())


async def test_writing_a_message_costs_three_requests_for_a_wide_scope_and_one_for_a_record() -> None:
    storage, _ = await made()
    failure = Failure()
    lists = Lists(failing_storage(storage, failure).tables)
    record = {"type": "contact", "id": "c1"}
    listed = make_listed(1, to=[{"email": "ada@example.com", "record": record}], state="scheduled")
    places = await lists.put("acme", listed, [])
    failure.arm(0, "before")

    await lists.put("acme", make_listed(1, to=listed.message.to, kpis=opened(3)), places)

    assert failure.count == 7


async def test_what_is_listed_already_costs_one_request_and_is_there_nevertheless() -> None:
    storage, _ = await made()
    failure = Failure()
    lists = Lists(failing_storage(storage, failure).tables)
    places = await lists.put("acme", make_listed(1, kpis=opened(3)), [])
    before = await rows_of(storage)
    failure.arm(0, "before")

    assert await lists.put("acme", make_listed(1, kpis=opened(3)), places) == places
    assert (await rows_of(storage), failure.count) == (before, 1)

    late = make_listed(1, kpis=opened(2))
    failure.arm(2, "after")
    with pytest.raises(Unavailable):
        await lists.put("acme", late, places)
    await lists.put("acme", make_listed(1, kpis=opened(3)), places)
    assert await rows_of(storage) == before


@pytest.mark.parametrize(
    "change",
    [
        {"state": "uncertain"},
        {"state": "scheduled"},
        {"follow_state": {"state": "off", "reason": "…"}},
        {"sent_at": START},
        {"subject": "Another"},
        {"sender": "rep2"},
        {"to": [{"email": "ada@example.com", "record": {"type": "lead", "id": "l1"}}]},
    ],
    ids=lambda change: next(iter(change)),
)
async def test_it_is_known_whether_lists_have_been_told_of_a_change(change: dict[str, Any]) -> None:
    _, lists = await made()
    before, after = make_listed(1), make_listed(1, **change)
    assert not is_told([], before.message)

    places = await lists.put("acme", before, [])
    assert is_told(places, before.message)
    assert not is_told(places, after.message)

    places = await lists.put("acme", after, places)
    assert is_told(places, after.message)


async def test_what_was_counted_is_no_change_of_the_message() -> None:
    _, lists = await made()
    places = await lists.put("acme", make_listed(1, kpis=opened(30)), [])

    assert is_told(places, make_listed(1).message)
    assert is_told(
        [Place.model_validate_json(place.model_dump_json(exclude_none=True)) for place in places],
        StoredMessage.model_validate_json(make_listed(1).message.model_dump_json()),
    )


async def test_noise_is_what_drew_more_than_twenty_raw_opens_most_first_by_month() -> None:
    _, lists = await made()
    for number, raw in enumerate((20, 21, 300, 22)):
        await lists.put("acme", make_listed(number, raw_opens=raw), [])
    await lists.put("acme", make_listed(9, raw_opens=99, sent_at=START + timedelta(days=40)), [])

    async def noise(month: str, after: str | None = None) -> list[tuple[str, int]]:
        return [(cursor, found.kpis.raw.opens) async for cursor, found in lists.noise("acme", month, after, 10)]

    may = await noise("2026-05")
    assert [raw for _, raw in may] == [300, 22, 21]
    assert [raw for _, raw in await noise("2026-05", may[0][0])] == [22, 21]
    assert [raw for _, raw in await noise("2026-06")] == [99]
    assert await noise("2026-04") == []


async def test_a_message_leaves_the_noise_when_its_hits_are_no_more() -> None:
    storage, lists = await made()
    places = await lists.put("acme", make_listed(1, raw_opens=50), [])

    await lists.put("acme", make_listed(1, raw_opens=5), places)

    assert not any(partition.startswith("noise") for partition, _, _ in await rows_of(storage))


async def test_everything_that_a_message_can_be_listed_by_fits_a_transaction() -> None:
    """Old rows and new ones together, at the worst."""
    _, lists = await made()
    record = {"type": "contact", "id": "c1"}
    shared: dict[str, Any] = {"to": [{"email": "ada@example.com", "record": record}], "state": "scheduled"}
    one = make_listed(1, kpis=opened(1, clicks=1, attachment_views=1, replies=1), subject="a", **shared)
    later: dict[str, Any] = {
        "kpis": opened(2, START + timedelta(minutes=1), clicks=2, attachment_views=2, replies=2),
        "subject": "b",
    }
    two = make_listed(1, sent_at=START + timedelta(days=1), **later, **shared)

    places = await lists.put("acme", one, [])
    await lists.put("acme", two, places)

    for sort in SORTS:
        assert [found for _, found in await page_of(lists, "record:contact:c1", "scheduled", sort)] == [two]
