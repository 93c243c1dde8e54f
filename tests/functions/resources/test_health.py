"""Health: storage, and mail and reminders that are overdue."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Any

import pytest

from functions.resources import health
from lib.storage import Change, Row, Storage, StorageError, Unavailable
from lib.storage.memory import MemoryTables, memory_storage
from tests.support.heed import ADMIN_KEY, Heed


class Down:
    """Storage that does not answer."""

    async def read_row(self, *_: object) -> None:
        raise Unavailable("down")


async def test_health_is_ok_while_storage_answers(heed: Heed) -> None:
    answer = await heed.request("GET", "/api/health")

    assert answer.status == 200
    assert answer.json == {
        "status": "ok",
        "checks": {"storage": "ok", "mail": "ok", "reminders": "ok"},
        "oldest_overdue_seconds": {"mail": 0, "reminders": 0},
    }


async def test_health_says_what_does_not_answer() -> None:
    memory = memory_storage()
    heed = Heed(storage=Storage(Down(), memory.blobs, memory.queues))  # type: ignore[arg-type]

    answer = await heed.request("GET", "/api/health")

    assert (answer.status, answer.json["checks"]) == (503, {"storage": "does not answer"})


async def test_health_fails_while_a_mail_should_have_gone_five_minutes_ago(heed: Heed) -> None:
    message = await heed.draft()
    await heed.post(f"/messages/{message}/send")  # and the queue is not worked off

    heed.clock.move(minutes=5)
    assert (await heed.request("GET", "/api/health")).status == 200
    heed.clock.move(minutes=1)
    answer = await heed.request("GET", "/api/health")

    assert (answer.status, answer.json["status"]) == (503, "failing")
    assert answer.json["oldest_overdue_seconds"] == {"mail": 360, "reminders": 0}
    assert answer.json["checks"] == {
        "storage": "ok",
        "mail": "the oldest should have gone 360 s ago",
        "reminders": "ok",
    }
    await heed.work()
    heed.clock.move(seconds=10)
    assert (await heed.request("GET", "/api/health")).status == 200


async def test_health_fails_while_a_reminder_should_have_come_five_minutes_ago(heed: Heed) -> None:
    at = "2026-05-04T10:00:00Z"
    await heed.draft(reminder={"title": "Call", "condition": "always", "at": at})

    heed.clock.move(minutes=40)
    answer = await heed.request("GET", "/api/health")
    assert (answer.status, answer.json["oldest_overdue_seconds"]) == (503, {"mail": 0, "reminders": 600})

    await heed.tick("remind")
    heed.clock.move(seconds=10)
    assert (await heed.request("GET", "/api/health")).status == 200


class Counted(MemoryTables):
    queries = 0

    def query(self, *arguments: Any, **named: Any) -> AsyncIterator[Row]:
        self.queries += 1
        return super().query(*arguments, **named)


async def test_however_often_health_is_asked_the_due_index_is_read_once_in_five_seconds() -> None:
    tables = Counted()
    heed = await Heed(storage=replace(memory_storage(), tables=tables)).start()
    before = tables.queries

    for _ in range(20):
        await heed.request("GET", "/api/health")
        heed.clock.move(seconds=0.2)

    assert tables.queries - before == 3  # mail, reminders, snoozed cards


async def test_each_sweep_tells_as_a_metric_how_long_the_oldest_item_has_been_due(
    heed: Heed, caplog: pytest.LogCaptureFixture
) -> None:
    message = await heed.draft(reminder={"title": "Call", "condition": "always", "at": "2026-05-04T10:00:00Z"})
    await heed.post(f"/messages/{message}/send")
    heed.clock.move(minutes=31)

    with caplog.at_level(logging.INFO, "heed.metrics"):
        await heed.tick("sweep_due")
        await heed.tick("remind")

    lines = [json.loads(record.getMessage().removeprefix("heed.metric ")) for record in caplog.records]
    assert lines == [
        {"name": "oldest_overdue_seconds", "kind": "mail", "value": 31 * 60},
        {"name": "oldest_overdue_seconds", "kind": "reminders", "value": 60},
    ]


class ReadOnly(MemoryTables):
    """Tables that refuse writes while `refuses` is set, and count them."""

    refuses: StorageError | None = None
    writes = 0

    async def write_rows(self, table: str, changes: Sequence[Change]) -> list[str | None]:
        self.writes += 1
        if self.refuses:
            raise self.refuses
        return await super().write_rows(table, changes)


@pytest.fixture
async def tables() -> ReadOnly:
    return ReadOnly()


@pytest.fixture
async def office(tables: ReadOnly) -> Heed:
    return await Heed(storage=replace(memory_storage(), tables=tables)).start()


@pytest.mark.parametrize(
    "error", [StorageError("storage refused: 403 AccountIsReadOnly"), Unavailable("storage answers 500 disk full")]
)
async def test_health_fails_while_storage_answers_and_takes_no_writes(
    office: Heed, tables: ReadOnly, error: StorageError
) -> None:
    tables.refuses = error

    answer = await office.request("GET", "/api/health")

    assert (answer.status, answer.json["status"]) == (503, "failing")
    assert answer.json["checks"]["storage"] == "answers, but takes no writes"
    assert answer.json["checks"]["mail"] == "ok"
    tables.refuses = None
    office.clock.move(minutes=1)
    assert (await office.request("GET", "/api/health")).status == 200


async def test_health_tries_a_write_once_a_minute_however_often_it_is_asked(office: Heed, tables: ReadOnly) -> None:
    for refuses, status in ((None, 200), (StorageError("full"), 503)):
        office.clock.move(minutes=1)
        tables.writes, tables.refuses = 0, refuses
        answers = await asyncio.gather(*(office.request("GET", "/api/health") for _ in range(20)))
        for _ in range(10):
            office.clock.move(seconds=5)
            answers.append(await office.request("GET", "/api/health"))
        assert ({answer.status for answer in answers}, tables.writes) == ({status}, 1)


async def test_health_answers_while_a_write_hangs_and_does_not_try_another(
    monkeypatch: pytest.MonkeyPatch, office: Heed, tables: ReadOnly
) -> None:
    tried = []

    async def hang(*_: Any) -> None:
        tried.append(1)
        await asyncio.Event().wait()

    monkeypatch.setattr(health, "_CHECK_SECONDS", 0.05)
    monkeypatch.setattr(tables, "write_rows", hang)
    answers = [await office.request("GET", "/api/health") for _ in range(3)]

    assert [answer.status for answer in answers] == [503] * 3
    assert len(tried) == 1


async def test_health_is_ok_before_the_first_organization_is_made() -> None:
    answer = await Heed().request("GET", "/api/health")

    assert (answer.status, answer.json["checks"]["storage"]) == (200, "ok")


async def test_the_row_that_health_writes_belongs_to_no_organization(heed: Heed) -> None:
    await heed.request("GET", "/api/health")
    key = await heed.organization("health")

    assert [each async for each in heed.services.organizations.list_organizations()] == ["acme", "health"]
    assert (await heed.request("GET", "/api/orgs/health/users", key=key)).status == 200
    assert (await heed.request("DELETE", "/api/orgs/health", key=ADMIN_KEY)).status == 200
    assert [each async for each in heed.services.organizations.list_organizations()] == ["acme"]
    assert (await heed.request("GET", "/api/health")).status == 200
