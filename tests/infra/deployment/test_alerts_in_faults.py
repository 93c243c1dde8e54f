"""Each alert is raised by a run with the fault that it is about, and by nothing else; a quiet run raises none.

Every alert of the template stands in one of the tables here: one that does not fails the last test.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from infra.docs.deployment_tables import alert_rows
from infra.local.host.invocation import InvocationError
from infra.template_checks.syntax import Object, objects_of, read_template, text_of
from lib.storage import Backlog, Row, Storage, Unavailable
from lib.storage.layout import INBOUND, INTERACTIONS, OUTBOX, table
from lib.storage.memory import MemoryQueues, MemoryTables, memory_storage
from lib.transports.memory import MemoryTransport
from lib.transports.protocol import Refused, Unknown
from tests.infra.deployment.broken_copy import INFRA
from tests.infra.deployment.log_rows import QUERIES, Rows, answered, as_traces, failed, raised_by
from tests.support.attachments import add, send
from tests.support.heed import Heed

Tables = Mapping[str, Rows]
Fault = Callable[[], Awaitable[Tables]]
"""Runs Heed with a fault; what Azure logs of that beside Heed's own lines."""

FAULTS: list[tuple[str, Fault]] = []


def raises(alert: str) -> Callable[[Fault], Fault]:
    """Say which alert a fault is to raise."""

    def note(fault: Fault) -> Fault:
        FAULTS.append((alert, fault))
        return fault

    return note


async def sweep(heed: Heed, times: int = 3) -> None:
    """Let the timers that sweep run for a quarter of an hour."""
    for _ in range(times):
        for timer in ("sweep_due", "remind", "sweep_journal", "watch_dead_letters"):
            await heed.tick(timer)
        heed.clock.move(minutes=5)


class NoWrites:
    """A journal's writer whose storage is down."""

    async def insert(self, *_: object) -> None:
        raise Unavailable("down")

    async def put_message(self, *_: object) -> None:
        raise Unavailable("down")


@raises("hits-only-in-the-log")
async def storage_takes_no_hit() -> Tables:
    heed = await Heed().start()
    await heed.sent()
    down = await Heed(storage=heed.storage, writer=NoWrites(), key=heed.key).start()
    rows = [
        answered("pixel", await down.hit(heed.urls("o")[0])),
        answered("redirect", await down.hit(heed.urls("c")[0])),
    ]
    await down.services.journal.settle()
    await sweep(heed)
    return {"AppRequests": rows}


@raises("dead-letters")
async def a_message_fails_every_time() -> Tables:
    heed = await Heed().start()
    heed.storage.queues.dead_letters.bury(OUTBOX, b"{}", heed.clock.now())  # type: ignore[attr-defined]
    await sweep(heed)
    return {}


class Unread(MemoryTables):
    """Tables of which some cannot be read."""

    def __init__(self) -> None:
        super().__init__()
        self.unread = set[str]()

    async def read_row(self, table: str, partition: str, key: str) -> Row | None:
        if table in self.unread:
            raise Unavailable("down")
        return await super().read_row(table, partition, key)


@raises("recipients-wait-or-fail")
async def an_attachment_cannot_be_found() -> Tables:
    tables = Unread()
    heed = await Heed(storage=replace(memory_storage(), tables=tables)).start()
    message = await heed.draft()
    await add(heed, message)
    await send(heed, message)
    [file] = heed.urls("a")
    tables.unread.add(table("acme", "messages"))
    other = await Heed(storage=heed.storage, key=heed.key).start()  # a process that has not seen the file yet
    rows = [answered("attachment", await other.hit(f"{file}/Offer.pdf"))]
    tables.unread.clear()
    await sweep(heed)
    return {"AppRequests": rows}


@raises("mail-or-reminders-are-late")
async def mail_is_not_sent_in_time() -> Tables:
    heed = await Heed().start()
    await heed.post(f"/messages/{await heed.draft()}/send")  # and the queue is not worked off
    heed.clock.move(minutes=6)
    await sweep(heed, times=1)
    return {}


@raises("mail-or-reminders-are-late")
async def a_reminder_does_not_fire() -> Tables:
    heed = await Heed().start()
    await heed.draft(reminder={"title": "Call", "condition": "always", "at": "2026-05-04T10:00:00Z"})
    heed.clock.move(minutes=36)
    await sweep(heed, times=1)
    return {}


@raises("the-sweep-does-not-run")
async def no_timer_looks_for_due_mail() -> Tables:
    await (await Heed().start()).tick("sweep_journal")
    return {}


@raises("the-sweep-does-not-run")
async def no_timer_sweeps_journals() -> Tables:
    await (await Heed().start()).tick("sweep_due")
    return {}


class Slow(MemoryQueues):
    """Queues in one of which a message waits since a time."""

    def __init__(self, queue: str) -> None:
        super().__init__()
        self._queue = queue
        self.since: datetime | None = None

    async def backlog(self, queue: str) -> Backlog:
        return Backlog(1, self.since) if queue == self._queue else await super().backlog(queue)


async def run_with_slow(queue: str) -> Tables:
    queues = Slow(queue)
    heed = await Heed(storage=replace(memory_storage(), queues=queues)).start()
    queues.since = heed.clock.now() - timedelta(minutes=6)
    await sweep(heed)
    return {}


@raises("work-waits")
async def hits_wait_in_their_queue() -> Tables:
    return await run_with_slow(INTERACTIONS)


@raises("work-waits")
async def mail_waits_in_its_queue() -> Tables:
    return await run_with_slow(OUTBOX)


@raises("work-waits")
async def answers_wait_in_their_queue() -> Tables:
    return await run_with_slow(INBOUND)


@raises("work-waits")
async def a_journal_cannot_be_swept() -> Tables:
    tables = Unread()
    heed = await Heed(storage=replace(memory_storage(), tables=tables)).start()
    tables.unread.add(table("acme", "journal"))
    await sweep(heed)
    return {}


@raises("mail-fails")
async def mail_is_refused() -> Tables:
    return await send_eleven(MemoryTransport(*[Refused(temporary=False, code="550", text="no")] * 11))


@raises("mail-fails")
async def it_is_not_known_whether_mail_was_taken() -> Tables:
    return await send_eleven(MemoryTransport(*[Unknown("no answer")] * 11))


async def send_eleven(transport: MemoryTransport) -> Tables:
    heed = await Heed(transport=transport).start()
    for _ in range(11):
        await heed.sent()
    await sweep(heed)
    return {}


@raises("work-fails")
async def a_function_of_a_queue_fails_again_and_again() -> Tables:
    heed = await Heed().start()
    rows = []
    for _ in range(21):
        with pytest.raises(InvocationError):
            await heed.hand_over(OUTBOX, "none of ours")
        rows.append(failed("send"))
    await sweep(heed)
    return {"AppRequests": rows}


@raises("the-log-is-full")
async def the_daily_bound_is_reached() -> Tables:
    """Azure itself writes the line."""
    await sweep(await Heed().start())
    return {"_LogOperation": [{"Category": "Ingestion", "Detail": "Data collection stopped: OverQuota"}]}


@pytest.mark.parametrize(("alert", "fault"), FAULTS, ids=[fault.__name__ for _, fault in FAULTS])
async def test_a_fault_raises_its_alert_and_no_other(
    alert: str, fault: Fault, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    tables = await fault()
    assert raised_by({"AppTraces": as_traces(caplog.records), **tables}) == {alert}


async def test_a_quiet_run_raises_nothing(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    heed, rows = await Heed().start(), []
    for _ in range(12):
        message = await heed.draft()
        await add(heed, message)
        await send(heed, message)
        await sweep(heed, times=1)
        rows += [
            answered("pixel", await heed.hit(heed.urls("o")[0])),
            answered("redirect", await heed.hit(heed.urls("c")[0])),
            answered("attachment", await heed.hit(f"{heed.urls('a')[0]}/Offer.pdf")),
            answered("pixel", await heed.hit("/o/none.gif")),
            answered("redirect", await heed.hit("/c/none")),
            answered("health", await heed.request("GET", "/api/health")),
        ]
        await heed.work()
    await sweep(heed)
    assert {row["ResultCode"] for row in rows} == {"200", "302", "404"}
    assert raised_by({"AppTraces": as_traces(caplog.records), "AppRequests": rows}) == set()


async def test_one_look_at_a_message_that_waits_raises_nothing(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    queues = Slow(INTERACTIONS)
    heed = await Heed(storage=replace(memory_storage(), queues=queues)).start()
    queues.since = heed.clock.now() - timedelta(minutes=6)
    await sweep(heed, times=1)
    assert raised_by({"AppTraces": as_traces(caplog.records)}) == set()


PROBED = {"health-does-not-answer": "/api/health", "recipients-does-not-answer": "/o/health"}
"""Availability tests, with the path that they ask for."""

MEASURED: Mapping[str, tuple[float, float]] = {
    "storage-availability": (99.95, 99.8),
    "service-bus-dead-letters": (0, 1),
}
"""Alerts on metrics of Azure's own: a value that is well, and one that is not."""

OF_AZURE = {"secrets-run-out", "budget"}
"""What Azure tells by itself, without a query or a threshold of a metric."""

TEMPLATE = read_template(INFRA / "alerts.bicep")


def listed(field: str) -> dict[str, Object]:
    """Alerts of the template's lists whose entries have the field, by name."""
    found = (each for variable in TEMPLATE.all("var") for each in objects_of(variable.value))
    return {str(each.find("name")): each for each in found if each.find(field) is not None}


class NoReads:
    """Tables that do not answer."""

    async def read_row(self, *_: object) -> None:
        raise Unavailable("down")


async def test_health_is_what_an_availability_test_asks_for() -> None:
    paths = {f"{name}-does-not-answer": str(each.find("path")) for name, each in listed("path").items()}
    assert paths == PROBED
    memory = memory_storage()
    down = Heed(storage=Storage(NoReads(), memory.blobs, memory.queues))  # type: ignore[arg-type]
    well = Heed()
    for path, status in (("/api/health", 503), ("/o/health", 200)):  # recipients are answered without storage
        assert (await well.request("GET", path)).status == 200
        assert (await down.request("GET", path)).status == status


def test_a_metric_of_azures_raises_its_alert() -> None:
    found = listed("metric")
    assert found.keys() == MEASURED.keys()
    for name, alert in found.items():
        threshold = float(re.sub(r"[^\d.]", "", text_of(alert.find("threshold"))))
        is_wrong = {"LessThan": float.__lt__, "GreaterThan": float.__gt__}[str(alert.find("operator"))]
        assert [is_wrong(float(value), threshold) for value in MEASURED[name]] == [False, True], name


def test_every_alert_of_the_template_is_tried() -> None:
    tried = {alert for alert, _ in FAULTS}
    assert tried == QUERIES.keys()
    named = {name.strip("`") for name, _, _ in alert_rows()}
    assert named == tried | PROBED.keys() | MEASURED.keys() | OF_AZURE


def test_no_alert_of_the_template_stands_outside_its_lists() -> None:
    assert {each.name: each.target.partition("@")[0] for each in TEMPLATE.all("resource")} == {
        "actions": "Microsoft.Insights/actionGroups",
        "tests": "Microsoft.Insights/webtests",
        "testAlerts": "Microsoft.Insights/metricAlerts",
        "logRules": "Microsoft.Insights/scheduledQueryRules",
        "metricRules": "Microsoft.Insights/metricAlerts",
        "vaultTopic": "Microsoft.EventGrid/systemTopics",
        "secretsRunOut": "Microsoft.EventGrid/systemTopics/eventSubscriptions",
        "budget": "Microsoft.Consumption/budgets",
    }
