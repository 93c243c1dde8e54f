"""The feed in storage: its order is that of commits, no reader misses an event, and no batch is in it twice."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.clock import SetClock, milliseconds
from lib.errors import NoLongerKept
from lib.feed import store as feed_store
from lib.feed.models import KEPT, Batch, FeedEvent, FeedPlace
from lib.feed.store import LARGEST_BATCH, Feed
from lib.storage import Change, Insert, Row, Storage, Unavailable
from lib.storage.layout import ORGANIZATION_ROW, ORGANIZATIONS, table
from lib.storage.memory import MemoryTables, memory_storage
from tests.support.failing import Failure, failing_storage
from tests.support.heed import START
from tests.support.remains import everything_in


async def tables_with_acme(storage: Storage | None = None) -> Storage:
    storage = storage or memory_storage()
    await storage.tables.create(ORGANIZATIONS)
    await storage.tables.write_rows(ORGANIZATIONS, [Insert(Row("acme", ORGANIZATION_ROW, {"v": 1}))])
    return storage


def batch(name: str, *, count: int = 1, since: int = 0, at: int = milliseconds(START)) -> Batch:
    events = [FeedEvent(id=f"{name}.{number}", type="message.opened", at=START) for number in range(count)]
    return Batch(id=name, planned_at=at, since=since, events=events)


async def read_all(feed: Feed, after: FeedPlace | None = None, limit: int = 1_000) -> list[str]:
    found, _ = await feed.read_events("acme", after, limit)
    return [event.id for _, event in found]


class PausingTables(MemoryTables):
    """Lets a writer of the feed wait before its commit."""

    def __init__(self) -> None:
        super().__init__()
        self.paused = asyncio.Event()
        self.go_on = asyncio.Event()

    async def write_rows(self, table: str, changes: Sequence[Change]) -> list[str | None]:
        if any(isinstance(change, Insert) and change.row.key == "batch|slow" for change in changes):
            self.paused.set()
            await self.go_on.wait()
        return await super().write_rows(table, changes)


async def test_a_writer_that_pauses_before_its_commit_takes_a_later_place_and_no_reader_misses_its_event() -> None:
    tables, clock = PausingTables(), SetClock(START)
    storage = memory_storage()
    await tables_with_acme(Storage(tables, storage.blobs, storage.queues))
    slow, quick, reader = (Feed(tables, clock) for _ in range(3))
    await quick.append_batch("acme", batch("first"))
    writing = asyncio.create_task(slow.append_batch("acme", batch("slow")))
    await tables.paused.wait()
    await quick.append_batch("acme", batch("quick"))
    clock.move(seconds=30)
    found, place = await reader.read_events("acme", None, 100)
    assert [event.id for _, event in found] == ["first.0", "quick.0"]

    tables.go_on.set()
    await writing

    assert await read_all(reader, place) == ["slow.0"]
    assert await read_all(reader) == ["first.0", "quick.0", "slow.0"]


@settings(max_examples=60)
@given(
    lags=st.lists(st.integers(0, 12), min_size=2, max_size=8),
    sizes=st.lists(st.integers(1, 5), min_size=8, max_size=8),
    full=st.integers(1, 6),
)
def test_a_reader_beside_writers_sees_every_event_once_in_the_order_of_the_feed(
    lags: list[int], sizes: list[int], full: int
) -> None:
    async def run() -> None:
        storage = await tables_with_acme()
        clock, failure = SetClock(START), Turns()
        tables = failing_storage(storage, failure).tables

        async def write(number: int, lag: int) -> None:
            for _ in range(lag):
                await asyncio.sleep(0)
            await Feed(tables, clock).append_batch("acme", batch(f"w{number}", count=sizes[number]))

        writers = asyncio.gather(*(write(number, lag) for number, lag in enumerate(lags)))
        seen, place, reader = list[str](), None, Feed(tables, clock)
        while not writers.done():
            found, place = await reader.read_events("acme", place, 3)
            seen += [event.id for _, event in found]
        await writers
        while True:
            found, place = await reader.read_events("acme", place, 3)
            if not found:
                break
            seen += [event.id for _, event in found]
        assert seen == await read_all(reader)
        assert sorted(seen) == sorted(
            f"w{number}.{each}" for number in range(len(lags)) for each in range(sizes[number])
        )

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(feed_store, "FULL_PAGE", full)
        asyncio.run(run())


class Turns(Failure):
    """Lets others go on before each operation."""

    async def meet(self, operation):  # type: ignore[no-untyped-def]
        await asyncio.sleep(0)
        return await super().meet(operation)


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_batch_stands_in_the_feed_once_whatever_failed_while_it_was_written(when: str) -> None:
    for number in range(1, 12):
        storage, failure = await tables_with_acme(), Failure()
        failing = failing_storage(storage, failure).tables
        failure.arm(number, when)  # type: ignore[arg-type]
        with suppress(Unavailable):
            await Feed(failing, SetClock(START)).append_batch("acme", batch("b", count=3))
        failure.arm(0, "before")
        again = Feed(failing, SetClock(START))
        await again.append_batch("acme", batch("b", count=3))
        await again.append_batch("acme", batch("c"))

        assert await read_all(again) == ["b.0", "b.1", "b.2", "c.0"]


async def test_a_batch_that_went_into_an_earlier_page_is_not_written_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed_store, "FULL_PAGE", 2)
    storage, clock = await tables_with_acme(), SetClock(START)
    feed = Feed(storage.tables, clock)
    for number in range(7):
        await feed.append_batch("acme", batch(f"b{number}"))

    await Feed(storage.tables, clock).append_batch("acme", batch("b1", since=0))
    await Feed(storage.tables, clock).append_batch("acme", batch("b6", since=0))

    assert await read_all(feed) == [f"b{number}.0" for number in range(7)]


async def test_the_largest_batches_fit_and_what_comes_together_is_written_together() -> None:
    storage, clock = await tables_with_acme(), SetClock(START)
    feed = Feed(storage.tables, clock)
    await feed.append_batch("acme", batch("large", count=LARGEST_BATCH))
    await asyncio.gather(*(feed.append_batch("acme", batch(f"b{number:02d}")) for number in range(40)))

    assert len(await read_all(feed)) == LARGEST_BATCH + 40


async def test_a_reader_goes_on_across_pages_with_any_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed_store, "FULL_PAGE", 3)
    storage = await tables_with_acme()
    feed = Feed(storage.tables, SetClock(START))
    for number in range(10):
        await feed.append_batch("acme", batch(f"b{number}", since=await feed.find_page("acme")))

    for limit in range(1, 12):
        seen, place = list[str](), None
        while True:
            found, place = await feed.read_events("acme", place, limit)
            assert len(found) <= limit
            if not found:
                break
            seen += [event.id for _, event in found]
        assert seen == [f"b{number}.0" for number in range(10)]
        assert place == await feed.find_end("acme")


async def test_what_is_old_goes_and_a_place_before_it_is_gone_but_a_reader_who_had_read_all_goes_on() -> None:
    storage, clock = await tables_with_acme(), SetClock(START)
    feed = Feed(storage.tables, clock)
    await feed.append_batch("acme", batch("old", count=2))
    found, end = await feed.read_events("acme", None, 10)
    clock.move(days=31)

    await feed.delete_old("acme", milliseconds(clock.now() - KEPT))

    assert not [each for each in await everything_in(storage) if "old." in each or "batch|" in each]
    with pytest.raises(NoLongerKept):
        await feed.read_events("acme", found[0][0], 10)
    await Feed(storage.tables, clock).append_batch("acme", batch("new", at=milliseconds(clock.now())))
    assert await read_all(feed, end) == ["new.0"]
    assert await read_all(feed) == ["new.0"]


async def test_a_batch_whose_page_was_deleted_is_written_only_if_it_is_none_of_the_old_ones() -> None:
    storage, clock = await tables_with_acme(), SetClock(START)
    feed = Feed(storage.tables, clock)
    await feed.append_batch("acme", batch("old"))
    clock.move(days=31)
    await feed.delete_old("acme", milliseconds(clock.now() - KEPT))

    other = Feed(storage.tables, clock)
    await other.append_batch("acme", batch("old", since=0))
    await other.append_batch("acme", batch("new", since=0, at=milliseconds(clock.now())))

    assert await read_all(other) == ["new.0"]


async def test_a_young_page_and_a_page_without_events_stay() -> None:
    storage, clock = await tables_with_acme(), SetClock(START)
    feed = Feed(storage.tables, clock)
    await feed.append_batch("acme", batch("young"))
    clock.move(days=2)
    await feed.append_batch("acme", batch("next"))
    clock.move(days=29)

    await feed.delete_old("acme", milliseconds(clock.now() - KEPT))
    assert await read_all(feed) == ["next.0"]
    clock.move(days=30)
    for _ in range(3):
        await feed.delete_old("acme", milliseconds(clock.now() - KEPT))

    assert await read_all(feed) == []
    assert (await feed.find_end("acme")).number == 0


async def test_a_place_of_another_feed_is_gone() -> None:
    storage = await tables_with_acme()
    feed = Feed(storage.tables, SetClock(START))
    await feed.append_batch("acme", batch("b"))

    for place in (FeedPlace(0, 2), FeedPlace(7, 1)):
        with pytest.raises(NoLongerKept):
            await feed.read_events("acme", place, 10)


async def test_an_organization_that_is_gone_drops_its_events_and_one_made_again_begins_anew() -> None:
    storage, clock = await tables_with_acme(), SetClock(START)
    feed = Feed(storage.tables, clock)
    await feed.append_batch("acme", batch("before"))
    await storage.tables.drop(table("acme", "feed"))
    await storage.tables.drop(ORGANIZATIONS)
    await feed.append_batch("acme", batch("lost"))

    await tables_with_acme(storage)
    await feed.append_batch("acme", batch("after"))

    assert await read_all(feed) == ["after.0"]


async def test_an_empty_feed_has_no_events_and_a_place_to_read_on_from() -> None:
    storage = await tables_with_acme()
    feed = Feed(storage.tables, SetClock(START))
    found, place = await feed.read_events("acme", None, 10)
    assert found == []

    await feed.append_batch("acme", batch("b"))

    assert await read_all(feed, place) == ["b.0"]
