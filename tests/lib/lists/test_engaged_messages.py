"""The list of mails that people read again this week: who stands in it, in which order, at what cost."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.lists.engaged import list_engaged
from lib.lists.store import Listed, Lists, scope_of
from lib.storage.sifted_pages import SiftedPage
from lib.verdicts.kpis import Counts, Kpis
from tests.support.heed import START
from tests.support.listed import made, make_listed, opened

NOW = START + timedelta(days=30)


async def enter(lists: Lists, number: int, kpis: Kpis, **fields: Any) -> None:
    await lists.enter_message("acme", make_listed(number, kpis=kpis, **fields), [])


async def engaged(
    lists: Lists, after: str | None = None, limit: int = 100, scope: str | None = None
) -> SiftedPage[Listed]:
    return await list_engaged(lists, "acme", scope or scope_of(), after, limit, NOW)


def numbers(found: SiftedPage[Listed]) -> list[int]:
    return [int(listed.message.id, 16) for listed in found.found]


def ago(**time: float) -> datetime:
    return NOW - timedelta(**time)


@pytest.mark.parametrize(
    ("opens", "at", "is_listed"),
    [
        (0, ago(days=1), False),
        (1, ago(days=1), False),
        (2, ago(days=1), True),
        (19, ago(days=1), True),
        (20, ago(days=1), False),
        (5, ago(days=7), True),
        (5, ago(days=7, seconds=1), False),
    ],
)
async def test_mails_with_some_opens_within_a_week_are_listed(opens: int, at: datetime, is_listed: bool) -> None:
    _, lists = await made()
    await enter(lists, 1, opened(opens, at))
    assert (numbers(await engaged(lists)) == [1]) is is_listed


async def test_opens_of_machines_do_not_count() -> None:
    _, lists = await made()
    await enter(lists, 1, Kpis(opens=1, last_opened_at=ago(days=1), raw=Counts(opens=9)))
    assert numbers(await engaged(lists)) == []


async def test_received_mail_is_not_listed_and_doubtful_mail_that_was_opened_is() -> None:
    _, lists = await made()
    await enter(lists, 1, opened(3, ago(days=1)), state="received")
    await enter(lists, 2, opened(3, ago(days=1)), state="uncertain")
    assert numbers(await engaged(lists)) == [2]


async def test_a_list_of_one_owner_holds_the_mails_of_that_owner_alone() -> None:
    _, lists = await made()
    await enter(lists, 1, opened(3, ago(days=1)))
    await enter(lists, 2, opened(3, ago(days=1)), sender="rep2")
    assert numbers(await engaged(lists, scope=scope_of("rep2"))) == [2]


async def test_a_page_that_looked_at_many_other_mails_ends_and_says_where_to_go_on() -> None:
    _, lists = await made()
    for number in range(1_100):
        await enter(lists, number, opened(1, ago(days=1, seconds=-number)))
    await enter(lists, 2_000, opened(2, ago(days=6)))

    first = await engaged(lists, limit=10)

    assert (numbers(first), first.after is None) == ([], False)
    assert numbers(await engaged(lists, first.after, limit=300)) == [2_000]


@given(st.lists(st.tuples(st.integers(0, 25), st.integers(0, 10 * 24)), max_size=25), st.integers(1, 4))
async def test_pages_of_any_size_hold_each_engaged_mail_once_last_opened_first(
    mails: list[tuple[int, int]], limit: int
) -> None:
    _, lists = await made()
    for number, (opens, hours) in enumerate(mails):
        await enter(lists, number, opened(opens, ago(hours=hours)))

    found, after = list[int](), None
    while True:
        page = await engaged(lists, after, limit)
        assert len(page.found) <= limit
        found += numbers(page)
        after = page.after
        if after is None:
            break

    wanted = {number for number, (opens, hours) in enumerate(mails) if 1 < opens < 20 and hours <= 7 * 24}
    assert sorted(found) == sorted(wanted)
    assert [mails[number][1] for number in found] == sorted(mails[number][1] for number in found)
