"""Lists of messages through the API: every view, every order, page by page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, get_args
from urllib.parse import quote

import pytest

from lib.lists.store import Sort, View
from lib.storage import Storage
from lib.storage.memory import memory_storage
from tests.support.failing import FailingTables, Failure
from tests.support.heed import Heed

SORTS = get_args(Sort)
VIEWS = get_args(View)


async def hits(heed: Heed, mail: int, opens: int, clicks: int = 0) -> None:
    """What a person does, with pauses."""
    for kind, count in (("o", opens), ("c", clicks)):
        for _ in range(count):
            heed.clock.move(minutes=7)
            await heed.hit(heed.urls(kind, mail)[0])
            await heed.work()


async def items(heed: Heed, query: str) -> list[Any]:
    found: list[Any] = (await heed.get(f"/messages?{query}"))["items"]
    return found


async def walk(heed: Heed, query: str, between: Callable[[], Any] | None = None) -> list[Any]:
    """The whole list by pages of two; something may happen between any two of them."""
    found, cursor = [], ""
    while True:
        page = await heed.get(f"/messages?limit=2&{query}{cursor}")
        found += page["items"]
        if page["next"] is None:
            return found
        cursor = f"&cursor={quote(page['next'])}"
        if between:
            await between()


@pytest.fixture
async def mixed(heed: Heed) -> Heed:
    """Six mails of different fates, a draft and a scheduled message."""
    for subject in ("Éclair", "zebra", "Apple / pie?", "éclair", "", "#1 'offer'"):
        await heed.sent(subject=subject)
    await hits(heed, mail=2, opens=1, clicks=2)
    await hits(heed, mail=0, opens=3)
    await hits(heed, mail=4, opens=1)
    await heed.draft(subject="Mid")
    await heed.draft(subject="Later")
    scheduled = await heed.draft(subject="Later", deliver_at="2027-01-01T09:00:00Z")
    await heed.post(f"/messages/{scheduled}/send")
    return heed


@pytest.mark.parametrize("view", VIEWS)
async def test_every_view_answers_in_every_order_with_the_same_messages(mixed: Heed, view: str) -> None:
    expected = {"followed": 6, "all": 9, "scheduled": 1, "received": 0}[view]
    for scope in ("", "&owner=rep1"):
        for sort in SORTS:
            found = await items(mixed, f"view={view}&sort={sort}{scope}")
            assert len({item["id"] for item in found}) == len(found) == expected
            assert await walk(mixed, f"view={view}&sort={sort}{scope}") == found


@pytest.mark.parametrize("column", ["opens", "clicks", "attachment_views", "replies", "last_opened_at"])
@pytest.mark.parametrize("view", ["all", "followed"])
async def test_messages_are_in_the_order_of_what_was_counted_and_then_newest_first(
    mixed: Heed, view: str, column: str
) -> None:
    newest = await items(mixed, f"view={view}&sort=-sent_at")

    up, down = [await items(mixed, f"view={view}&sort={sign}{column}") for sign in ("", "-")]

    def counted(item: Any) -> Any:
        return item["kpis"][column] or ("" if column == "last_opened_at" else 0)

    assert up == sorted(newest, key=counted)
    assert down == sorted(newest, key=counted, reverse=True)
    if column in ("opens", "clicks", "last_opened_at"):
        assert up[0]["kpis"][column] in (0, None)
        assert down[0]["kpis"][column]
        assert up[-1] == down[0]


async def test_subjects_are_in_order_without_regard_to_case_and_accents(mixed: Heed) -> None:
    subjects = [item["subject"] for item in await items(mixed, "view=followed&sort=subject")]
    backwards = [item["subject"] for item in await items(mixed, "view=followed&sort=-subject")]

    assert subjects == ["", "#1 'offer'", "Apple / pie?", "éclair", "Éclair", "zebra"]
    assert backwards == ["zebra", "éclair", "Éclair", "Apple / pie?", "#1 'offer'", ""]


async def test_a_page_shows_nothing_twice_and_misses_nothing_while_hits_and_messages_come_in(mixed: Heed) -> None:
    for sort in ("subject", "-subject", "sent_at", "-sent_at"):
        before = [item["id"] for item in await items(mixed, f"sort={sort}")]

        async def meanwhile() -> None:
            mixed.clock.move(hours=8760)
            await mixed.draft(subject="~")
            await mixed.hit(mixed.urls("o", 1)[0])
            await mixed.work()

        shown = [item["id"] for item in await walk(mixed, f"sort={sort}&view=all", meanwhile)]
        assert [message for message in shown if message in before] == before
        assert len(set(shown)) == len(shown)


async def test_what_was_counted_is_in_every_order_at_once(mixed: Heed) -> None:
    message = (await items(mixed, "view=followed&sort=opens"))[0]["id"]
    in_order = [item["id"] for item in await items(mixed, "view=followed&sort=sent_at")]

    await hits(mixed, mail=in_order.index(message), opens=4)

    for view in ("all", "followed"):
        for sort in SORTS:
            [found] = [item for item in await items(mixed, f"view={view}&sort={sort}") if item["id"] == message]
            assert found["kpis"]["raw"]["opens"] == 4
        assert (await items(mixed, f"view={view}&sort=-last_opened_at"))[0]["id"] == message


@pytest.mark.parametrize("sort", ["size", "--opens", "OPENS", "-"])
async def test_an_order_that_there_is_not_is_refused(heed: Heed, sort: str) -> None:
    assert (await heed.api("GET", f"/messages?sort={sort}")).status == 422


async def test_a_cursor_of_another_order_is_refused(mixed: Heed) -> None:
    cursor = (await mixed.get("/messages?limit=1&sort=subject"))["next"]

    for sort in SORTS:
        answer = await mixed.api("GET", f"/messages?sort={sort}&cursor={cursor}")
        assert answer.status == (200 if sort == "subject" else 400)


async def test_a_message_with_hundreds_of_recipients_is_listed_with_all_of_them(heed: Heed) -> None:
    to = [{"email": f"a{number}@example.com", "name": "N" * 200} for number in range(500)]
    message = await heed.sent(to=to)

    for sort in SORTS:
        [item] = await items(heed, f"view=followed&sort={sort}")
        assert (item["id"], len(item["to"])) == (message, 500)


async def test_a_list_costs_few_requests_to_storage() -> None:
    failure, memory = Failure(), memory_storage()
    storage = Storage(FailingTables(memory.tables, failure), memory.blobs, memory.queues)
    heed = await Heed(storage=storage).start()
    for number in range(60):
        await heed.draft(subject=f"Offer {number}")

    for view in VIEWS:
        for sort in SORTS:
            failure.arm(0, "before")
            page = await heed.get(f"/messages?view={view}&sort={sort}")
            assert len(page["items"]) == (50 if view == "all" else 0)
            assert failure.count <= 4


async def test_mails_that_were_read_again_this_week_are_listed_last_opened_first(heed: Heed) -> None:
    for subject in ("once", "again", "latest"):
        await heed.sent(subject=subject)
    await hits(heed, mail=0, opens=1)
    await hits(heed, mail=1, opens=3)
    await hits(heed, mail=2, opens=2)
    view = "view=engaged-this-week"

    found = await walk(heed, f"{view}&sort=-last_opened_at&owner=rep1")
    pages = [(await heed.get(f"/messages?{view}&limit=1"))["items"][0]["subject"]]
    heed.clock.move(minutes=8 * 24 * 60)

    assert [each["subject"] for each in found] == ["latest", "again"]
    assert pages == ["latest"]
    assert await items(heed, view) == []


async def test_that_list_has_one_order_and_is_empty_where_engagement_is_switched_off(heed: Heed) -> None:
    await heed.sent()
    await hits(heed, mail=0, opens=2)
    refused = await heed.api("GET", "/messages?view=engaged-this-week&sort=subject")
    assert (refused.status, refused.json["errors"][0]["loc"]) == (422, ["query", "sort"])
    assert len(await items(heed, "view=engaged-this-week")) == 1

    await heed.organization("acme", engagement_enabled=False)

    assert await items(heed, "view=engaged-this-week") == []
