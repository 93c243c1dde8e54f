"""Facts in rows of one or of many: what is written is read, in order, each once, and nothing is written over."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest

from lib.storage import Row, Storage, Tables
from lib.storage.columns import text_of
from lib.storage.memory import memory_storage
from lib.tracking.facts import KEPT_HEADERS, Fact
from lib.tracking.requests import LONGEST_AGENT
from lib.verdicts import Reason, Verdict
from lib.verdicts.fact_store import TOGETHER, FactStore

MESSAGE = "0" * 32
HUMAN = Verdict("human", 0.9, (Reason("no-machine-sign", "Nothing about it looks like a machine."),), "2", 0.9)
MACHINE = Verdict("machine", 1.0, (Reason("head", "It asked for the head alone.", -6.0),), "2", 0.0)
START = 1_777_887_000_000


def facts(number: int, span: int, seed: int = 1) -> list[Fact]:
    """So many within so many milliseconds, oldest first."""
    chance = random.Random(seed)
    each = [
        Fact(f"{at:013d}-{chance.getrandbits(48):012x}", MESSAGE, "open", at, "GET", 0, agent=f"agent {at % 7}")
        for at in (START + chance.randrange(span) for _ in range(number))
    ]
    return sorted(each, key=lambda fact: fact.key)


@pytest.fixture
async def tables() -> Tables:
    storage: Storage = memory_storage()
    await storage.tables.create("heedacmefacts")
    return storage.tables


@pytest.fixture
def rows(tables: Tables) -> FactStore:
    return FactStore(tables)


async def write(rows: FactStore, each: Sequence[Fact], verdict: Verdict = HUMAN, *, unread: bool = False) -> None:
    stored = {} if unread else (await rows.read("acme", MESSAGE)).rows
    await rows.write_facts("acme", MESSAGE, each, {fact.key: verdict for fact in each}, stored)


async def timeline(rows: FactStore, after: str | None = None, limit: int | None = None) -> list[tuple[str, str]]:
    """(cursor, fact's key)."""
    return [(cursor, fact.key) async for cursor, fact, _ in rows.newest_first("acme", MESSAGE, after, limit)]


async def stored_rows(tables: Tables) -> list[Row]:
    return [row async for row in tables.query("heedacmefacts", MESSAGE)]


def newest_first(each: Sequence[Fact]) -> list[str]:
    """Those of one millisecond in any order, but always the same."""
    return sorted({fact.key for fact in each}, key=lambda key: (-int(key[:13]), key))


async def test_a_few_facts_have_a_row_each(rows: FactStore, tables: Tables) -> None:
    each = facts(TOGETHER - 1, 1000)
    await write(rows, each)
    assert len(await stored_rows(tables)) == len(each)
    assert (await rows.read("acme", MESSAGE)).judged() == {fact.key: (fact, HUMAN) for fact in each}


async def test_many_facts_at_once_share_rows(rows: FactStore, tables: Tables) -> None:
    each = facts(1_000, 60_000)
    await write(rows, each)
    assert len(await stored_rows(tables)) == 10
    assert (await rows.read("acme", MESSAGE)).judged() == {fact.key: (fact, HUMAN) for fact in each}
    assert [key for _, key in await timeline(rows)] == newest_first(each)


async def test_facts_far_apart_share_no_row(rows: FactStore, tables: Tables) -> None:
    await write(rows, facts(200, 1000 * 24 * 3600_000))
    assert len(await stored_rows(tables)) > 150


async def test_a_row_with_another_verdict_is_written_again_and_no_other(
    rows: FactStore, tables: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    each = facts(250, 60_000)
    await write(rows, each)
    before = {row.key: row.etag for row in await stored_rows(tables)}

    verdicts = {fact.key: HUMAN for fact in each} | {each[0].key: MACHINE}
    await rows.write_facts("acme", MESSAGE, each, verdicts, (await rows.read("acme", MESSAGE)).rows)

    after = {row.key: row.etag for row in await stored_rows(tables)}
    assert before.keys() == after.keys()
    assert sum(before[key] != after[key] for key in before) == 1
    found = (await rows.read("acme", MESSAGE)).judged()
    assert found == {fact.key: (fact, verdicts[fact.key]) for fact in each}


async def test_facts_that_are_not_judged_this_time_keep_their_verdict(rows: FactStore) -> None:
    each = facts(50, 1000)
    await write(rows, each, MACHINE)
    await write(rows, each[40:], HUMAN)
    found = (await rows.read("acme", MESSAGE)).judged()
    assert [found[fact.key][1] for fact in each] == [MACHINE] * 40 + [HUMAN] * 10


@pytest.mark.parametrize("seed", range(12))
async def test_whoever_writes_without_having_read_the_others_loses_nothing(rows: FactStore, seed: int) -> None:
    """Several assessors may judge a message at the same time, and deliveries repeat."""
    chance = random.Random(seed)
    every = facts(400, 40 * 60_000, seed)
    written: list[Fact] = []
    for _ in range(12):
        part = chance.sample(every, chance.choice((1, 3, 30, 120)))
        written += part
        await write(rows, part, chance.choice((HUMAN, MACHINE)), unread=chance.random() < 0.5)

    assert [key for _, key in await timeline(rows)] == newest_first(written)
    await write(rows, every, MACHINE)
    found = [pair async for pair in rows.newest_first("acme", MESSAGE)]
    assert [fact.key for _, fact, _ in found] == newest_first(every)
    assert {verdict.kind for _, _, verdict in found} == {"machine"}


@pytest.mark.parametrize("size", [1, 7, 100])
async def test_pages_of_a_timeline_follow_on_each_other(rows: FactStore, size: int) -> None:
    every = [*facts(300, 30 * 60_000, 3), *facts(30, 300 * 60_000, 4)]
    for start in range(0, 330, 33):
        await write(rows, every[start : start + 33], unread=True)
    await write(rows, every[100:105], unread=True)

    def pages() -> Iterator[None]:
        yield from [None] * (len(every) // size + 1)

    found: list[str] = []
    after = None
    for _ in pages():
        page = await timeline(rows, after, size)
        found += [key for _, key in page]
        after = page[-1][0] if page else after
    assert found == newest_first(every)


@pytest.mark.parametrize("after", ["x", "-", "-0123", "1", "9" * 13, "0" * 13 + "-zzz", "~"])
async def test_a_cursor_that_is_none_of_ours_does_no_harm(rows: FactStore, after: str) -> None:
    await write(rows, facts(3, 1000))
    await rows.keep_unjudged("acme", MESSAGE, facts(3, 1000, 2))
    assert len(await timeline(rows, after)) in (0, 3)


async def test_reading_from_a_moment_on_gives_all_later_facts(rows: FactStore) -> None:
    each = facts(500, 60 * 60_000)
    await write(rows, each)
    since = START + 30 * 60_000
    found = (await rows.read("acme", MESSAGE, since)).judged()
    assert found.keys() >= {fact.key for fact in each if fact.at >= since}
    assert all(fact.at >= since - 10 * 60_000 for fact, _ in found.values())


async def test_facts_that_wait_are_read_with_every_part_and_stand_in_no_timeline(rows: FactStore) -> None:
    waiting, judged = facts(250, 1000, 1), facts(5, 1000, 2)
    await rows.keep_unjudged("acme", MESSAGE, waiting)
    await write(rows, judged)
    stored = await rows.read("acme", MESSAGE, START + 3600_000)
    assert sorted(fact.key for fact in stored.waiting()) == [fact.key for fact in waiting]
    assert stored.rows == {}
    assert [key for _, key in await timeline(rows)] == newest_first(judged)


async def test_the_longest_facts_fit_into_what_azure_allows(rows: FactStore, tables: Tables) -> None:
    headers = {name: '"' * longest for name, longest in KEPT_HEADERS.items()}
    each = [replace(fact, agent='"' * LONGEST_AGENT, headers=headers) for fact in facts(300, 1000)]
    await write(rows, each)
    await rows.keep_unjudged("acme", MESSAGE, each)
    for row in await stored_rows(tables):
        sizes = [2 * len(value) for value in row.values.values() if isinstance(value, str)]
        assert max(sizes) <= 64 * 1024
        assert sum(sizes) < 1024 * 1024
    assert (await rows.read("acme", MESSAGE)).judged() == {fact.key: (fact, HUMAN) for fact in each}


async def test_an_organization_that_is_gone_takes_no_facts() -> None:
    rows = FactStore(memory_storage().tables)
    await write(rows, facts(3, 1000), unread=True)
    await rows.keep_unjudged("acme", MESSAGE, facts(3, 1000))
    await rows.delete_kept("acme", MESSAGE, ["-0123456789abcdef"])


async def test_what_was_said_before_stands_beside_the_verdict(rows: FactStore, tables: Tables) -> None:
    each = facts(TOGETHER + 2, 60_000)
    await write(rows, each)
    changed = {fact.key: HUMAN._replace(was="uncertain") if place == 3 else HUMAN for place, fact in enumerate(each)}

    await rows.write_facts("acme", MESSAGE, each, changed, (await rows.read("acme", MESSAGE)).rows)

    read = (await rows.read("acme", MESSAGE)).judged()
    assert {key: verdict for key, (_, verdict) in read.items()} == changed
    [row] = await stored_rows(tables)
    assert len(json.loads(text_of(row))["verdicts"]) == 1  # as release 0.1.0 reads them
