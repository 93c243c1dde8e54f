"""Facts of stopped recipients go, wherever a process dies over it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Literal

import pytest

from lib.storage import Unavailable
from lib.storage.layout import table
from lib.storage.memory import MemoryQueues, memory_storage
from lib.storage.protocols import EVERYTHING
from lib.tracking.queue_messages import Interactions, read_interactions
from tests.support.failing import Failure, failing_storage
from tests.support.heed import GMAIL, Heed

NO = {"follow": "do_not_allow"}
When = Literal["before", "after"]
WHEN = pytest.mark.parametrize("when", ["before", "after"])


async def disturbed() -> tuple[Heed, Failure]:
    """Heed whose tables fail as the failure is armed, with tokens that name no address."""
    memory, failure = memory_storage(), Failure()
    storage = replace(failing_storage(memory, failure), queues=memory.queues)
    return await Heed(storage=storage, settings={"HEED_TOKEN_FORM": "1"}).start(), failure


async def facts_anywhere(heed: Heed) -> str:
    """What is kept of hits, in the tables that keep something of them."""
    rows = [
        f"{row.partition} {row.key} {dict(row.values)}"
        for kind in ("journal", "facts")
        async for row in heed.storage.tables.query(table("acme", kind), EVERYTHING)
    ]
    return "\n".join(each for each in rows if '"kind"' in each or each.startswith("seen-by"))


async def waiting(heed: Heed) -> list[Interactions]:
    """Take what the queue has."""
    await heed.services.journal.settle()
    queues = heed.storage.queues
    assert isinstance(queues, MemoryQueues)
    taken = []
    while (sent := queues.take_message("interactions")) is not None:
        taken.append(read_interactions(json.loads(sent.body)))
    return taken


@WHEN
@pytest.mark.parametrize("with_facts", [True, False], ids=["with their facts", "by their commits"])
async def test_arriving_facts_are_gone_after_the_next_try(when: When, with_facts: bool) -> None:
    number, has_failed = 0, True
    while has_failed:
        number += 1
        heed, failure = await disturbed()
        await heed.sent()
        for kind in ("o", "c"):
            await heed.hit(heed.urls(kind)[0], GMAIL)
        taken = await waiting(heed)
        await heed.put("/consents/ada@example.com", NO)
        taken = [each if with_facts else replace(each, facts=[]) for each in taken]

        failure.arm(number, when)
        has_failed = False
        for interactions in taken:
            try:
                await heed.services.intake.assess_interactions(interactions)
            except Unavailable:
                has_failed = True
                break
        failure.arm(0, when)
        for interactions in taken:
            await heed.services.intake.assess_interactions(interactions)

        assert await facts_anywhere(heed) == "", number
    assert number > 5


@WHEN
async def test_stored_facts_of_after_the_stop_are_gone_after_the_next_look(when: When) -> None:
    number, has_failed = 0, True
    while has_failed:
        number += 1
        heed, failure = await disturbed()
        message = await heed.sent()
        heed.clock.move(minutes=-85)
        await heed.hit(heed.urls("o")[0], GMAIL)
        await heed.work()
        assert await facts_anywhere(heed) != ""
        heed.clock.move(seconds=-5)
        await heed.put("/consents/ada@example.com", NO)

        failure.arm(number, when)
        try:
            await heed.services.assessor.refresh("acme", message)
            has_failed = False
        except Unavailable:
            pass
        failure.arm(0, when)
        await heed.services.assessor.refresh("acme", message)

        assert await facts_anywhere(heed) == "", number
        assert (await heed.get(f"/messages/{message}"))["kpis"]["raw"]["opens"] == 0
    assert number > 5


async def test_a_row_of_the_journal_that_comes_after_the_queue_is_cleaned_by_the_sweep() -> None:
    heed, _ = await disturbed()
    await heed.sent()
    await heed.hit(heed.urls("o")[0], GMAIL)
    taken = await waiting(heed)
    await heed.put("/consents/ada@example.com", NO)
    journal = table("acme", "journal")
    [late] = [row async for row in heed.storage.tables.query(journal, EVERYTHING) if row.key == "facts"]
    from lib.storage import Delete, Insert

    await heed.storage.tables.write_rows(journal, [Delete(late.partition, late.key)])
    for interactions in taken:
        await heed.services.intake.assess_interactions(interactions)
    await heed.storage.tables.write_rows(journal, [Insert(late)])

    heed.clock.move(minutes=5)
    await heed.tick("sweep_journal")

    assert await facts_anywhere(heed) == ""


async def test_facts_of_others_in_the_same_row_of_the_journal_stay() -> None:
    heed, _ = await disturbed()
    await heed.sent()
    ada = heed.urls("o")[0]
    await heed.sent(to=[{"email": "bob@example.com"}])
    bob = heed.urls("o")[0]
    import asyncio

    await asyncio.gather(heed.hit(ada, GMAIL), heed.hit(bob, GMAIL))
    taken = await waiting(heed)
    await heed.put("/consents/ada@example.com", NO)
    for interactions in taken:
        await heed.services.intake.assess_interactions(interactions)

    rows = [row async for row in heed.storage.tables.query(table("acme", "journal"), EVERYTHING) if row.key == "facts"]
    assert str([dict(row.values) for row in rows]).count('"kind":"open"') == 1
