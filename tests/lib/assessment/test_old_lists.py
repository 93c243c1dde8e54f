"""Lists that release 0.1.0 has written: shown beside today's, and moved when the roll is over."""

from __future__ import annotations

import pytest

from lib.lists.keys import OLD_MAIN, is_old, keys_of, scope_of, standing_of
from lib.lists.moves import PlaceMark
from lib.lists.store import Lists
from lib.storage import Delete, Range, Row, Tables, Upsert
from lib.storage.documents import pack
from tests.support.heed import Heed
from tests.support.listed import INDEX

_OLD = [f"{scope}|{end}" for scope in ("all", "user:rep1") for end in ("plain", "opens", "others")]


async def _list_as_0_1_0(heed: Heed, message: str) -> None:
    """Take the message out of today's lists, and enter it as release 0.1.0 did."""
    tables, lists = heed.services.storage.tables, heed.services.lists
    [listed] = [
        each async for _, each in lists.page("acme", "all", "all", "-sent_at", None, 9) if each.message.id == message
    ]
    loaded = await heed.services.messages.load("acme", message)
    assert loaded
    await heed.services.assessor.forget_message("acme", loaded)
    standing = standing_of(listed.message, listed.kpis)
    for partition in _OLD:
        mark = PlaceMark(standing=standing, partitions=_OLD if partition == OLD_MAIN else [])
        await tables.write_rows(INDEX, [Upsert(Row(partition, f"mark|{message}", pack(mark)))])
        for key in keys_of(partition, message, standing):
            await tables.write_rows(INDEX, [Upsert(Row(partition, key, pack(listed)))])


async def _subjects(heed: Heed, scope: str, sort: str = "-sent_at") -> list[str]:
    page = Lists(heed.services.storage.tables).page("acme", scope, "all", sort, None, 9)  # type: ignore[arg-type]
    return [listed.message.subject async for _, listed in page]


async def _old_rows(tables: Tables) -> list[str]:
    return [row.key async for row in tables.query(INDEX, Range()) if is_old(row.partition)]


@pytest.mark.parametrize("sort", ["-sent_at", "subject", "opens", "-clicks"])
async def test_old_and_new_rows_make_one_list(sort: str) -> None:
    heed = await Heed().start()
    for subject in ("A", "B", "C"):
        message = await heed.sent(subject=subject)
        if subject == "B":
            await _list_as_0_1_0(heed, message)

    for scope in (scope_of(), scope_of("rep1")):
        assert sorted(await _subjects(heed, scope, sort)) == ["A", "B", "C"]


async def test_a_message_that_is_looked_at_again_leaves_the_old_lists() -> None:
    heed = await Heed().start()
    message = await heed.sent(subject="A")
    await _list_as_0_1_0(heed, message)

    await heed.services.old_lists.move_organization("acme")

    assert await _old_rows(heed.services.storage.tables) == []
    assert await _subjects(heed, scope_of()) == ["A"]


async def test_the_timer_waits_until_no_instance_of_the_old_version_can_be_at_work() -> None:
    heed = await Heed().start()
    await _list_as_0_1_0(heed, await heed.sent(subject="A"))

    moved = []
    for minutes in (0, 59, 2):
        heed.clock.move(minutes=minutes)
        moved.append(await heed.services.old_lists.move())

    assert moved == [0, 0, 1]
    assert await heed.services.old_lists.move() == 0


async def test_what_is_gone_leaves_old_and_new_lists() -> None:
    heed = await Heed().start()
    tables = heed.services.storage.tables
    for subject in ("listed by the old release", "listed by the new one", "kept"):
        message = await heed.draft(subject=subject)
        if subject != "listed by the new one":
            await _list_as_0_1_0(heed, message)
        if subject != "kept":
            rows = [row async for row in tables.query("heedacmemessages", message)]
            assert rows
            for row in rows:
                await tables.write_rows("heedacmemessages", [Delete(message, row.key)])

    await heed.services.old_lists.move_organization("acme")

    assert await _subjects(heed, scope_of()) == ["kept"]
    assert await _old_rows(tables) == []
