"""Queries of alerts, tried on lines that the code really logs and on requests as Application Insights keeps them."""

import logging
from itertools import product
from typing import Any

import pytest

from infra.template_checks.alerts import workbook_queries
from infra.template_checks.known import app_functions
from infra.template_checks.queries import QueryError, run_query
from lib.metrics import METRICS, OLDEST_OVERDUE, OLDEST_WAITING, SWEEP_LAG, Metric, emit_metric
from lib.storage.layout import QUEUES
from lib.transports.memory import MemoryTransport
from lib.transports.protocol import Refused
from tests.infra.deployment.broken_copy import INFRA
from tests.infra.deployment.log_rows import QUERIES, as_traces, failed, raised_by, request
from tests.support.heed import Heed

WORKBOOK = workbook_queries(INFRA / "workbook.json")


def alerts(traces: list[dict[str, Any]] | None = None, requests: list[dict[str, Any]] | None = None) -> set[str]:
    """Names of the alerts that these rows raise, but for the one on what is not there."""
    return raised_by({"AppTraces": traces or [], "AppRequests": requests or []}) - {"the-sweep-does-not-run"}


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO)
    return caplog


@pytest.mark.parametrize("kind", ["mail", "reminders"])
def test_late_mail_and_late_reminders_raise_an_alert(kind: str, log: pytest.LogCaptureFixture) -> None:
    emit_metric(OLDEST_OVERDUE, 300, kind=kind)
    assert alerts(as_traces(log.records)) == set()
    emit_metric(OLDEST_OVERDUE, 301, kind=kind)
    assert alerts(as_traces(log.records)) == {"mail-or-reminders-are-late"}


async def test_ten_mails_of_an_hour_may_fail(log: pytest.LogCaptureFixture) -> None:
    heed = await Heed(transport=MemoryTransport(*[Refused(temporary=False, code="550", text="no")] * 11)).start()
    for _ in range(10):
        await heed.sent()
    assert alerts(as_traces(log.records)) == set()
    await heed.sent()
    assert alerts(as_traces(log.records)) == {"mail-fails"}


async def test_mail_that_is_sent_raises_nothing(log: pytest.LogCaptureFixture) -> None:
    heed = await Heed().start()
    for _ in range(11):
        await heed.sent()
    assert sum('"mail_outcomes"' in each["Message"] for each in as_traces(log.records)) == 11
    assert alerts(as_traces(log.records)) == set()


@pytest.mark.parametrize(("seconds", "raised"), [((301, 300), set()), ((301, 302), {"work-waits"}), ((301,), set())])
def test_work_waits_that_was_late_at_each_look(
    seconds: tuple[int, ...], raised: set[str], log: pytest.LogCaptureFixture
) -> None:
    for value in seconds:
        emit_metric(OLDEST_WAITING, value, queue="outbox")
    assert alerts(as_traces(log.records)) == raised


@pytest.mark.parametrize("queue", ["jobs", "webhooks"])
def test_what_may_wait_for_hours_raises_no_alert(queue: str, log: pytest.LogCaptureFixture) -> None:
    for _ in range(3):
        emit_metric(OLDEST_WAITING, 5000, queue=queue)
        emit_metric(SWEEP_LAG, 0)
    assert alerts(as_traces(log.records)) == set()


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
    query = WORKBOOK["Seconds for which the oldest mail and reminder wait"]
    for seconds in (10, 70):
        emit_metric(OLDEST_OVERDUE, seconds, kind="mail")
    emit_metric(OLDEST_OVERDUE, 5, kind="reminders")
    rows = [{**row, "TimeGenerated": 610.0} for row in as_traces(log.records)]
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
    assert "work-fails" not in alerts(requests=[failed(name)] * 20)
    assert "work-fails" in alerts(requests=[failed(name)] * 21)


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_the_workbook_shows_every_metric(metric: Metric, log: pytest.LogCaptureFixture) -> None:
    for values in product(*metric.labels.values()):
        emit_metric(metric, 7, **dict(zip(metric.labels, values, strict=True)))
    rows = [{**row, "TimeGenerated": 610.0} for row in as_traces(log.records)]
    [shown] = [found for query in WORKBOOK.values() if (found := run_query(query, {"AppTraces": rows}))]
    assert [{name: row[name] for name in metric.labels} for row in shown] == [
        dict(zip(metric.labels, values, strict=True)) for values in product(*metric.labels.values())
    ]
    assert all(7.0 in row.values() for row in shown)


def test_the_workbook_shows_each_function_of_queues_and_timers() -> None:
    names = {each.name for each in app_functions() if each.trigger_type != "httpTrigger"}
    shown = run_query(
        WORKBOOK["Work: runs and failures by function"], {"AppRequests": [failed(name) for name in names]}
    )
    assert {row["Name"] for row in shown} == names
    assert all((row["runs"], row["failures"]) == (1, 1) for row in shown)


def test_metrics_of_queues_are_of_all_queues() -> None:
    of_queues = [metric.labels["queue"] for metric in METRICS if "queue" in metric.labels]
    assert len(of_queues) == 3
    assert all(sorted(names) == sorted(QUEUES) for names in of_queues)
