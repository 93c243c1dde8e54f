"""Messages that were listed before filters had rows of their own."""

from __future__ import annotations

from lib.lists.keys import MAIN
from lib.lists.moves import MARK
from lib.lists.store import Lists
from lib.storage import Delete, Range, Row, Upsert
from tests.support.heed import Heed
from tests.support.listed import INDEX


async def list_as_before(heed: Heed, message: str) -> None:
    """List a message as the version before did: without rows for filters, and without the time of its last change."""
    tables = heed.services.storage.tables
    summary = await heed.services.messages.load("acme", message)
    assert summary
    pages = heed.services.lists.page("acme", MAIN, "all", "-sent_at", None, 200)
    [listed] = [each async for _, each in pages if each.message.id == message]
    await heed.services.assessor.forget_message("acme", summary)
    await Lists(tables).enter_message("acme", listed.model_copy(update={"updated_at": None}), [])


async def subjects(heed: Heed, query: str) -> list[str]:
    return sorted(each["subject"] for each in (await heed.get(f"/messages?{query}"))["items"])


async def heed_of_before() -> Heed:
    heed = await Heed().start()
    for number in range(3):
        await list_as_before(heed, await heed.draft(subject=f"before {number}", to=[{"email": "ada@example.com"}]))
    return heed


async def test_filters_find_messages_of_before_at_any_time() -> None:
    heed = await heed_of_before()
    await heed.draft(subject="after", to=[{"email": "ada@example.com"}])
    everything = ["after", "before 0", "before 1", "before 2"]

    for hours in (0, 2, 1):
        heed.clock.move(hours=hours)
        await heed.tick("move_old_lists")
        for query in ("recipient=ada@example.com", "status=draft", "status=draft&sort=subject"):
            assert await subjects(heed, query) == everything
    assert await subjects(heed, "sort=updated_at") == everything


async def test_messages_are_listed_again_once_no_instance_of_the_version_before_can_be_at_work() -> None:
    heed = await heed_of_before()

    listed = []
    for minutes in (0, 59, 2, 60):
        heed.clock.move(minutes=minutes)
        listed.append(await heed.services.filter_rows_of_before.list_again())

    assert listed == [0, 0, 3, 0]
    assert await heed.services.filter_rows.are_whole("acme")


async def test_a_run_goes_on_behind_the_last_one() -> None:
    heed = await heed_of_before()
    await heed.services.filter_rows_of_before.list_again()
    heed.clock.move(hours=2)

    listed = [await heed.services.filter_rows_of_before.list_messages_again("acme", 2) for _ in range(3)]

    assert listed == [2, 1, 0]
    assert await heed.services.filter_rows.are_whole("acme")


async def test_the_order_by_change_is_refused_until_it_is_whole() -> None:
    heed = await heed_of_before()

    answer = await heed.api("GET", "/messages?sort=updated_at")

    assert (answer.status, answer.json["code"]) == (409, "wrong_state")


async def test_a_message_of_before_that_is_gone_leaves_the_lists_and_one_that_cannot_be_read_stops_no_other() -> None:
    heed = await heed_of_before()
    tables = heed.services.storage.tables
    messages = sorted([row.key.removeprefix(MARK) async for row in tables.query(INDEX, MAIN, Range.prefix(MARK))])
    for row in [row async for row in tables.query("heedacmemessages", messages[0])]:
        await tables.write_rows("heedacmemessages", [Delete(messages[0], row.key)])
    await tables.write_rows("heedacmemessages", [Upsert(Row(messages[1], "m", {"v": 1, "d0": "{}"}))])

    await heed.services.filter_rows_of_before.list_again()
    heed.clock.move(hours=2)
    await heed.services.filter_rows_of_before.list_again()

    assert await heed.services.filter_rows.are_whole("acme")
    assert messages[0] not in [each["id"] for each in (await heed.get("/messages?status=draft"))["items"]]
