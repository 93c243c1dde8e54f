"""Deep health: all that an operator looks at first, in bounded time, and what becomes of it in the log."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from functions.resources import health
from lib.operations import deployment
from lib.operations.instances import Presence
from lib.storage import Backlog, Row, StorageError, Tables, Unavailable, Upsert
from lib.storage.layout import INTERACTIONS, OUTBOX, WEBHOOKS, table
from lib.storage.memory import MemoryQueues, MemoryTables, memory_storage
from tests.support.heed import ADMIN_KEY, Heed, Response

CHECKS = {
    "storage": "ok",
    "mail": "ok",
    "reminders": "ok",
    "queues": "ok",
    "dead letters": "ok",
    "sweeps": "ok",
    "token keys": "ok",
}


async def look(heed: Heed, method: str = "GET") -> Response:
    return await heed.request(method, "/api/health/deep", key=ADMIN_KEY)


class Waiting(MemoryQueues):
    """Queues in which messages wait since some time."""

    def __init__(self) -> None:
        super().__init__()
        self.since: dict[str, datetime] = {}

    async def backlog(self, queue: str) -> Backlog:
        return Backlog(1, self.since[queue]) if queue in self.since else await super().backlog(queue)


class Failing(MemoryTables):
    """Tables the rows of which are read by `read`, where it is set."""

    read: Callable[[str], Any] | None = None

    async def read_row(self, table: str, partition: str, key: str) -> Row | None:
        if self.read is not None:
            await self.read(table)
        return await super().read_row(table, partition, key)


@pytest.fixture
async def queues() -> Waiting:
    return Waiting()


@pytest.fixture
async def tables() -> Failing:
    return Failing()


@pytest.fixture
async def office(queues: Waiting, tables: Failing) -> Heed:
    return await Heed(storage=replace(memory_storage(), queues=queues, tables=tables)).start()


async def test_all_is_well_while_nothing_waits(office: Heed) -> None:
    answer = await look(office)
    assert (answer.status, answer.json["status"], answer.json["checks"]) == (200, "ok", CHECKS)
    assert answer.json["oldest_overdue_seconds"] == {"mail": 0, "reminders": 0}
    assert all(each["age_days"] >= 0 for each in answer.json["catalogues"] if each["as_of"])


async def test_an_instance_that_cannot_open_what_another_one_seals_is_told(office: Heed) -> None:
    async def tables() -> Tables:
        return office.storage.tables

    for keys in (["k1"], ["k1", "k2"]):
        await Presence(tables, keys, "all", office.clock).tell_once()
    answer = await look(office)
    assert (answer.status, answer.json["checks"]["token keys"]) == (200, "ok")
    assert [each["token_keys"] for each in answer.json["instances"]] == [["k1"], ["k1", "k2"]]

    await Presence(tables, ["k2", "k1"], "all", office.clock).tell_once()
    answer = await look(office)
    said = "1 of 3 instances cannot open what the key k2 seals"
    assert (answer.status, answer.json["checks"]["token keys"]) == (503, said)
    office.clock.move(minutes=20)
    assert (await look(office)).json["instances"] == []


@pytest.mark.parametrize(("method", "status"), [("GET", 200), ("HEAD", 200), ("POST", 405)])
async def test_head_is_answered_like_get(office: Heed, method: str, status: int) -> None:
    assert (await look(office, method)).status == status
    assert (await office.request(method, "/api/health")).status == status


async def test_head_tells_by_its_status_what_get_tells(office: Heed, tables: Failing) -> None:
    async def fail(_: str) -> None:
        raise Unavailable("down")

    tables.read = fail
    assert {(await look(office, method)).status for method in ("GET", "HEAD")} == {503}
    assert (await office.request("HEAD", "/api/health")).status == 503


async def test_strangers_learn_only_what_names_no_organization(office: Heed) -> None:
    for key, status in ((None, 401), ("wrong", 401), (office.key, 403)):
        assert (await office.request("GET", "/api/health/deep", key=key)).status == status
    await office.services.sweep.run()
    assert b"acme" in (await look(office)).body
    assert b"acme" not in (await office.request("GET", "/api/health")).body


@pytest.mark.parametrize(
    ("queue", "said"),
    [(OUTBOX, "the oldest message of outbox has waited for 301 s"), (WEBHOOKS, "ok")],
)
async def test_a_message_that_waits_for_over_five_minutes_fails_a_check_unless_it_may_wait(
    office: Heed, queues: Waiting, queue: str, said: str
) -> None:
    queues.since[queue] = office.clock.now() - timedelta(seconds=301)
    answer = await look(office)
    assert answer.json["checks"] == {**CHECKS, "queues": said}
    assert answer.status == (200 if said == "ok" else 503)
    assert [each["oldest_seconds"] for each in answer.json["queues"] if each["queue"] == queue] == [301]


async def test_dead_letters_fail_a_check(office: Heed, queues: Waiting) -> None:
    for queue in (OUTBOX, OUTBOX, INTERACTIONS):
        queues.dead_letters.bury(queue, b"{}", office.clock.now())
    answer = await look(office)
    assert (answer.status, answer.json["checks"]["dead letters"]) == (503, "1 of interactions, 2 of outbox")


async def test_a_sweep_that_is_behind_fails_a_check(office: Heed) -> None:
    await office.services.sweep.run()
    office.clock.move(days=1)
    await office.services.sweep.run()
    office.clock.move(minutes=10)
    assert (await look(office)).json["checks"] == CHECKS
    office.clock.move(minutes=1)
    assert (await look(office)).json["checks"] == {**CHECKS, "sweeps": "that of acme is 660 s behind"}


async def test_storage_that_hangs_is_told_in_time(
    monkeypatch: pytest.MonkeyPatch, office: Heed, tables: Failing, queues: Waiting
) -> None:
    async def hang(_: str) -> Any:
        await asyncio.Event().wait()

    monkeypatch.setattr(health, "_CHECK_SECONDS", 0.05)
    tables.read = hang
    monkeypatch.setattr(queues, "backlog", hang)
    monkeypatch.setattr(tables, "query", lambda *_, **__: hangs())

    async def hangs() -> Any:
        await hang("")
        yield

    answer = await look(office)

    assert (answer.status, answer.json["queues"], answer.json["sweeps"]) == (503, None, None)
    silent = "does not answer"
    assert answer.json["checks"] == {"storage": silent, "queues": silent, "sweeps": silent, "token keys": silent}
    assert answer.json["oldest_overdue_seconds"] is None
    assert answer.json["catalogues"]


async def test_storage_of_one_organization_that_hangs_hides_no_other(
    monkeypatch: pytest.MonkeyPatch, office: Heed, tables: Failing
) -> None:
    await office.organization("bolt")
    await office.services.sweep.run()

    async def hang(name: str) -> None:
        if name == table("bolt", "journal"):
            await asyncio.Event().wait()

    monkeypatch.setattr(deployment, "_SECONDS_FOR_ONE", 0.05)
    tables.read = hang
    sweeps = {each["organization"]: each["lag_seconds"] for each in (await look(office)).json["sweeps"]}
    assert sweeps["bolt"] is None
    assert sweeps["acme"] is not None


async def test_a_watermark_that_cannot_be_read_has_the_sweep_begin_anew(office: Heed) -> None:
    name = table("acme", "journal")
    await office.storage.tables.write_rows(name, [Upsert(Row("sweep", "sweep", {"v": 1, "until": "yesterday"}))])
    assert [each["swept_to"] for each in (await look(office)).json["sweeps"]] == [None]
    await office.services.sweep.run()
    assert [each["swept_to"] is None for each in (await look(office)).json["sweeps"]] == [False]


def metrics_of(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    lines = [record.getMessage().removeprefix("heed.metric ") for record in caplog.records]
    caplog.clear()
    return [json.loads(line) for line in lines if line.startswith("{")]


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, "heed.metrics")
    return caplog


async def test_every_five_minutes_the_log_has_what_waits(
    office: Heed, queues: Waiting, log: pytest.LogCaptureFixture
) -> None:
    queues.since[OUTBOX] = office.clock.now() - timedelta(seconds=40)
    await queues.send(INTERACTIONS, "{}")  # of which the backlog does not tell the time

    await office.tick("watch_dead_letters")

    found = metrics_of(log)
    oldest = {each["queue"]: each["value"] for each in found if each["name"] == "oldest_waiting_seconds"}
    assert oldest == {OUTBOX: 40, "inbound": 0, "jobs": 0, "webhooks": 0}
    waiting = {each["queue"]: each["value"] for each in found if each["name"] == "messages_waiting"}
    assert waiting == {OUTBOX: 1, INTERACTIONS: 1, "inbound": 0, "jobs": 0, "webhooks": 0}


async def test_once_an_hour_the_log_has_the_ages_of_catalogues(office: Heed, log: pytest.LogCaptureFixture) -> None:
    told = []
    for _ in range(12):
        await office.tick("watch_dead_letters")
        told.append({each["catalogue"] for each in metrics_of(log) if each["name"] == "catalogue_age_days"})
        office.clock.move(minutes=5)
    dated = {each["name"] for each in (await look(office)).json["catalogues"] if each["as_of"]}
    assert [each for each in told if each] == [dated]


async def test_after_each_sweep_the_log_has_how_far_it_is_behind(
    office: Heed, tables: Failing, log: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def lag() -> list[float]:
        await office.tick("sweep_journal")
        return [each["value"] for each in metrics_of(log) if each["name"] == "sweep_lag_seconds"]

    assert await lag() == [0]
    office.clock.move(days=1)
    assert await lag() == [0]
    office.clock.move(minutes=5)

    async def fail(name: str) -> None:
        if name == table("acme", "journal"):
            raise StorageError("storage refused: 403")

    tables.read = fail
    assert await lag() == [24 * 3600]  # not known: what a first sweep looks at
    tables.read = None

    async def refuse(*_: Any) -> Any:
        raise Unavailable("down")

    monkeypatch.setattr(tables, "write_rows", refuse)
    assert await lag() == [300]
