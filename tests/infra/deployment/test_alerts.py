"""Queries of alerts, tried on lines that the code really logs and on requests as Application Insights keeps them."""

import logging
from datetime import UTC, datetime
from typing import Any

import pytest

from infra.template_checks.alerts import alert_queries, workbook_queries
from infra.template_checks.known import app_functions
from infra.template_checks.queries import QueryError, run_query
from infra.template_checks.syntax import read_template
from lib.metrics import OLDEST_OVERDUE, emit_metric
from lib.operations.dead_letters import raise_alarm
from lib.storage.layout import OUTBOX
from lib.storage.memory import MemoryDeadLetters, memory_storage
from lib.transports.memory import MemoryTransport
from lib.transports.protocol import Outcome, Refused, Unknown
from tests.infra.deployment.broken_copy import INFRA
from tests.lib.tracking.test_journal import ScriptedWriter, a_fact, a_journal, down
from tests.support.heed import Heed

QUERIES = alert_queries([read_template(INFRA / "alerts.bicep")])


def alerts(traces: list[dict[str, Any]] | None = None, requests: list[dict[str, Any]] | None = None) -> set[str]:
    """Names of the alerts that these rows raise, but for the one on what is not there."""
    tables = {"AppTraces": traces or [], "AppRequests": requests or []}
    raised = {name for name, query in QUERIES.items() if run_query(query, tables)}
    return raised - {"the-sweep-does-not-run"}


def as_traces(log: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    """Lines of the log as rows of AppTraces."""
    return [{"Message": each.getMessage(), "SeverityLevel": each.levelno // 10 - 1} for each in log.records]


def request(name: str, code: int = 200, milliseconds: float = 20.0) -> dict[str, Any]:
    return {"Name": name, "ResultCode": str(code), "DurationMs": milliseconds, "Success": code < 400, "ItemCount": 1}


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO)
    return caplog


def test_a_quiet_day_raises_nothing(log: pytest.LogCaptureFixture) -> None:
    emit_metric(OLDEST_OVERDUE, 0, kind="mail")
    logging.getLogger("heed.intake").info("organization acme is gone")
    requests = [request(name) for name in ("pixel", "redirect", "attachment", "send", "health") for _ in range(30)]
    assert alerts(as_traces(log), requests) == set()


async def test_dead_letters_raise_an_alert(log: pytest.LogCaptureFixture) -> None:
    storage = memory_storage()
    await raise_alarm(storage.queues.dead_letters)
    assert alerts(as_traces(log)) == set()
    letters = storage.queues.dead_letters
    assert isinstance(letters, MemoryDeadLetters)
    letters.bury(OUTBOX, b"{}", datetime(2026, 11, 28, tzinfo=UTC))
    await raise_alarm(storage.queues.dead_letters)
    assert alerts(as_traces(log)) == {"dead-letters"}


async def test_a_hit_that_could_not_be_stored_raises_an_alert(log: pytest.LogCaptureFixture) -> None:
    journal = a_journal(ScriptedWriter(down, down))
    assert not await journal.record("acme", a_fact())
    await journal.settle()
    assert alerts(as_traces(log)) == {"hits-only-in-the-log"}


@pytest.mark.parametrize("kind", ["mail", "reminders"])
def test_late_mail_and_late_reminders_raise_an_alert(kind: str, log: pytest.LogCaptureFixture) -> None:
    emit_metric(OLDEST_OVERDUE, 300, kind=kind)
    assert alerts(as_traces(log)) == set()
    emit_metric(OLDEST_OVERDUE, 301, kind=kind)
    assert alerts(as_traces(log)) == {"mail-or-reminders-are-late"}


@pytest.mark.parametrize("outcome", [Refused(temporary=False, code="550", text="no"), Unknown("no answer")])
async def test_mail_that_fails_or_is_uncertain_again_and_again_raises_an_alert(
    outcome: Outcome, log: pytest.LogCaptureFixture
) -> None:
    heed = await Heed(transport=MemoryTransport(*[outcome] * 11)).start()
    for _ in range(10):
        await heed.sent()
    assert alerts(as_traces(log)) == set()
    await heed.sent()
    assert alerts(as_traces(log)) == {"mail-fails"}


async def test_mail_that_is_sent_raises_nothing(log: pytest.LogCaptureFixture) -> None:
    heed = await Heed().start()
    for _ in range(11):
        await heed.sent()
    assert sum('"mail_outcomes"' in each["Message"] for each in as_traces(log)) == 11
    assert alerts(as_traces(log)) == set()


def test_a_silent_sweep_raises_an_alert(log: pytest.LogCaptureFixture) -> None:
    query = QUERIES["the-sweep-does-not-run"]
    emit_metric(OLDEST_OVERDUE, 0, kind="reminders")
    assert run_query(query, {"AppTraces": as_traces(log)})
    assert run_query(query, {})
    emit_metric(OLDEST_OVERDUE, 0, kind="mail")
    assert run_query(query, {"AppTraces": as_traces(log)}) == []


@pytest.mark.parametrize("name", ["pixel", "image", "redirect", "attachment"])
def test_what_recipients_request_must_answer_soon(name: str) -> None:
    assert alerts(requests=[request(name, code=404), *(request(name) for _ in range(40))]) == set()
    assert alerts(requests=[request(name, code=503), *(request(name) for _ in range(40))]) == {
        "recipients-wait-or-fail"
    }
    slow = [request(name, milliseconds=1200) for _ in range(10)]
    assert alerts(requests=[*slow, *(request(name) for _ in range(40))]) == {"recipients-wait-or-fail"}
    assert alerts(requests=[*slow[:1], *(request(name) for _ in range(40))]) == set()


def test_what_a_crm_requests_does_not_wake_anyone() -> None:
    assert alerts(requests=[request("list_messages", code=503, milliseconds=5000)]) == set()


def test_work_that_fails_again_and_again_raises_an_alert() -> None:
    assert alerts(requests=[request("send", code=500) for _ in range(20)]) == set()
    assert alerts(requests=[request("send", code=500) for _ in range(21)]) == {"work-fails"}


def test_a_full_log_raises_an_alert() -> None:
    full = {"Category": "Ingestion", "Detail": "Data collection stopped: OverQuota", "Operation": "Data collection"}
    assert run_query(QUERIES["the-log-is-full"], {"_LogOperation": [full]}) == [full]
    assert run_query(QUERIES["the-log-is-full"], {"_LogOperation": [{**full, "Detail": "all is well"}]}) == []


def test_the_workbook_shows_late_mail_by_kind(log: pytest.LogCaptureFixture) -> None:
    query = workbook_queries(INFRA / "workbook.json")["Seconds for which the oldest mail and reminder wait"]
    for seconds in (10, 70):
        emit_metric(OLDEST_OVERDUE, seconds, kind="mail")
    emit_metric(OLDEST_OVERDUE, 5, kind="reminders")
    rows = [{**row, "TimeGenerated": 610.0} for row in as_traces(log)]
    assert run_query(query, {"AppTraces": rows}) == [
        {"TimeGenerated": 600.0, "kind": "mail", "seconds": 70.0},
        {"TimeGenerated": 600.0, "kind": "reminders", "seconds": 5.0},
    ]


def test_a_term_is_found_whole() -> None:
    rows = [{"Message": text} for text in ('heed.fact {"org":"acme"}', "heed.facts", "xheed.fact", "HEED.FACT")]
    found = run_query('T | where Message has "heed.fact"', {"T": rows})
    assert [row["Message"] for row in found] == ['heed.fact {"org":"acme"}', "HEED.FACT"]


@pytest.mark.parametrize(
    "query",
    ["", "T | where", "T | where a ~ b", "T | join U", "T | where f(a) == 1", "T | summarize x = avg(a)", "T a"],
)
def test_a_query_that_is_not_understood_is_refused(query: str) -> None:
    with pytest.raises(QueryError):
        run_query(query, {"T": [{"a": 1}]})


@pytest.mark.parametrize(
    "name", sorted(each.name for each in app_functions() if each.trigger_type != "httpTrigger"), ids=str
)
def test_work_that_fails_again_and_again_raises_an_alert_whichever_it_is(name: str) -> None:
    failed = request(name, 0) | {"Success": False}
    assert "work-fails" not in alerts(requests=[failed] * 20)
    assert "work-fails" in alerts(requests=[failed] * 21)
