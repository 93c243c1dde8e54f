"""Rows that filters read: a page costs one query, and the rows follow every change."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from lib.lists.keys import (
    ChangeSort,
    FilterBlock,
    change_block,
    mailbox_block,
    place_of_change,
    status_block,
    template_block,
)
from lib.lists.store import Listed, Lists
from lib.storage import Delete
from tests.support.failing import Failure, failing_storage
from tests.support.heed import START
from tests.support.listed import INDEX, made, make_listed, opened, rows_of

ADA, BOB = "a" * 32, "b" * 32


async def block_of(lists: Lists, block: FilterBlock, after: str | None = None, limit: int = 1000) -> list[Listed]:
    return [listed async for _, listed in lists.filter_page("acme", block, after, limit)]


async def numbers(lists: Lists, block: FilterBlock, after: str | None = None) -> list[int]:
    return [int(listed.message.id, 16) for listed in await block_of(lists, block, after)]


@pytest.mark.parametrize(
    "block",
    [
        mailbox_block(ADA),
        status_block(None, "draft"),
        status_block("rep2", "draft"),
        template_block(None, "t1"),
        template_block("rep2", "t1"),
    ],
    ids=lambda block: block.partition + block.start,
)
async def test_a_page_by_a_filter_is_one_query_however_many_messages_it_passes_over(block: FilterBlock) -> None:
    storage, _ = await made()
    failure = Failure()
    lists = Lists(failing_storage(storage, failure).tables)
    for number in range(300):
        rare: dict[str, Any] = {"sender": "rep2", "state": "draft", "sent_at": None, "template": "t1"}
        fields = {**rare, "created_at": START + timedelta(minutes=number)} if number % 100 == 7 else {}
        await lists.enter_message("acme", make_listed(number, **fields), [], [ADA if fields else BOB])
    failure.arm(0, "before")

    assert await numbers(lists, block) == [207, 107, 7]
    assert failure.count == 1


async def test_a_message_stands_under_each_of_its_filters_until_it_leaves_them() -> None:
    storage, lists = await made()
    places = await lists.enter_message("acme", make_listed(1, state="draft", template="t1"), [], [ADA, BOB])
    for block in (mailbox_block(ADA), mailbox_block(BOB), status_block(None, "draft"), template_block(None, "t1")):
        assert await numbers(lists, block) == [1]

    places = await lists.enter_message("acme", make_listed(1, state="submitting", template="t2"), places, [BOB])
    for block in (mailbox_block(BOB), status_block("rep1", "sending"), template_block("rep1", "t2")):
        assert await numbers(lists, block) == [1]
    for block in (mailbox_block(ADA), status_block(None, "draft"), template_block(None, "t1")):
        assert await numbers(lists, block) == []

    await lists.remove("acme", places)
    assert await rows_of(storage) == []


@pytest.mark.parametrize("sort", ["updated_at", "-updated_at"])
async def test_messages_stand_in_the_order_in_which_they_were_changed(sort: ChangeSort) -> None:
    _, lists = await made()
    places = {
        number: await lists.enter_message("acme", make_listed(number, updated_at=START), []) for number in range(3)
    }
    for minute, number in enumerate((1, 0), start=1):
        listed = make_listed(number, kpis=opened(1), updated_at=START + timedelta(minutes=minute))
        await lists.enter_message("acme", listed, places[number])

    expected = [2, 1, 0] if sort == "updated_at" else [0, 1, 2]
    assert await numbers(lists, change_block(None, sort)) == expected
    assert await numbers(lists, change_block("rep1", sort)) == expected
    assert await numbers(lists, change_block("rep2", sort)) == []


async def test_what_was_changed_at_a_time_or_later_is_behind_its_place() -> None:
    _, lists = await made()
    for number in range(4):
        await lists.enter_message("acme", make_listed(number, updated_at=START + timedelta(seconds=number)), [])

    place = place_of_change(int((START + timedelta(seconds=2)).timestamp() * 1000))
    assert await numbers(lists, change_block(None, "updated_at"), place) == [2, 3]


async def test_what_shows_the_same_was_not_changed() -> None:
    _, lists = await made()
    places = await lists.enter_message("acme", make_listed(1, updated_at=START), [])
    again = await lists.enter_message("acme", make_listed(1, updated_at=START + timedelta(hours=1)), places)

    [listed] = await block_of(lists, change_block(None, "updated_at"))
    assert listed.updated_at == START
    assert again == places


async def test_a_message_of_before_was_changed_when_something_last_happened_to_it() -> None:
    _, lists = await made()
    at = START + timedelta(days=3)
    before = make_listed(1, kpis=opened(2, at), updated_at=None)
    places = await lists.enter_message("acme", before, [])
    assert await block_of(lists, change_block(None, "updated_at")) == []

    later = before.model_copy(update={"updated_at": START + timedelta(days=30)})
    await lists.enter_message("acme", later, places, [ADA])

    [listed] = await block_of(lists, change_block(None, "updated_at"))
    assert listed.updated_at == at
    assert await numbers(lists, mailbox_block(ADA)) == [1]


async def test_an_open_of_a_mail_to_many_mailboxes_rewrites_no_row_of_theirs() -> None:
    storage, _ = await made()
    failure = Failure()
    lists = Lists(failing_storage(storage, failure).tables)
    to = [{"email": f"a{number}@example.com", "name": "ü" * 100} for number in range(200)]
    mailboxes = [f"{number:032x}" for number in range(200)]
    places = await lists.enter_message("acme", make_listed(1, to=to), [], mailboxes)
    failure.arm(0, "before")

    later = START + timedelta(minutes=5)
    opened_once = make_listed(1, to=to, kpis=opened(1), updated_at=later)
    places = await lists.enter_message("acme", opened_once, places, mailboxes)

    assert failure.count == 3  # the whole message, and its rows in two scopes
    assert await block_of(lists, mailbox_block(mailboxes[7])) == [opened_once]

    sent_later = make_listed(1, to=to, sent_at=later, kpis=opened(1), updated_at=later)
    places = await lists.enter_message("acme", sent_later, places, mailboxes[:100])
    assert await block_of(lists, mailbox_block(mailboxes[7])) == [sent_later]
    assert await block_of(lists, mailbox_block(mailboxes[150])) == []

    small = make_listed(1, kpis=opened(1), updated_at=later)
    places = await lists.enter_message("acme", small, places, mailboxes[:1])
    assert await block_of(lists, mailbox_block(mailboxes[0])) == [small]
    assert [row for row in await rows_of(storage) if row[0] == "whole"] == []
    await lists.remove("acme", places)
    assert await rows_of(storage) == []


async def test_a_large_message_that_was_deleted_this_moment_is_on_no_page_of_its_mailboxes() -> None:
    storage, lists = await made()
    to = [{"email": f"a{number}@example.com", "name": "ü" * 200} for number in range(100)]
    await lists.enter_message("acme", make_listed(1, to=to), [], [ADA])
    [whole] = [row async for row in storage.tables.query(INDEX, "whole")]
    await storage.tables.write_rows(INDEX, [Delete("whole", whole.key)])

    assert await block_of(lists, mailbox_block(ADA)) == []
