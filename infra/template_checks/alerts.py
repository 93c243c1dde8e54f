"""Queries of alerts and of the workbook: they can be read, and they look for what the code really logs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

from infra.template_checks.known import Known
from infra.template_checks.queries import QueryError, run_query
from infra.template_checks.syntax import Object, Template, objects_of

FILE = "alerts.bicep"
WORKBOOK = "workbook.json"

_MARKS = re.compile(r'\bMessage has "([^"]+)"|metric\.\w+\) == "([^"]+)"')
_FUNCTIONS = re.compile(r'\bName (?:in \(([^)]*)\)|== ("[^"]*"))')
_METRICS = {"Availability", "DeadletteredMessages"}
"""Metrics of Azure's own that alerts watch."""


def alert_queries(templates: list[Template]) -> dict[str, str]:
    """The queries of log alerts, by the alert's name."""
    return {
        str(each.find("name")): str(each.find("query"))
        for template in templates
        if template.file == FILE
        for variable in template.all("var")
        for each in objects_of(variable.value)
        if each.find("query") is not None
    }


def workbook_queries(path: Path) -> dict[str, str]:
    """The queries of the workbook, by title. Raises OSError and ValueError."""
    items = json.loads(path.read_text())["items"]
    return {each["name"]: each["content"]["query"] for each in items if "query" in each["content"]}


def wrong_queries(folder: Path, templates: list[Template], known: Known) -> list[str]:
    """One line for each query that cannot be read, and each name in one that the code does not have."""
    queries = alert_queries(templates)
    wrong = [line for name, query in queries.items() for line in _wrong_in(f"{FILE}: {name}", query, known)]
    try:
        for name, query in workbook_queries(folder / WORKBOOK).items():
            wrong += _wrong_in(f"{WORKBOOK}: {name}", query, known)
    except (OSError, ValueError, KeyError) as error:
        wrong.append(f"{WORKBOOK} cannot be read: {error}")
    looked_for = {word for query in queries.values() for word in _words(query)}
    wrong += [f"{FILE}: no alert looks for {mark}" for mark in sorted(known.alarms - looked_for)]
    return wrong + list(_wrong_metrics(templates))


def _wrong_in(place: str, query: str, known: Known) -> Iterator[str]:
    try:
        run_query(query, {})
    except QueryError as error:
        yield f"{place}: {error}"
    for word in _words(query):
        if word not in known.alarms | known.words:
            yield f"{place}: the code does not log {word}"
    for names in _FUNCTIONS.findall(query):
        for name in re.findall(r'"([^"]*)"', " ".join(names)):
            if name not in known.functions:
                yield f"{place}: there is no function {name}"


def _words(query: str) -> list[str]:
    return [first or second for first, second in _MARKS.findall(query)]


def _wrong_metrics(templates: list[Template]) -> Iterator[str]:
    for template in templates:
        for variable in template.all("var"):
            for each in objects_of(variable.value):
                metric = each.find("metric") if isinstance(each, Object) else None
                if isinstance(metric, str) and metric not in _METRICS:
                    yield f"{template.file}:{variable.line}: Azure has no metric {metric}"
