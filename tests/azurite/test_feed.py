"""The feed on a real Azurite: writers in several processes, one of which is held up before its commit."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Sequence

import pytest

from lib.clock import SystemClock, milliseconds
from lib.feed import store as feed_store
from lib.feed.models import Batch, FeedEvent, FeedPlace
from lib.feed.store import Feed
from lib.storage import Change, Delete, Insert, Replace, Row, Storage, Tables
from lib.storage.layout import ORGANIZATION_ROW, ORGANIZATIONS, table


@pytest.fixture
async def organization(storage: Storage) -> AsyncIterator[str]:
    name = f"o{uuid.uuid4().hex[:20]}"
    await storage.tables.create(ORGANIZATIONS)
    await storage.tables.write_rows(ORGANIZATIONS, [Insert(Row(name, ORGANIZATION_ROW, {"v": 1}))])
    await storage.tables.create(table(name, "feed"))
    yield name
    await storage.tables.write_rows(ORGANIZATIONS, [Delete(name, ORGANIZATION_ROW)])
    await storage.tables.drop(table(name, "feed"))


def batch(name: str, since: int = 0, count: int = 1) -> Batch:
    now = SystemClock().now()
    events = [FeedEvent(id=f"{name}.{number}", type="message.opened", at=now) for number in range(count)]
    return Batch(id=name, planned_at=milliseconds(now), since=since, events=events)


class HeldUp:
    """Tables that hold the commit of a batch up until it is let go."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self.read_row, self.query = tables.read_row, tables.query
        self.create, self.drop = tables.create, tables.drop
        self.arrived, self.go_on = asyncio.Event(), asyncio.Event()

    async def write_rows(self, name: str, changes: Sequence[Change]) -> list[str | None]:
        if any(isinstance(change, Replace) and change.row.key == "head" for change in changes):
            self.arrived.set()
            await self.go_on.wait()
        return await self._tables.write_rows(name, changes)


async def test_a_reader_misses_nothing_of_a_writer_that_is_held_up_before_its_commit(
    storage: Storage, organization: str
) -> None:
    clock, held = SystemClock(), HeldUp(storage.tables)
    slow, quick, reader = Feed(held, clock), Feed(storage.tables, clock), Feed(storage.tables, clock)
    await quick.append_batch(organization, batch("first"))
    writing = asyncio.create_task(slow.append_batch(organization, batch("slow", count=3)))
    await held.arrived.wait()
    for number in range(5):
        await quick.append_batch(organization, batch(f"quick{number}"))
    found, place = await reader.read_events(organization, None, 100)

    held.go_on.set()
    await writing

    after, _ = await reader.read_events(organization, place, 100)
    assert [event.id for _, event in after] == ["slow.0", "slow.1", "slow.2"]
    whole, _ = await reader.read_events(organization, None, 100)
    assert [each for _, each in whole] == [each for _, each in (*found, *after)]


async def test_four_processes_write_and_a_reader_beside_them_sees_every_event_once(
    storage: Storage, organization: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed_store, "FULL_PAGE", 20)
    clock = SystemClock()

    async def write(process: int) -> None:
        feed = Feed(storage.tables, clock)
        for number in range(10):
            since = await feed.find_page(organization)
            await feed.append_batch(organization, batch(f"p{process}n{number}", since, 2))

    writers = asyncio.gather(*map(write, range(4)))
    seen, reader = list[str](), Feed(storage.tables, clock)
    place: FeedPlace | None = None
    is_last = False
    while True:
        found, place = await reader.read_events(organization, place, 7)
        seen += [event.id for _, event in found]
        if is_last and not found:
            break
        is_last = writers.done()
    await writers

    assert len(seen) == len(set(seen)) == 80
    whole, _ = await reader.read_events(organization, None, 1_000)
    assert [event.id for _, event in whole] == seen
