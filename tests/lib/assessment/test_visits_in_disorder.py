"""Whatever the order in which facts of several messages come, the same is known of their sources in the end."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from lib.clock import milliseconds, moment
from lib.storage import Insert, Row
from lib.storage.layout import ADDRESS_SECRET_ROW, EVIDENCE, ORGANIZATIONS, table
from lib.storage.protocols import EVERYTHING
from lib.tracking.facts import Fact, answer_fact
from tests.support.heed import CHROME, GMAIL, START, Heed

RECIPIENTS = ("ada@one.example", "bob@one.example", "cleo@two.example", "dan@three.example", "ada@one.example")
AGENTS = (CHROME, GMAIL, "Mozilla/5.0", "Scanner/2.1", None)
NETWORKS = ("81.2.69.0/24", "45.155.91.0/24", "45.155.92.0/24", "66.249.84.0/24", None)
_HOURS = 3_600_000


def facts_of(number: int, chance: random.Random, most: int) -> list[Fact]:
    """Hits and answers of the message with this number, from 20 minutes after its dispatch on, over some days."""
    facts = []
    for place in range(chance.randint(0, most)):
        at = milliseconds(START) + chance.choice((20, 21, 40, 90, 2_000, 4_000)) * 60_000 + chance.randrange(5_000)
        if chance.random() < 0.15:
            mail = f"{number:02x}{place:02x}".ljust(32, "a")
            facts.append(answer_fact("reply", f"{number:032x}", moment(at), mail, 0))
            continue
        key = f"{at:013d}-{number:06x}{place:06x}"
        kind: Any = chance.choice(("open", "open", "click"))
        agent, network = chance.choice(AGENTS), chance.choice(NETWORKS)
        facts.append(Fact(key, f"{number:032x}", kind, at, "GET", 0, 0, agent, network))
    return facts


async def world() -> tuple[Heed, list[str]]:
    """Heed with a known secret, and mail that was sent to the recipients."""
    heed = Heed()
    row = Row("acme", ADDRESS_SECRET_ROW, {"v": 1, "secret": "5e" * 32})
    await heed.storage.tables.create(ORGANIZATIONS)
    await heed.storage.tables.write_rows(ORGANIZATIONS, [Insert(row)])
    await heed.start()
    messages = []
    for email in RECIPIENTS:
        messages.append(await heed.draft(to=[{"email": email}]))
        await heed.post(f"/messages/{messages[-1]}/send")
        await heed.work()
    heed.clock.move(days=4)
    return heed, messages


async def ended(heed: Heed, messages: list[str]) -> tuple[Any, Any]:
    """All verdicts, and all that is remembered."""
    verdicts = [
        [(event["id"], event["verdict"]) for event in (await heed.get(f"/messages/{each}/timeline?limit=200"))["items"]]
        for each in messages
    ]
    rows = heed.storage.tables.query(table("acme", EVIDENCE), EVERYTHING)
    found = []
    async for row in rows:
        rest, _, message = row.key.rpartition("|")
        # Rows by place end with the message, too.
        found.append((row.partition, rest, messages.index(message), sorted(row.values.items())))
    return verdicts, sorted(found, key=str)


async def look_at_all(heed: Heed, messages: list[str]) -> None:
    for message in messages:
        await heed.services.assessor.look_again("acme", message, last=True)


@settings(max_examples=25, deadline=None)
@given(st.randoms(use_true_random=False), st.integers(2, 8))
def test_any_order_repetition_and_delay_ends_in_the_same_verdicts_and_visits(chance: random.Random, most: int) -> None:
    async def run() -> None:
        facts = [fact for number in range(len(RECIPIENTS)) for fact in facts_of(number, chance, most)]

        heed, messages = await world()
        ordered = sorted(facts, key=lambda fact: fact.key)
        for fact in ordered:
            await heed.services.assessor.assess_facts("acme", [_of(fact, messages)])
        await look_at_all(heed, messages)
        expected = await ended(heed, messages)

        other, twins = await world()
        pieces = facts * 2
        chance.shuffle(pieces)
        while pieces:
            size = chance.randint(1, 6)
            await other.services.assessor.assess_facts("acme", [_of(fact, twins) for fact in pieces[:size]])
            del pieces[:size]
            if chance.random() < 0.2:
                await look_at_all(other, twins)
        await look_at_all(other, twins)
        assert await ended(other, twins) == expected

    asyncio.run(run())


def _of(fact: Fact, messages: list[str]) -> Fact:
    return replace(fact, message=messages[int(fact.message, 16)])
