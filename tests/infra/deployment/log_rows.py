"""The log of Heed as Application Insights keeps it, for queries of alerts."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from infra.local.host.asking import Response
from infra.template_checks.alerts import alert_queries
from infra.template_checks.queries import run_query
from infra.template_checks.syntax import read_template
from tests.infra.deployment.broken_copy import INFRA

QUERIES = alert_queries([read_template(INFRA / "alerts.bicep")])

Rows = list[dict[str, Any]]


def as_traces(records: Iterable[logging.LogRecord]) -> Rows:
    """Lines of the log as rows of AppTraces."""
    return [{"Message": each.getMessage(), "SeverityLevel": each.levelno // 10 - 1} for each in records]


def request(name: str, code: int = 200, milliseconds: float = 20.0) -> dict[str, Any]:
    """A request, or a run of a function, as a row of AppRequests."""
    return {"Name": name, "ResultCode": str(code), "DurationMs": milliseconds, "Success": code < 400, "ItemCount": 1}


def answered(name: str, answer: Response) -> dict[str, Any]:
    """The row of a request that Heed has answered."""
    return request(name, answer.status)


def failed(name: str) -> dict[str, Any]:
    """The row of a run of a queue's or a timer's function that has raised an error."""
    return request(name, 0) | {"Success": False}


def raised_by(tables: Mapping[str, Sequence[Mapping[str, Any]]]) -> set[str]:
    """Names of the alerts that these rows raise."""
    return {name for name, query in QUERIES.items() if run_query(query, tables)}
