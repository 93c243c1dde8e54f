"""The due index: what is due is handed over, again and again, until it is dropped."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest

from lib.clock import SetClock
from lib.storage import Change, Delete, Row, Unavailable
from lib.storage.due_index import Due, DueHandOver, DueIndex
from lib.storage.layout import DUE
from lib.storage.memory import MemoryTables
from tests.support.heed import START

MINUTE = timedelta(minutes=1)


class SlowTables(MemoryTables):
    """Whoever asks them waits a little, so that sweeps overlap. They count the rows that they hand out."""

    def __init__(self) -> None:
        super().__init__()
        self.rows = 0

    async def query(self, *arguments: Any, **named: Any) -> AsyncIterator[Row]:
        async for row in super().query(*arguments, **named):
            await asyncio.sleep(0)
            self.rows += 1
            yield row

    async def write_rows(self, table: str, changes: Sequence[Change]) -> list[str | None]:
        await asyncio.sleep(0)
        return await super().write_rows(table, changes)


class Index:
    """A due index that notes what its sweeps hand over; some of the items cannot be handed over."""

    def __init__(self) -> None:
        self.clock = SetClock(START)
        self.tables = SlowTables()
        self.index = DueIndex(self.tables, self.clock)
        self.handed: list[str] = []
        self.errors: dict[str, Exception] = {}

    async def put(self, item: str, at: datetime = START) -> Due:
        due = Due("send", at, "acme", item)
        await self.index.put_entry(due)
        return due

    async def sweep(self) -> list[str]:
        """The items that this sweep has handed over."""
        self.handed = []
        await self.index.sweep("send", self._hand_over)
        return self.handed

    async def _hand_over(self, entry: DueHandOver) -> None:
        await asyncio.sleep(0)
        if error := self.errors.get(entry.due.item):
            raise error
        self.handed.append(entry.due.item)


@pytest.fixture
async def due() -> Index:
    made = Index()
    await made.tables.create(DUE)
    return made


async def test_what_is_due_within_a_minute_is_handed_over_oldest_first(due: Index) -> None:
    for seconds in (50, 10, -20, 30, -500, 100):
        await due.put(f"in {seconds} s", START + timedelta(seconds=seconds))

    assert await due.sweep() == ["in -500 s", "in -20 s", "in 10 s", "in 30 s", "in 50 s"]


async def test_an_entry_comes_again_less_and_less_often_until_it_is_dropped(due: Index) -> None:
    entry = await due.put("mail")

    sweeps = [number for number in range(1, 65) if await due.sweep()]
    await due.index.drop_entry(entry)

    assert sweeps == [1, 2, 4, 9, 19, 34, 49, 64]
    assert not any([await due.sweep() for _ in range(20)])


async def test_no_clock_can_be_wrong_about_when_an_entry_comes_again(due: Index) -> None:
    ahead = DueIndex(due.tables, SetClock(START + 10 * MINUTE))
    await due.put("mail")
    handed = list[DueHandOver]()

    async def note(entry: DueHandOver) -> None:
        handed.append(entry)

    for _ in range(2):
        await ahead.sweep("send", note)
        await due.index.sweep("send", note)

    assert [(entry.sweep, entry.times) for entry in handed] == [(1, 1), (2, 2), (4, 3)]


async def test_an_entry_that_is_put_again_begins_anew(due: Index) -> None:
    entry = await due.put("mail")
    await due.sweep()
    await due.sweep()

    await due.index.put_entry(entry)

    assert [await due.sweep() for _ in range(3)] == [["mail"], ["mail"], []]


async def test_an_entry_that_is_made_late_for_a_time_long_past_is_found(due: Index) -> None:
    await due.put("mail")
    for _ in range(30):
        await due.sweep()
        due.clock.move(minutes=1)

    await due.put("late", START - timedelta(days=2))

    assert "late" in await due.sweep()


async def test_a_sweep_reads_only_what_is_due(due: Index) -> None:
    for number in range(300):
        await due.put(f"later {number}", START + timedelta(hours=1, seconds=number))
    await due.put("now")

    assert await due.sweep() == ["now"]
    assert due.tables.rows == 1


@pytest.fixture
def small_sweeps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lib.storage.due_index.MOST_ROWS", 10)
    monkeypatch.setattr("lib.storage.due_index.MOST_FAILURES", 5)
    monkeypatch.setattr("lib.storage.due_index._GROUP", 4)


@pytest.mark.usefixtures("small_sweeps")
async def test_a_backlog_is_worked_off_part_by_part_oldest_first(due: Index) -> None:
    backlog = [f"mail {number}" for number in range(25)]
    for number, item in enumerate(backlog):
        await due.put(item, START - timedelta(hours=9) + number * MINUTE)

    assert [await due.sweep() for _ in range(3)] == [backlog[:10], backlog[10:20], backlog[20:]]


@pytest.mark.usefixtures("small_sweeps")
async def test_a_backlog_that_does_not_move_keeps_nobody_waiting(due: Index) -> None:
    for number in range(50):
        await due.put(f"stuck {number}", START - timedelta(hours=9) + number * MINUTE)
    for _ in range(30):
        await due.sweep()

    await due.put("now", START + timedelta(seconds=30))
    await due.put("older", START - timedelta(hours=2))
    found = [await due.sweep() for _ in range(7)]

    assert "now" in found[0]
    assert any("older" in each for each in found)


async def test_an_entry_that_cannot_be_handed_over_does_not_stop_the_others_and_comes_again(
    due: Index, caplog: pytest.LogCaptureFixture
) -> None:
    for item in ("bad", "good", "fine"):
        await due.put(item)
    due.errors["bad"] = ValueError("no")

    assert sorted(await due.sweep()) == ["fine", "good"]
    assert "send of acme/bad failed" in caplog.text

    del due.errors["bad"]
    assert "bad" in await due.sweep()


async def test_after_an_outage_of_the_queue_mail_goes_with_the_next_sweep(due: Index) -> None:
    await due.put("mail")
    due.errors["mail"] = Unavailable("the queue does not answer")
    for _ in range(30):
        assert await due.sweep() == []

    del due.errors["mail"]

    assert await due.sweep() == ["mail"]


@pytest.mark.usefixtures("small_sweeps")
async def test_a_sweep_gives_up_when_the_queue_is_out_and_the_next_goes_on_behind_it(due: Index) -> None:
    tried = defaultdict[str, int](int)

    async def fail(entry: DueHandOver) -> None:
        tried[entry.due.item] += 1
        raise Unavailable("the queue does not answer")

    for number in range(30):
        await due.put(f"mail {number:02}", START - timedelta(hours=9) + number * MINUTE)
    await due.index.sweep("send", fail)
    assert sorted(tried) == [f"mail {number:02}" for number in range(8)]

    for _ in range(5):
        await due.index.sweep("send", fail)
    assert len(tried) == 30


async def test_two_sweeps_at_the_same_time_share_what_is_due(due: Index) -> None:
    items = [f"mail {number}" for number in range(40)]
    for item in items:
        await due.put(item)

    await asyncio.gather(*(due.index.sweep("send", due._hand_over) for _ in range(3)))

    assert sorted(due.handed) == sorted(items)


async def test_what_is_dropped_while_a_sweep_reads_is_not_handed_over(
    due: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    await due.put("kept")
    gone = await due.put("gone")
    write = due.tables.write_rows

    async def drop_before_the_mark(table: str, changes: Sequence[Change]) -> list[str | None]:
        monkeypatch.setattr(due.tables, "write_rows", write)
        await write(table, changes)
        await write(DUE, [Delete(*gone.place)])
        return ['"1"']

    monkeypatch.setattr(due.tables, "write_rows", drop_before_the_mark)

    assert await due.sweep() == ["kept"]


async def test_entries_go_though_the_count_of_sweeps_was_lost(due: Index) -> None:
    await due.put("mail")
    for _ in range(200):
        await due.sweep()

    await due.tables.write_rows(DUE, [Delete("state", "send")])

    assert await due.sweep() == ["mail"]


async def test_the_oldest_entry_tells_how_long_something_has_been_due(due: Index) -> None:
    assert await due.index.overdue("send") == timedelta(0)
    await due.put("later", START + timedelta(seconds=30))
    assert await due.index.overdue("send") == timedelta(0)

    await due.put("old", START - timedelta(minutes=7))

    assert await due.index.overdue("send") == timedelta(minutes=7)
    assert await due.index.overdue("remind") == timedelta(0)
