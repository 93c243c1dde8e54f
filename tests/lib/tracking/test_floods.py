"""Floods: hits of one token beyond a number a minute are counted, and the count is stored soon and at the end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from lib.tracking.facts import COUNT, Fact, with_count
from lib.tracking.floods import Floods

ORGANIZATION, MESSAGE = "acme", "0" * 32
NOON = 1_790_000_040_000
"""The first millisecond of a minute."""

FOREVER = 3_600.0


class Store:
    """Facts that were stored; `works` says whether further ones will be."""

    def __init__(self) -> None:
        self.facts: dict[str, Fact] = {}
        self.writes = 0
        self.works = True
        self._written = asyncio.Condition()

    async def record(self, organization: str, fact: Fact) -> bool:
        assert organization == ORGANIZATION
        self.writes += 1
        await asyncio.sleep(0)
        if self.works:
            self.facts[fact.key] = fact
        async with self._written:
            self._written.notify_all()
        return self.works

    async def reaches(self, state: Callable[[], bool]) -> None:
        async with asyncio.timeout(60), self._written:
            await self._written.wait_for(state)

    @property
    def hits(self) -> int:
        return sum(fact.count for fact in self.facts.values())


@pytest.fixture
def store() -> Store:
    return Store()


def hit(number: int, *, at: int = NOON, item: int = 0, recipient: int | None = 0) -> Fact:
    key = f"{at + number:013d}-{number:016x}{item:016x}"
    return Fact(key, MESSAGE, "click", at + number, "GET", recipient=recipient, item=item, agent=f"agent {number}")


async def test_hits_up_to_the_limit_are_facts_of_their_own(store: Store) -> None:
    floods = Floods(store.record, 120, FOREVER)
    assert all([await floods.record_hit(ORGANIZATION, hit(number), 0) for number in range(120)])
    assert (len(store.facts), store.hits) == (120, 120)


async def test_one_fact_stands_for_the_hits_beyond_the_limit(store: Store) -> None:
    floods = Floods(store.record, 120, FOREVER)
    for number in range(20_000):
        await floods.record_hit(ORGANIZATION, hit(number), 0)
    await floods.settle()

    assert (len(store.facts), store.hits) == (122, 20_000)
    last = max(store.facts.values(), key=lambda fact: fact.count)
    assert (last.count, last.at, last.agent) == (19_879, NOON + 19_999, "agent 19999")


async def test_the_count_is_stored_while_the_flood_goes_on(store: Store) -> None:
    floods = Floods(store.record, 10, 0.01)
    for number in range(15):
        await floods.record_hit(ORGANIZATION, hit(number), 0)
    await store.reaches(lambda: store.hits == 15)


async def test_a_flood_that_is_over_leaves_later_hits_alone(store: Store) -> None:
    floods = Floods(store.record, 10, 0.001)
    for number in range(15):
        await floods.record_hit(ORGANIZATION, hit(number), 0)
    await floods.settle()
    later = hit(0, at=NOON + 60_000)
    assert await floods.record_hit(ORGANIZATION, later, 0)
    assert store.facts[later.key] == later


async def test_a_flood_that_goes_on_into_the_next_minute_stays_one(store: Store) -> None:
    floods = Floods(store.record, 10, FOREVER)
    for number in range(100):
        await floods.record_hit(ORGANIZATION, hit(number, at=NOON + 1_000 * number), 0)
    await floods.settle()
    assert (len(store.facts), store.hits) == (12, 100)


@pytest.mark.parametrize("other", [{"item": 1}, {"recipient": 1}, {"recipient": None}])
async def test_other_tokens_of_the_mail_are_unaffected(store: Store, other: dict[str, int | None]) -> None:
    floods = Floods(store.record, 10, FOREVER)
    for number in range(100):
        await floods.record_hit(ORGANIZATION, hit(number), 0)
    fact = replace(hit(5), key=f"{NOON:013d}-{'f' * 32}", **other)  # type: ignore[arg-type]
    assert await floods.record_hit(ORGANIZATION, fact, fact.recipient)
    assert store.facts[fact.key].count == 1
    await floods.settle()


async def test_tokens_of_recipients_whom_facts_do_not_name_are_counted_apart(store: Store) -> None:
    floods = Floods(store.record, 10, FOREVER)
    for number in range(100):
        unnamed = hit(number, recipient=None)
        assert await floods.record_hit(ORGANIZATION, unnamed, recipient=number)
    assert {fact.count for fact in store.facts.values()} == {1}


async def test_hits_that_name_no_recipient_are_counted_apart_from_those_that_do(store: Store) -> None:
    floods = Floods(store.record, 10, FOREVER)
    for number in range(100):
        await floods.record_hit(ORGANIZATION, hit(number, recipient=0 if number % 2 else None), recipient=0)
    await floods.settle()
    named = sum(fact.count for fact in store.facts.values() if fact.recipient == 0)
    assert (named, store.hits) == (50, 100)


async def test_a_count_that_storage_does_not_take_is_stored_once_when_it_does(store: Store) -> None:
    floods = Floods(store.record, 10, 0.001)
    for number in range(11):
        await floods.record_hit(ORGANIZATION, hit(number), 0)
    store.works, tried = False, store.writes
    for number in range(11, 50):
        await floods.record_hit(ORGANIZATION, hit(number), 0)
    await store.reaches(lambda: store.writes >= tried + 3)
    store.works = True
    await store.reaches(lambda: store.hits == 50)
    await floods.settle()
    assert store.hits == 50


async def test_a_count_survives_json_and_a_wrong_one_is_no_count() -> None:
    counted = with_count(hit(1), 1_234)
    assert Fact.from_json(counted.to_json()).count == 1_234
    assert with_count(hit(1), 1) == hit(1)
    for wrong in ("0", "-5", "1e9", "", "9" * 40, "²"):
        assert replace(hit(1), headers={COUNT: wrong}).count == 1
