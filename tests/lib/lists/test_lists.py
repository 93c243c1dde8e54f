"""Lists in every order, at the same cost however long they are."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.lists.store import Listed, ListPlace, Lists, Sort, View, is_told
from lib.messages.models import StoredMessage
from lib.storage import Storage
from lib.storage.collation import collation_key
from tests.support.failing import Failure, failing_storage
from tests.support.heed import START
from tests.support.listed import (
    SORTS,
    VIEWS,
    made,
    make_listed,
    opened,
    page_of,
    rows_of,
    some_counts,
    some_fields,
    walk,
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
@given(st.lists(st.tuples(some_fields, some_counts), max_size=12), st.integers(1, 5))
def test_every_order_of_every_view_is_the_one_that_a_reader_expects(several: list[Any], limit: int) -> None:
    async def run() -> None:
        _, lists = await made()
        all_of_them = [make_listed(number, kpis=kpis, **values) for number, (values, kpis) in enumerate(several)]
        for listed in all_of_them:
            await lists.enter_message("acme", listed, [])
        for view in VIEWS:
            expected = [listed for listed in all_of_them if in_view(listed, view)]
            for sort in SORTS:
                expected.sort(key=lambda listed, sort=sort: place_in_order(listed, sort))  # type: ignore[misc]
                assert await walk(lists, "all", view, sort, limit) == expected, (view, sort)

    asyncio.run(run())


async def test_keys_hold_nothing_that_was_typed_and_have_room_for_the_longest() -> None:
    storage, lists = await made()
    record = {"type": "a" * 40, "id": "i" * 100}
    to = [{"email": "secret@example.com", "name": "Secret", "record": record}]

    await lists.enter_message("acme", make_listed(1, subject="Secret / \\ # ? ü " * 50, to=to, sender="u" * 100), [])

    keys = [key for _, key, _ in await rows_of(storage)]
    assert keys
    assert not any("secret" in key.lower() for key in keys)


@pytest.mark.parametrize("sort", SORTS)
async def test_a_page_costs_the_same_however_many_messages_there_are(
    hundred_thousand_rows: Storage, sort: Sort
) -> None:
    failure = Failure()
    lists = Lists(failing_storage(hundred_thousand_rows, failure).tables)
    await page_of(lists, "all", "followed", sort)  # once a minute it looks for rows of an older release
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
            await lists.enter_message("acme", make_listed(number, kpis=opened(number % 7)), [])
        assert len(await rows_of(storage)) > 100_000
        return storage

    return asyncio.run(fill())


async def test_writing_a_message_costs_one_request_for_each_scope() -> None:
    storage, _ = await made()
    failure = Failure()
    lists = Lists(failing_storage(storage, failure).tables)
    record = {"type": "contact", "id": "c1"}
    listed = make_listed(1, to=[{"email": "ada@example.com", "record": record}], state="scheduled")
    places = await lists.enter_message("acme", listed, [])
    failure.arm(0, "before")

    await lists.enter_message("acme", make_listed(1, to=listed.message.to, kpis=opened(3)), places)

    assert failure.count == 3


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

    places = await lists.enter_message("acme", before, [])
    assert is_told(places, before.message)
    assert not is_told(places, after.message)

    places = await lists.enter_message("acme", after, places)
    assert is_told(places, after.message)


async def test_what_was_counted_is_no_change_of_the_message() -> None:
    _, lists = await made()
    places = await lists.enter_message("acme", make_listed(1, kpis=opened(30)), [])

    assert is_told(places, make_listed(1).message)
    assert is_told(
        [ListPlace.model_validate_json(place.model_dump_json(exclude_none=True)) for place in places],
        StoredMessage.model_validate_json(make_listed(1).message.model_dump_json()),
    )


async def test_noise_is_what_drew_more_than_twenty_raw_opens_most_first_by_month() -> None:
    _, lists = await made()
    for number, raw in enumerate((20, 21, 300, 22)):
        await lists.enter_message("acme", make_listed(number, raw_opens=raw), [])
    await lists.enter_message("acme", make_listed(9, raw_opens=99, sent_at=START + timedelta(days=40)), [])

    async def noise(month: str, after: str | None = None) -> list[tuple[str, int]]:
        return [(cursor, found.kpis.raw.opens) async for cursor, found in lists.noise("acme", month, after, 10)]

    may = await noise("2026-05")
    assert [raw for _, raw in may] == [300, 22, 21]
    assert [raw for _, raw in await noise("2026-05", may[0][0])] == [22, 21]
    assert [raw for _, raw in await noise("2026-06")] == [99]
    assert await noise("2026-04") == []


async def test_a_message_leaves_the_noise_when_its_hits_are_no_more() -> None:
    storage, lists = await made()
    places = await lists.enter_message("acme", make_listed(1, raw_opens=50), [])

    await lists.enter_message("acme", make_listed(1, raw_opens=5), places)

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

    places = await lists.enter_message("acme", one, [])
    await lists.enter_message("acme", two, places)

    for sort in SORTS:
        assert [found for _, found in await page_of(lists, "record:contact:c1", "scheduled", sort)] == [two]
