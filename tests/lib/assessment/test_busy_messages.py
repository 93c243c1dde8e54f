"""A mail that draws very many hits: they are judged together, old ones are folded, and the counts are right."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from lib.assessment import compaction as folding
from lib.assessment.looks import BUSY
from lib.assessment.summary import summary_of
from lib.tracking.facts import Fact
from tests.support.heed import CHROME, THUNDERBIRD, Heed

MINUTE = 60_000


def opens(heed: Heed, message: str, number: int, minutes_ago: float = 0, seed: int = 1) -> Iterator[Fact]:
    """From as many networks, 100 a minute, until so many minutes ago."""
    chance = random.Random(seed)
    end = int(heed.clock.now().timestamp() * 1000 - minutes_ago * MINUTE)
    for at in range(end - 600 * number, end, 600):
        network = f"{chance.randrange(100, 200)}.{chance.randrange(256)}.{chance.randrange(256)}.0/24"
        key = f"{at:013d}-{chance.getrandbits(48):012x}"
        yield Fact(key, message, "open", at, "GET", 0, agent=CHROME, network=network)


async def kpis_of(heed: Heed, message: str) -> Any:
    return (await heed.get(f"/messages/{message}"))["kpis"]


async def test_a_burst_is_kept_and_judged_together_within_a_minute() -> None:
    heed = await Heed().start()
    message = await heed.sent()
    facts = list(opens(heed, message, BUSY + 500))
    await heed.services.assessor.assess_facts("acme", facts[:BUSY])
    before = await kpis_of(heed, message)

    for place in range(BUSY, len(facts), 50):
        await heed.services.assessor.assess_facts("acme", facts[place : place + 50])
    waiting = await kpis_of(heed, message)
    kept = (await heed.services.fact_store.read("acme", message)).waiting()
    timeline = (await heed.get(f"/messages/{message}/timeline?limit=200"))["items"]
    heed.clock.move(seconds=61)
    await heed.work()

    assert before["raw"]["opens"] == waiting["raw"]["opens"] == BUSY
    assert sorted(kept, key=lambda fact: fact.key) == facts[BUSY:]
    assert all(item["verdict"]["reasons"] for item in timeline)
    assert (await kpis_of(heed, message))["raw"]["opens"] == len(facts)
    stored = await heed.services.fact_store.read("acme", message)
    assert len(stored.judged()) == len(facts)
    assert stored.kept == {}


async def test_a_burst_asks_for_one_recount_and_not_for_one_a_hit() -> None:
    heed = await Heed().start()
    message = await heed.sent()
    facts = list(opens(heed, message, BUSY + 400))
    await heed.services.assessor.assess_facts("acme", facts[:BUSY])
    await heed.work()

    for fact in facts[BUSY:]:
        await heed.services.assessor.assess_facts("acme", [fact])
    heed.clock.move(seconds=61)

    assert await heed.work("interactions") <= 3


async def test_old_facts_of_a_busy_message_are_folded_and_no_longer_read() -> None:
    heed = await Heed().start()
    message = await heed.sent()
    heed.clock.move(days=3)
    await heed.services.assessor.assess_facts("acme", opens(heed, message, 2 * folding.FROM, minutes_ago=300))
    first = await kpis_of(heed, message)
    loaded = await heed.services.messages.load("acme", message)
    assert loaded
    summary = summary_of(loaded)
    assert summary.folded
    assert summary.live == 0

    await heed.services.assessor.assess_facts("acme", opens(heed, message, 7, seed=2))

    known = await heed.services.fact_store.read("acme", message, summary.folded.until - folding.CONTEXT)
    assert len(known.judged()) == 7
    after = await kpis_of(heed, message)
    assert after["raw"]["opens"] == first["raw"]["opens"] + 7 == 2 * folding.FROM + 7
    assert after["opens"] >= first["opens"]
    assert after["last_opened_at"] > first["last_opened_at"]


async def test_a_fact_that_turns_up_long_after_folding_is_counted_once() -> None:
    heed = await Heed().start()
    message = await heed.sent()
    heed.clock.move(days=3)
    old = list(opens(heed, message, 2 * folding.FROM, minutes_ago=300))
    await heed.services.assessor.assess_facts("acme", old[1:])

    for _ in range(2):
        await heed.services.assessor.assess_facts("acme", [old[0], old[5]])

    assert (await kpis_of(heed, message))["raw"]["opens"] == len(old)
    stored = await heed.services.fact_store.read("acme", message)
    assert len(stored.judged()) == len(old)
    assert stored.kept == {}


async def test_an_old_fact_that_waits_while_others_are_folded_is_counted() -> None:
    heed = await Heed().start()
    message = await heed.sent()
    heed.clock.move(days=3)
    first, *others = opens(heed, message, 2 * folding.FROM, minutes_ago=300)
    rows = heed.services.fact_store

    await heed.services.assessor.assess_facts("acme", others)
    await rows.keep_unjudged("acme", message, [first])
    await heed.post(f"/messages/{message}/reassess")

    assert (await kpis_of(heed, message))["raw"]["opens"] == 2 * folding.FROM
    assert (await rows.read("acme", message)).kept == {}


async def test_facts_that_wait_twice_or_are_judged_already_count_once() -> None:
    heed = await Heed().start()
    message = await heed.sent()
    facts = list(opens(heed, message, 250))
    rows = heed.services.fact_store
    await heed.services.assessor.assess_facts("acme", facts[:100])

    for part in (facts[50:], facts[:], facts[200:]):
        await rows.keep_unjudged("acme", message, part)
    await heed.post(f"/messages/{message}/reassess")

    assert (await kpis_of(heed, message))["raw"]["opens"] == 250
    assert (await rows.read("acme", message)).kept == {}


async def test_rows_of_waiting_facts_go_even_if_somebody_else_took_some() -> None:
    heed = await Heed().start()
    message = await heed.sent()
    rows = heed.services.fact_store
    for seed in range(3):
        await rows.keep_unjudged("acme", message, list(opens(heed, message, 2, seed=seed)))
    kept = list((await rows.read("acme", message)).kept)

    await rows.delete_kept("acme", message, kept[:1])
    await rows.delete_kept("acme", message, kept)

    assert (await rows.read("acme", message)).kept == {}


async def test_folding_counts_as_much_as_not_folding() -> None:
    """The twin is another Heed's: in one, the sources of the first mail would be known at the second."""
    heed, other = await Heed().start(), await Heed().start()
    message, twin = await heed.sent(), await other.sent()
    for each in (heed, other):
        each.clock.move(days=3)
    facts = [*opens(heed, message, 700, minutes_ago=300), *opens(heed, message, 50, minutes_ago=3, seed=2)]
    for start in range(0, len(facts), 250):
        await heed.services.assessor.assess_facts("acme", facts[start : start + 250])
    heed.clock.move(seconds=61)
    await heed.work()

    await other.services.assessor.assess_facts("acme", [replace(fact, message=twin) for fact in facts])
    await other.post(f"/messages/{twin}/reassess")

    assert await kpis_of(heed, message) == await kpis_of(other, twin)


async def test_the_alert_of_a_busy_message_outlives_the_fact_it_tells_of() -> None:
    heed = await Heed().start()
    message = await heed.sent()
    [read] = opens(heed, message, 1, seed=3)
    await heed.services.assessor.assess_facts("acme", [replace(read, agent=THUNDERBIRD)])
    heed.clock.move(seconds=30)
    await heed.work()
    cards = (await heed.get("/cards", x_heed_user="rep1"))["items"]
    heed.clock.move(days=2)
    await heed.services.assessor.assess_facts("acme", opens(heed, message, 2 * folding.FROM, minutes_ago=90))
    await heed.work()

    assert [card["kind"] for card in cards] == ["email_opened"]
    assert [card["id"] for card in (await heed.get("/cards", x_heed_user="rep1"))["items"]] == [cards[0]["id"]]
