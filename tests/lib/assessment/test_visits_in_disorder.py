"""Whatever the order in which facts of several messages come, the same is known of their sources in the end."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from lib.clock import milliseconds, moment
from lib.storage import Insert, Row, Storage
from lib.storage.layout import ADDRESS_SECRET_ROW, EVIDENCE, ORGANIZATIONS, table
from lib.storage.memory import memory_storage
from lib.storage.protocols import EVERYTHING
from lib.tracking.facts import Fact, answer_fact
from tests.support.disturbed import Turns
from tests.support.failing import failing_storage
from tests.support.heed import CHROME, GMAIL, START, Heed

RECIPIENTS = (
    ("ada@one.example", "bob@one.example"),
    ("bob@one.example",),
    ("cleo@two.example", "ada@one.example", "eve@gmail.com"),
    ("dan@three.example",),
    ("eve@gmail.com", "fay@gmail.com"),
)
AGENTS = (CHROME, GMAIL, "Mozilla/5.0", "Scanner/2.1", None)
NETWORKS = ("81.2.69.0/24", "45.155.91.0/24", "45.155.92.0/24", "66.249.84.0/24", None)
_HOURS = 3_600_000


def facts_of(number: int, chance: random.Random, most: int) -> list[Fact]:
    """Hits and answers of the message with this number, from 20 minutes after its dispatch on, over some days."""
    facts = []
    for place in range(chance.randint(0, most)):
        at = milliseconds(START) + chance.choice((20, 21, 40, 90, 2_000, 4_000)) * 60_000 + chance.randrange(5_000)
        whose = chance.randrange(len(RECIPIENTS[number]))
        if chance.random() < 0.15:
            mail = f"{number:02x}{place:02x}".ljust(32, "a")
            facts.append(answer_fact("reply", f"{number:032x}", moment(at), mail, whose))
            continue
        key = f"{at:013d}-{number:06x}{place:06x}"
        kind: Any = chance.choice(("open", "open", "click", "attachment_view"))
        agent, network = chance.choice(AGENTS), chance.choice(NETWORKS)
        named = whose if chance.random() < 0.8 else None
        method = "GET" if chance.random() < 0.8 else "HEAD"
        facts.append(Fact(key, f"{number:032x}", kind, at, method, named, 0, agent, network))
    return facts


async def world(storage: Storage | None = None) -> tuple[Heed, list[str]]:
    """Heed with a known secret, and mail that was sent to the recipients, to each a copy of their own."""
    heed = Heed(storage=storage or memory_storage())
    row = Row("acme", ADDRESS_SECRET_ROW, {"v": 1, "secret": "5e" * 32})
    await heed.storage.tables.create(ORGANIZATIONS)
    await heed.storage.tables.write_rows(ORGANIZATIONS, [Insert(row)])
    await heed.start(mixed_recipients="split")
    messages = []
    for emails in RECIPIENTS:
        messages.append(await heed.draft(to=[{"email": email} for email in emails]))
        await heed.post(f"/messages/{messages[-1]}/send")
        await heed.work()
    heed.clock.move(days=4)
    return heed, messages


async def ended(heed: Heed, messages: list[str]) -> tuple[Any, Any]:
    """All verdicts, and all that is remembered. What was said before is history, and depends on the order."""
    timelines = [(await heed.get(f"/messages/{each}/timeline?limit=200"))["items"] for each in messages]
    verdicts = [[(event["id"], {**event["verdict"], "was": None}) for event in events] for events in timelines]
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


@settings(max_examples=10, deadline=None)
@given(st.randoms(use_true_random=False), st.integers(2, 8))
def test_two_instances_that_judge_at_the_same_time_end_where_one_does(chance: random.Random, most: int) -> None:
    async def run() -> None:
        facts = [fact for number in range(len(RECIPIENTS)) for fact in facts_of(number, chance, most)]
        heed, messages = await world()
        await heed.services.assessor.assess_facts("acme", [_of(fact, messages) for fact in facts])
        await look_at_all(heed, messages)
        expected = await ended(heed, messages)

        storage = memory_storage()
        shared = failing_storage(storage, Turns())
        one, twins = await world(Storage(shared.tables, shared.blobs, storage.queues))
        instances = one, Heed(storage=one.storage, clock=one.clock)
        pieces = facts * 2
        chance.shuffle(pieces)
        while pieces:
            parts = [[_of(fact, twins) for fact in pieces[start : start + 3]] for start in (0, 3, 6, 9)]
            del pieces[:12]
            await asyncio.gather(
                *(chance.choice(instances).services.assessor.assess_facts("acme", part) for part in parts)
            )
        await asyncio.gather(*(look_at_all(each, twins) for each in instances))
        # An instance may have looked before the other one had written what it found.
        await look_at_all(one, twins)
        assert await ended(one, twins) == expected

    asyncio.run(run())


def _of(fact: Fact, messages: list[str]) -> Fact:
    return replace(fact, message=messages[int(fact.message, 16)])
