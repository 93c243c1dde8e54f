"""What the queue has lost is found in the journal, once."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import timedelta
from unittest.mock import patch

import pytest

from lib.assessment.intake import RowsMissing
from lib.clock import SetClock
from lib.storage import Delete, Range, Row, Storage, Unavailable, Upsert
from lib.storage.memory import MemoryBlobs, MemoryQueues, MemoryTables, StorageWriter, memory_storage
from lib.tracking.journal import FACTS_ROW, facts_of
from lib.tracking.queue_messages import Interactions, read_interactions
from tests.support.heed import ADMIN_KEY, START, Heed, InvocationError

ORGANIZATION_WITHOUT_ENGAGEMENT = {"name": "acme", "settings": {"engagement_enabled": False}}


class JournalOnly(StorageWriter):
    """The queue does not answer."""

    async def put_message(self, queue: str, body: str) -> None:
        raise Unavailable("storage answers 503")


@pytest.fixture
async def heed() -> Heed:
    """A Heed whose queue takes no facts."""
    storage = memory_storage()
    return await Heed(storage=storage, writer=JournalOnly(storage)).start()


async def opens(heed: Heed, message: str) -> int:
    kpis = (await heed.get(f"/messages/{message}"))["kpis"]
    return int(kpis["raw"]["opens"])


async def opened(heed: Heed) -> str:
    """A message that was sent, and opened without the queue's knowing."""
    message = await heed.sent()
    await heed.hit(heed.urls("o")[0])
    await heed.services.journal.settle()
    return message


async def sweep(heed: Heed) -> int:
    return await heed.services.sweep.run()


async def test_a_hit_that_only_the_journal_has_reaches_the_assessor(heed: Heed) -> None:
    message = await opened(heed)
    heed.clock.move(minutes=3)
    await heed.tick("sweep_journal")
    assert await opens(heed, message) == 1


async def test_the_queue_has_time_to_bring_a_hit_by_itself(heed: Heed) -> None:
    message = await opened(heed)
    heed.clock.move(minutes=1)
    assert await sweep(heed) == 0
    heed.clock.move(minutes=2)
    assert await sweep(heed) == 1
    assert await opens(heed, message) == 1


async def test_what_was_swept_is_not_swept_again(heed: Heed) -> None:
    await opened(heed)
    heed.clock.move(minutes=3)
    assert [await sweep(heed), await sweep(heed)] == [1, 0]


async def test_what_came_through_the_queue_is_not_swept() -> None:
    heed = await Heed().start()
    message = await opened(heed)
    await heed.work()
    heed.clock.move(minutes=3)
    assert await sweep(heed) == 0
    assert await opens(heed, message) == 1


async def opened_by_sixty(heed: Heed) -> str:
    """A message that was sent, and opened so often at once that the queue was told only where the facts are.

    On a slow machine these are several commits, of which each by itself would be small enough to travel with its facts.
    """
    message = await heed.sent()
    [pixel] = heed.urls("o")
    with patch("lib.tracking.journal._FEW_BYTES", 0):
        await asyncio.gather(*(heed.hit(pixel) for _ in range(60)))
        await heed.services.journal.settle()
    return message


async def test_facts_that_the_queue_only_names_are_read_from_the_journal() -> None:
    heed = await Heed().start()
    message = await opened_by_sixty(heed)
    await heed.services.intake.assess_interactions(await named_by_the_queue(heed))
    assert await opens(heed, message) == 60
    heed.clock.move(minutes=3)
    assert await sweep(heed) == 0


class Forgetful(MemoryTables):
    """Says of the journal's rows in `hidden` that they are not there, so many times."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden: dict[str, int] = {}

    async def read_row(self, table: str, partition: str, key: str) -> Row | None:
        if self.hidden.get(partition, 0) and key == FACTS_ROW:
            self.hidden[partition] -= 1
            return None
        return await super().read_row(table, partition, key)


async def named_by_the_queue(heed: Heed) -> Interactions:
    """What the queue has brought, without facts; of several messages, all in one."""
    queues = heed.storage.queues
    assert isinstance(queues, MemoryQueues)
    bodies = []
    while sent := queues.take_message("interactions"):
        bodies.append(read_interactions(json.loads(sent.body)))
    brought = [interactions for interactions in bodies if interactions.commits]
    assert brought
    assert not any(interactions.facts for interactions in brought)
    return replace(brought[0], commits=[commit for interactions in brought for commit in interactions.commits])


async def forgetful() -> tuple[Heed, Forgetful]:
    tables = Forgetful()
    return await Heed(storage=Storage(tables, MemoryBlobs(), MemoryQueues())).start(), tables


async def test_a_named_row_that_is_not_there_is_asked_for_again() -> None:
    heed, tables = await forgetful()
    message = await opened_by_sixty(heed)
    named = await named_by_the_queue(heed)
    tables.hidden = dict.fromkeys(named.commits, 2)
    for _ in range(2):
        with pytest.raises(RowsMissing, match=named.commits[0]):
            await heed.services.intake.assess_interactions(named)
        assert await opens(heed, message) == 0
    await heed.services.intake.assess_interactions(named)
    assert await opens(heed, message) == 60
    heed.clock.move(minutes=3)
    assert await sweep(heed) == 0


async def test_a_named_row_that_is_not_there_fails_the_queues_function() -> None:
    heed, tables = await forgetful()
    message = await opened_by_sixty(heed)
    commits = {row.partition async for row in tables.query("heedacmejournal", Range(low="2", high="3"))}
    tables.hidden = dict.fromkeys(commits, 1)
    with pytest.raises(InvocationError):
        await heed.work()
    heed.clock.move(minutes=3)
    assert await sweep(heed) == len(commits)
    assert await opens(heed, message) == 60


async def test_rows_beside_a_missing_one_are_not_kept_waiting() -> None:
    heed = await Heed().start()
    message = await heed.sent()
    [pixel] = heed.urls("o")
    for _ in range(2):
        await asyncio.gather(*(heed.hit(pixel) for _ in range(60)))
    await heed.services.journal.settle()
    rows = [row async for row in heed.storage.tables.query("heedacmejournal", Range(low="2", high="3"))]
    assert len(rows) > 1
    await heed.storage.tables.write_rows("heedacmejournal", [Delete(rows[0].partition, rows[0].key)])
    with pytest.raises(RowsMissing, match=rows[0].partition) as raised:
        await heed.services.intake.assess_interactions(Interactions("acme", [], [], [row.partition for row in rows]))
    assert rows[1].partition not in str(raised.value)
    assert await opens(heed, message) == 120 - len(facts_of(rows[0]))
    heed.clock.move(minutes=3)
    assert await sweep(heed) == 0


async def test_a_missing_row_that_was_taken_before_is_passed_over() -> None:
    heed = await Heed().start()
    message = await opened_by_sixty(heed)
    named = await named_by_the_queue(heed)
    await heed.services.intake.assess_interactions(named)
    for commit in named.commits:
        await heed.storage.tables.write_rows("heedacmejournal", [Delete(commit, FACTS_ROW)])
    await heed.services.intake.assess_interactions(named)
    assert await opens(heed, message) == 60


@pytest.mark.parametrize("change", ["deleted", "switched off"])
async def test_of_an_organization_that_wants_no_facts_any_more_no_row_is_missed(change: str) -> None:
    heed = await Heed().start()
    await opened_by_sixty(heed)
    named = await named_by_the_queue(heed)
    if change == "deleted":
        await heed.services.organizations.delete_organization("acme")
    else:
        put = await heed.request("PUT", "/api/orgs/acme", ORGANIZATION_WITHOUT_ENGAGEMENT, key=ADMIN_KEY)
        assert put.status == 200
        for commit in named.commits:
            await heed.storage.tables.write_rows("heedacmejournal", [Delete(commit, FACTS_ROW)])
    await heed.services.intake.assess_interactions(named)


async def test_a_message_that_comes_through_the_queue_after_the_sweep_counts_once() -> None:
    heed = await Heed().start()
    message = await opened(heed)
    heed.clock.move(minutes=3)
    assert await sweep(heed) == 1
    await heed.work()
    assert await opens(heed, message) == 1


async def test_sweeps_go_on_where_the_last_one_ended(heed: Heed) -> None:
    message = await heed.sent()
    [pixel] = heed.urls("o")
    for number in range(1, 6):
        await heed.hit(pixel)
        await heed.services.journal.settle()
        heed.clock.move(minutes=20)
        assert await sweep(heed) == 1
        assert await opens(heed, message) == number


async def test_the_first_sweep_after_an_outage_of_hours_finds_everything(heed: Heed) -> None:
    message = await heed.sent()
    [pixel] = heed.urls("o")
    for _ in range(5):
        await heed.hit(pixel)
        await heed.services.journal.settle()
        heed.clock.move(hours=4)
    assert await sweep(heed) == 5
    assert await opens(heed, message) == 5


@pytest.mark.parametrize("minutes", [-10, -5, 5, 10])
async def test_a_process_whose_clock_is_ten_minutes_off_loses_nothing(heed: Heed, minutes: int) -> None:
    message = await heed.sent()
    [pixel] = heed.urls("o")
    await sweep(heed)  # a watermark is set
    other = Heed(
        clock=SetClock(heed.clock.now() + timedelta(minutes=minutes)),
        storage=heed.storage,
        writer=JournalOnly(heed.storage),
    )
    await other.hit(pixel)
    await other.services.journal.settle()
    for _ in range(4):
        heed.clock.move(minutes=5)
        await sweep(heed)
    assert await opens(heed, message) == 1


async def test_a_row_that_is_no_fact_does_not_keep_the_others_from_being_swept(
    heed: Heed, caplog: pytest.LogCaptureFixture
) -> None:
    message = await opened(heed)
    commit = f"{START:%Y%m%d%H}-{int(START.timestamp() * 1000):013d}000000000000"
    await heed.storage.tables.write_rows("heedacmejournal", [Upsert(Row(commit, "facts", {"f0": "[{}]"}))])
    heed.clock.move(minutes=3)
    assert await sweep(heed) == 2
    assert await opens(heed, message) == 1
    assert "cannot be read" in caplog.text


async def test_an_organization_that_cannot_be_swept_does_not_keep_the_others_from_it(
    heed: Heed, caplog: pytest.LogCaptureFixture
) -> None:
    await heed.organization("aaaa")
    await heed.storage.tables.drop("heedaaaajournal")
    message = await opened(heed)
    heed.clock.move(minutes=3)
    assert await sweep(heed) == 1
    assert await opens(heed, message) == 1
    assert "aaaa" in caplog.text


async def test_a_sweep_that_fails_half_way_is_done_again(heed: Heed, monkeypatch: pytest.MonkeyPatch) -> None:
    message = await opened(heed)
    heed.clock.move(minutes=3)

    async def fail(organization: str, facts: object) -> None:
        raise Unavailable("storage answers 503")

    with monkeypatch.context() as patched:
        patched.setattr(heed.services.assessor, "assess_facts", fail)
        assert await sweep(heed) == 0
    assert await sweep(heed) == 1
    assert await opens(heed, message) == 1
