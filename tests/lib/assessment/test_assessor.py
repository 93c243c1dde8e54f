"""The assessor recomputes: what comes twice, late or in another order ends in the same state."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from lib.tracking.facts import Fact
from tests.support.heed import CHROME, START, Heed

AGENTS = [CHROME, "Mozilla/5.0", "curl/8.5", None]


def facts_of(message: str, number: int, seed: int = 1) -> list[Fact]:
    """Some seconds apart, from a few sources, so that rules about facts together have something to say."""
    chance = random.Random(seed)
    at = int(START.timestamp() * 1000)
    facts = []
    for _ in range(number):
        at += chance.choice([1, 300, 4_000, 60_000, 3_000_000])
        facts.append(
            Fact(
                key=f"{at:013d}-{chance.getrandbits(48):012x}",
                message=message,
                kind=chance.choice(["open", "click"]),
                at=at,
                method=chance.choice(["GET", "GET", "GET", "HEAD"]),
                recipient=0,
                item=chance.randrange(3),
                agent=chance.choice(AGENTS),
                network=chance.choice(["81.2.69.0/24", "40.92.1.0/24", None]),
            )
        )
    return facts


async def ended(heed: Heed, message: str) -> tuple[Any, Any, Any]:
    """All that anybody can see of the message."""
    timeline = (await heed.get(f"/messages/{message}/timeline?limit=200"))["items"]
    listed = (await heed.get("/messages?view=followed"))["items"]
    return (await heed.get(f"/messages/{message}"))["kpis"], timeline, [item["kpis"] for item in listed]


@settings(max_examples=20, deadline=None)
@given(st.randoms(use_true_random=False), st.integers(1, 40))
def test_shuffled_split_and_repeated_facts_end_in_the_same_state(chance: random.Random, number: int) -> None:
    async def run() -> None:
        heed = await Heed().start()
        message = await heed.sent()
        facts = facts_of(message, number)
        await heed.services.assessor.assess_facts("acme", facts)
        expected = await ended(heed, message)

        other = await Heed().start()
        twin = await other.sent()
        pieces = [replace(fact, message=twin) for fact in facts] * 2
        chance.shuffle(pieces)
        while pieces:
            size = chance.randint(1, 10)
            await other.services.assessor.assess_facts("acme", pieces[:size])
            del pieces[:size]
        assert await ended(other, twin) == expected

    asyncio.run(run())


async def test_two_assessors_of_one_message_agree_in_the_end() -> None:
    heed = await Heed().start()
    message = await heed.sent()
    facts = facts_of(message, 30)

    await asyncio.gather(*(heed.services.assessor.assess_facts("acme", facts[place::3]) for place in range(3)))

    kpis, timeline, listed = await ended(heed, message)
    assert kpis["raw"]["opens"] + kpis["raw"]["clicks"] == len(timeline) == 30
    assert listed == [kpis]


async def test_judging_again_changes_nothing() -> None:
    heed = await Heed().start()
    message = await heed.sent()
    await heed.services.assessor.assess_facts("acme", facts_of(message, 10))
    before = await ended(heed, message)

    await heed.services.assessor.refresh("acme", message)

    assert await ended(heed, message) == before


async def test_a_message_with_hundreds_of_facts_is_counted_whole() -> None:
    heed = await Heed().start()
    message = await heed.sent()

    await heed.services.assessor.assess_facts("acme", facts_of(message, 350))

    kpis = (await heed.get(f"/messages/{message}"))["kpis"]
    assert kpis["raw"]["opens"] + kpis["raw"]["clicks"] == 350


async def test_facts_of_an_unknown_message_or_organization_harm_nobody() -> None:
    heed = await Heed().start()
    message = await heed.sent()
    strangers = facts_of("0" * 32, 3)

    await heed.services.assessor.assess_facts("acme", [*strangers, *facts_of(message, 1)])
    await heed.services.assessor.assess_facts("nobody", strangers)

    kpis = (await heed.get(f"/messages/{message}"))["kpis"]
    assert kpis["raw"]["opens"] + kpis["raw"]["clicks"] == 1


async def test_a_list_row_that_a_late_assessor_left_is_removed_by_the_next() -> None:
    heed = await Heed().start()
    message = await heed.draft()
    store = heed.services.messages
    old = await store.load("acme", message)
    assert old
    await heed.post(f"/messages/{message}/send")
    await heed.work()
    # Somebody who had read the draft puts its rows back, and loses the race for the summary.
    late = heed.services.assessor
    original = store.load
    answers = [old]

    async def load(organization: str, wanted: str) -> Any:
        return answers.pop() if answers else await original(organization, wanted)

    store.load = load  # type: ignore[method-assign,assignment]
    await late.refresh("acme", message)
    store.load = original  # type: ignore[method-assign]

    items = (await heed.get("/messages"))["items"]
    assert [(item["id"], item["status"]) for item in items] == [(message, "sent")]


async def test_a_message_that_is_deleted_while_it_is_assessed_leaves_nothing_in_lists() -> None:
    heed = await Heed().start()
    message = await heed.draft()
    store = heed.services.messages
    old = await store.load("acme", message)
    assert old
    assert (await heed.api("DELETE", f"/messages/{message}")).status == 200
    original = store.load
    answers = [old]

    async def load(organization: str, wanted: str) -> Any:
        return answers.pop() if answers else await original(organization, wanted)

    store.load = load  # type: ignore[method-assign,assignment]
    await heed.services.assessor.refresh("acme", message)

    assert (await heed.get("/messages"))["items"] == []
