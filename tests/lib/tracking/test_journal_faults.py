"""The journal when storage does not work: answers come in time all the same, and the log has what storage has not."""

import asyncio
import json
import logging
from collections import Counter
from collections.abc import Mapping

import pytest

from lib.tracking import journal as journal_module
from lib.tracking.facts import Fact
from lib.tracking.journal import LOG_MARK
from tests.lib.tracking.test_journal import (
    HANGS,
    ScriptedWriter,
    Step,
    a_fact,
    a_journal,
    broken,
    down,
    fine,
    never,
    recorded,
)


def logged(caplog: pytest.LogCaptureFixture) -> list[tuple[str, Fact]]:
    """Organization and fact of every line that a replay would take."""
    found = []
    for record in caplog.records:
        _, mark, rest = record.getMessage().partition(LOG_MARK)
        if mark:
            line = json.loads(rest)
            found.append((line["org"], Fact.from_object(line["fact"])))
    return found


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commits have next to no time."""
    monkeypatch.setattr(journal_module, "COMMIT_LIMIT", 0.02)
    monkeypatch.setattr(journal_module, "PATIENCE", 0.01)


@pytest.mark.parametrize("table", [down, broken])
@pytest.mark.parametrize("queue", [down, broken])
async def test_a_fact_that_nobody_took_is_in_the_log_once(
    caplog: pytest.LogCaptureFixture, table: Step, queue: Step
) -> None:
    fact = a_fact(agent='An "agent" \\ “😀”')
    journal = a_journal(ScriptedWriter(table, queue))
    assert not await journal.record("acme", fact)
    await journal.settle()
    assert logged(caplog) == [("acme", fact)]


async def test_every_fact_of_a_failed_commit_is_in_the_log_once(caplog: pytest.LogCaptureFixture) -> None:
    facts = [a_fact(number) for number in range(120)]
    journal = a_journal(ScriptedWriter(down, down))
    assert not any(await recorded(journal, facts))
    await journal.settle()
    assert Counter(fact.key for _, fact in logged(caplog)) == Counter(fact.key for fact in facts)


@pytest.mark.usefixtures("hurried")
async def test_storage_that_never_answers_ends_with_the_commits_time(
    caplog: pytest.LogCaptureFixture,
) -> None:
    journal = a_journal(ScriptedWriter(never, never))
    async with asyncio.timeout(HANGS):
        assert not any(await recorded(journal, [a_fact(number) for number in range(3)]))
        await journal.settle()
    assert Counter(fact.key for _, fact in logged(caplog)) == Counter(a_fact(number).key for number in range(3))


@pytest.mark.usefixtures("hurried")
async def test_who_waits_behind_a_commit_that_hangs_is_answered_too(caplog: pytest.LogCaptureFixture) -> None:
    journal = a_journal(ScriptedWriter(never, never))
    first = asyncio.create_task(journal.record("acme", a_fact(0)))
    await asyncio.sleep(0)
    async with asyncio.timeout(HANGS):
        assert await recorded(journal, [a_fact(1), a_fact(2)]) == [False, False]
        assert not await first
        await journal.settle()
    assert [fact.key for _, fact in logged(caplog)] == [a_fact(number).key for number in range(3)]


@pytest.mark.parametrize("failure", [down, never])
@pytest.mark.usefixtures("hurried")
async def test_the_task_that_records_a_hit_writes_its_line(caplog: pytest.LogCaptureFixture, failure: Step) -> None:
    """The Functions host drops a line of a task whose invocation has ended."""
    writers: dict[str, str] = {}

    def note(record: logging.LogRecord) -> bool:
        _, mark, rest = record.getMessage().partition(LOG_MARK)
        task = asyncio.current_task()
        if mark and task:
            writers[json.loads(rest)["fact"]["key"]] = task.get_name()
        return True

    caplog.handler.addFilter(note)
    journal = a_journal(ScriptedWriter(failure, failure))
    hits = []
    for number in range(6):
        hits.append(asyncio.create_task(journal.record("acme", a_fact(number)), name=a_fact(number).key))
        await asyncio.sleep(0.005)
    assert not any(await asyncio.gather(*hits))
    await journal.settle()
    caplog.handler.removeFilter(note)
    assert writers == {a_fact(number).key: a_fact(number).key for number in range(6)}


async def test_a_hit_whose_answer_is_called_off_is_left_to_the_log_and_stored_all_the_same(
    caplog: pytest.LogCaptureFixture,
) -> None:
    gate = asyncio.Event()
    writer = ScriptedWriter(table=gate.wait, queue=gate.wait)
    journal = a_journal(writer)
    hit = asyncio.create_task(journal.record("acme", a_fact()))
    await asyncio.sleep(0)
    hit.cancel()
    await asyncio.gather(hit, return_exceptions=True)
    assert logged(caplog) == [("acme", a_fact())]
    gate.set()
    await journal.settle()
    assert writer.keys() == [a_fact().key]
    assert len(logged(caplog)) == 1


async def test_while_storage_stays_down_no_fact_is_logged_twice(caplog: pytest.LogCaptureFixture) -> None:
    journal = a_journal(ScriptedWriter(down, down))
    for number in range(5):
        assert not await journal.record("acme", a_fact(number))
        await journal.settle()
    assert [fact.key for _, fact in logged(caplog)] == [a_fact(number).key for number in range(5)]


@pytest.mark.usefixtures("hurried")
async def test_a_write_that_hangs_ends_although_the_other_one_was_enough(caplog: pytest.LogCaptureFixture) -> None:
    journal = a_journal(ScriptedWriter(queue=never))
    async with asyncio.timeout(HANGS):
        assert await journal.record("acme", a_fact())
        await journal.settle()
    assert logged(caplog) == []


async def test_while_storage_is_down_facts_are_logged_without_waiting_for_it(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_module, "COMMIT_LIMIT", 10 * HANGS)
    writer = ScriptedWriter(down, down)
    journal = a_journal(writer)
    assert not await journal.record("acme", a_fact(0))
    gate = asyncio.Event()
    writer.table = writer.queue = gate.wait
    async with asyncio.timeout(HANGS):
        assert await recorded(journal, [a_fact(number) for number in range(1, 20)]) == [False] * 19
    assert len(logged(caplog)) == 20
    gate.set()
    await journal.settle()


@pytest.mark.parametrize("healed", ["table", "queue"])
async def test_the_journal_recovers_with_the_first_write_that_succeeds(
    caplog: pytest.LogCaptureFixture, healed: str
) -> None:
    writer = ScriptedWriter(down, down)
    journal = a_journal(writer)
    assert not await journal.record("acme", a_fact(0))
    setattr(writer, healed, fine)
    assert not await journal.record("acme", a_fact(1))
    await journal.settle()
    assert await journal.record("acme", a_fact(2))
    await journal.settle()
    assert [fact.key for _, fact in logged(caplog)] == [a_fact(0).key, a_fact(1).key]


async def test_facts_of_the_first_try_after_a_failure_are_stored_too() -> None:
    writer = ScriptedWriter(down, down)
    journal = a_journal(writer)
    await journal.record("acme", a_fact(0))
    writer.table = writer.queue = fine
    await journal.record("acme", a_fact(1))
    await journal.settle()
    assert writer.keys() == [a_fact(1).key]


async def test_the_unforeseen_does_not_stop_the_journal() -> None:
    writer = ScriptedWriter(broken, broken)
    journal = a_journal(writer)
    assert not await journal.record("acme", a_fact(0))
    writer.table = writer.queue = fine
    await journal.record("acme", a_fact(1))
    await journal.settle()
    assert await journal.record("acme", a_fact(2))


async def test_one_organizations_storage_that_hangs_does_not_delay_anothers(caplog: pytest.LogCaptureFixture) -> None:
    gate = asyncio.Event()

    class TwoAccounts(ScriptedWriter):
        async def insert(self, table: str, partition: str, key: str, columns: Mapping[str, str]) -> None:
            await (gate.wait() if table == "heedslowjournal" else fine())

        async def put_message(self, queue: str, body: str) -> None:
            await (gate.wait() if '"org":"slow"' in body else fine())

    journal = a_journal(TwoAccounts())
    slow = asyncio.create_task(recorded(journal, [a_fact(number) for number in range(3)], "slow"))
    await asyncio.sleep(0)
    async with asyncio.timeout(HANGS):
        assert await recorded(journal, [a_fact(number) for number in range(10)], "quick") == [True] * 10
    assert not slow.done()
    gate.set()
    assert await slow == [True] * 3
    assert logged(caplog) == []


async def test_one_organizations_failure_does_not_degrade_anothers_journal() -> None:
    class OneIsDown(ScriptedWriter):
        async def insert(self, table: str, partition: str, key: str, columns: Mapping[str, str]) -> None:
            await (down() if table == "heedpoorjournal" else fine())

        async def put_message(self, queue: str, body: str) -> None:
            await (down() if '"org":"poor"' in body else fine())

    journal = a_journal(OneIsDown())
    assert not await journal.record("poor", a_fact(0))
    assert await journal.record("rich", a_fact(1))
    await journal.settle()


async def test_what_waits_in_memory_for_storage_is_bounded_and_all_of_it_is_logged(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_module, "_MOST_WAITING", 5)
    writer = ScriptedWriter(down, down)
    journal = a_journal(writer)
    await journal.record("acme", a_fact(0))
    gate = asyncio.Event()
    writer.table = writer.queue = gate.wait
    await journal.record("acme", a_fact(1))
    for _ in range(3):
        await asyncio.sleep(0)  # until this one is under way
    await recorded(journal, [a_fact(number) for number in range(2, 30)])
    gate.set()
    await journal.settle()
    assert writer.keys() == [a_fact(number).key for number in range(1, 7)]
    assert Counter(fact.key for _, fact in logged(caplog)) == Counter(a_fact(number).key for number in range(30))
