"""The journal when storage works: facts share commits, and each is durable before `record` says so."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from lib.clock import SetClock
from lib.storage import Row, Unavailable
from lib.tracking import journal as journal_module
from lib.tracking.facts import Fact
from lib.tracking.journal import Journal, facts_of
from lib.tracking.queue_messages import Interactions, read_interactions

HANGS = 20.0
"""Seconds after which a test may say that something hangs; nothing in here takes as long when it works."""

START = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)
Step = Callable[[], Awaitable[Any]]


async def fine() -> None: ...


async def down() -> None:
    raise Unavailable("storage answers 503")


async def broken() -> None:
    raise RuntimeError("nobody has thought of this")


async def never() -> None:
    await asyncio.Event().wait()


@dataclass(slots=True)
class ScriptedWriter:
    """Does `table` before each insert and `queue` before each put; keeps what got through."""

    table: Step = fine
    queue: Step = fine
    inserted: list[tuple[str, str, list[Fact]]] = field(default_factory=list)
    sent: list[tuple[str, str]] = field(default_factory=list)

    async def insert(self, table: str, partition: str, key: str, columns: Mapping[str, str]) -> None:
        await self.table()
        facts = facts_of(Row(partition, key, columns))
        self.inserted.append((table, partition, facts))

    async def put_message(self, queue: str, body: str) -> None:
        await self.queue()
        self.sent.append((queue, body))

    def group_sizes(self) -> list[int]:
        return [len(facts) for _, _, facts in self.inserted]

    def keys(self) -> list[str]:
        return [fact.key for _, _, facts in self.inserted for fact in facts]


def a_fact(number: int = 0, agent: str = "an agent") -> Fact:
    at = 1777887000000 + number
    return Fact(f"{at:013d}-0123456789ab", "0" * 32, "open", at, "GET", recipient=0, agent=agent)


def told(body: str) -> list[str]:
    """The keys of a queue message's facts."""
    return [fact.key for fact in read_interactions(json.loads(body)).facts]


async def passed(turns: int) -> None:
    """The loop has gone round so often: whatever waits for nothing else is done."""
    for _ in range(turns):
        await asyncio.sleep(0)


def a_journal(writer: ScriptedWriter) -> Journal:
    return Journal(writer, SetClock(START))


async def recorded(journal: Journal, facts: Sequence[Fact], organization: str = "acme") -> list[bool]:
    """All at the same time."""
    return await asyncio.gather(*(journal.record(organization, fact) for fact in facts))


async def test_a_fact_is_in_the_table_when_it_is_acknowledged_and_the_queue_is_told() -> None:
    writer = ScriptedWriter()
    journal = a_journal(writer)
    assert await journal.record("acme", a_fact())
    [(table, commit, facts)] = writer.inserted
    await journal.settle()
    assert table == "heedacmejournal"
    assert facts == [a_fact()]
    [(queue, body)] = writer.sent
    assert queue == "interactions"
    assert read_interactions(json.loads(body)) == Interactions("acme", [a_fact()], [], [commit])


async def test_commits_sort_by_the_time_at_which_they_were_made() -> None:
    writer = ScriptedWriter()
    clock = SetClock(START)
    journal = Journal(writer, clock)
    for _ in range(5):
        await journal.record("acme", a_fact())
        clock.move(minutes=40)
    await journal.settle()
    commits = [commit for _, commit, _ in writer.inserted]
    assert commits == sorted(commits)
    assert commits[0].startswith("2026050409-1777887000000")


async def test_at_low_load_every_fact_has_a_commit_of_its_own() -> None:
    writer = ScriptedWriter()
    journal = a_journal(writer)
    for number in range(3):
        assert await journal.record("acme", a_fact(number))
    await journal.settle()
    assert writer.group_sizes() == [1, 1, 1]


async def test_facts_that_come_during_a_commit_share_the_next_one() -> None:
    gate = asyncio.Event()
    writer = ScriptedWriter(table=gate.wait, queue=gate.wait)
    journal = a_journal(writer)
    first = asyncio.create_task(journal.record("acme", a_fact(0)))
    await asyncio.sleep(0)
    others = asyncio.create_task(recorded(journal, [a_fact(number) for number in range(1, 51)]))
    await asyncio.sleep(0)
    gate.set()
    assert await first
    assert all(await others)
    assert writer.group_sizes() == [1, 50]
    assert writer.keys() == [a_fact(number).key for number in range(51)]


async def test_a_commit_waits_for_as_many_facts_as_the_last_one_had(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_module, "COMPANY", HANGS)
    writer = ScriptedWriter()
    journal = a_journal(writer)
    assert all(await recorded(journal, [a_fact(number) for number in range(3)]))
    early = asyncio.create_task(recorded(journal, [a_fact(number) for number in range(3, 5)]))
    await passed(10)
    assert writer.group_sizes() == [3]
    async with asyncio.timeout(HANGS):
        assert await journal.record("acme", a_fact(5))
    assert await early == [True, True]
    assert writer.group_sizes() == [3, 3]


async def test_a_commit_does_not_wait_long_for_facts_that_do_not_come() -> None:
    writer = ScriptedWriter()
    journal = a_journal(writer)
    assert all(await recorded(journal, [a_fact(number) for number in range(3)]))
    async with asyncio.timeout(HANGS):
        assert await journal.record("acme", a_fact(3))
        assert await journal.record("acme", a_fact(4))
    assert writer.group_sizes() == [3, 1, 1]


async def test_the_queue_is_told_of_the_first_commit_at_once_and_of_the_next_ones_together() -> None:
    writer = ScriptedWriter()
    journal = a_journal(writer)
    for number in range(6):
        assert await journal.record("acme", a_fact(number))
        await passed(10)
    assert [told(body) for _, body in writer.sent] == [[a_fact(0).key]]
    await journal.settle()
    assert [told(body) for _, body in writer.sent][1:] == [[a_fact(number).key for number in range(1, 6)]]
    bodies = [read_interactions(json.loads(body)) for _, body in writer.sent]
    assert [commit for body in bodies for commit in body.commits] == [commit for _, commit, _ in writer.inserted]


async def test_a_commit_holds_a_hundred_facts_at_most() -> None:
    writer = ScriptedWriter()
    journal = a_journal(writer)
    assert all(await recorded(journal, [a_fact(number) for number in range(250)]))
    await journal.settle()
    assert writer.group_sizes() == [100, 100, 50]


@pytest.mark.parametrize("character", ["x", "é", "\\"])
async def test_a_commit_fits_into_a_queue_message(character: str) -> None:
    writer = ScriptedWriter(table=down)
    journal = a_journal(writer)
    facts = [a_fact(number, agent=character * 512) for number in range(90)]
    assert all(await recorded(journal, facts))
    await journal.settle()
    assert len(writer.sent) > 1
    assert max(len(body.encode()) for _, body in writer.sent) <= 48 * 1024
    assert [key for _, body in writer.sent for key in told(body)] == [fact.key for fact in facts]


async def test_a_fact_that_is_too_large_for_company_goes_alone() -> None:
    writer = ScriptedWriter()
    journal = a_journal(writer)
    facts = [a_fact(0), a_fact(1, agent="x" * 41_000), a_fact(2)]
    assert all(await recorded(journal, facts))
    await journal.settle()
    assert writer.group_sizes() == [1, 1, 1]


async def test_of_many_facts_the_queue_is_told_only_where_they_are() -> None:
    writer = ScriptedWriter()
    journal = a_journal(writer)
    for start in range(0, 1000, 50):
        assert all(await recorded(journal, [a_fact(start + number) for number in range(50)]))
    await journal.settle()
    bodies = [read_interactions(json.loads(body)) for _, body in writer.sent]
    assert [body.facts for body in bodies] == [[]] * len(bodies)
    assert [commit for body in bodies for commit in body.commits] == [commit for _, commit, _ in writer.inserted]
    sizes = {commit: len(facts) for _, commit, facts in writer.inserted}
    assert max(sum(sizes[commit] for commit in body.commits) for body in bodies) == 200


@pytest.mark.parametrize("failure", [down, broken])
async def test_the_queue_alone_is_enough(failure: Step, caplog: pytest.LogCaptureFixture) -> None:
    writer = ScriptedWriter(table=failure)
    journal = a_journal(writer)
    assert await journal.record("acme", a_fact())
    await journal.settle()
    assert len(writer.sent) == 1
    assert "heed.fact" not in caplog.text


@pytest.mark.parametrize("failure", [down, broken])
async def test_the_table_alone_is_enough(failure: Step, caplog: pytest.LogCaptureFixture) -> None:
    writer = ScriptedWriter(queue=failure)
    journal = a_journal(writer)
    assert await journal.record("acme", a_fact())
    await journal.settle()
    assert writer.keys() == [a_fact().key]
    assert "heed.fact" not in caplog.text


async def test_a_fact_is_acknowledged_before_the_queue_is_told() -> None:
    gate = asyncio.Event()
    writer = ScriptedWriter(queue=gate.wait)
    journal = a_journal(writer)
    assert await journal.record("acme", a_fact())
    assert writer.sent == []
    gate.set()
    await journal.settle()
    assert len(writer.sent) == 1


async def test_a_queue_that_cannot_be_told_is_noted_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    gate = asyncio.Event()

    async def down_later() -> None:
        await gate.wait()
        await down()

    journal = a_journal(ScriptedWriter(queue=down_later))
    assert await journal.record("acme", a_fact())
    gate.set()
    await journal.settle()
    assert "storage answers 503" in caplog.text


async def test_where_the_table_hesitates_the_queue_is_enough_and_is_not_told_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(journal_module, "PATIENCE", 0.01)
    gate = asyncio.Event()
    writer = ScriptedWriter(table=gate.wait)
    journal = a_journal(writer)
    assert await journal.record("acme", a_fact())
    assert writer.inserted == []
    gate.set()
    await journal.settle()
    [(_, commit, _)] = writer.inserted
    [(_, body)] = writer.sent
    assert read_interactions(json.loads(body)) == Interactions("acme", [a_fact()], [], [commit])


async def test_a_table_that_hesitates_is_waited_for_where_the_queue_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_module, "PATIENCE", 0.01)
    gate = asyncio.Event()
    writer = ScriptedWriter(table=gate.wait)

    async def down_then_open() -> None:
        gate.set()
        await down()

    writer.queue = down_then_open
    journal = a_journal(writer)
    assert await journal.record("acme", a_fact())
    assert writer.keys() == [a_fact().key]


async def test_settling_waits_for_everything_that_is_under_way() -> None:
    gate = asyncio.Event()
    writer = ScriptedWriter(table=gate.wait, queue=gate.wait)
    journal = a_journal(writer)
    records = asyncio.create_task(recorded(journal, [a_fact(0), a_fact(1)]))
    await asyncio.sleep(0)
    settled = asyncio.create_task(journal.settle())
    await asyncio.sleep(0)
    assert not settled.done()
    gate.set()
    await settled
    assert len(writer.sent) == 1
    assert await records == [True, True]


async def test_a_recipient_who_hangs_up_leaves_the_fact_behind() -> None:
    gate = asyncio.Event()
    writer = ScriptedWriter(table=gate.wait, queue=gate.wait)
    journal = a_journal(writer)
    request = asyncio.create_task(journal.record("acme", a_fact()))
    await asyncio.sleep(0)
    request.cancel()
    gate.set()
    await journal.settle()
    assert writer.keys() == [a_fact().key]


async def test_organizations_have_their_own_tables_and_commits() -> None:
    writer = ScriptedWriter()
    journal = a_journal(writer)
    await asyncio.gather(journal.record("acme", a_fact(0)), journal.record("other", a_fact(1)))
    await journal.settle()
    assert {table: [fact.key for fact in facts] for table, _, facts in writer.inserted} == {
        "heedacmejournal": [a_fact(0).key],
        "heedotherjournal": [a_fact(1).key],
    }
