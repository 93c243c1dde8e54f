"""Metrics: what Heed tells of itself in figures, as structured lines of the log.

A line holds `heed.metric {"name": …, "value": …}` and labels. Every metric stands in `METRICS`, and in
docs/operations.md.
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass

log = logging.getLogger("heed.metrics")

LOG_MARK = "heed.metric "
"""Begins the part of a log line that holds a metric."""


@dataclass(frozen=True, slots=True)
class Metric:
    """`labels` are the columns by which its values are told apart."""

    name: str
    unit: str
    meaning: str
    labels: tuple[str, ...] = ()


OLDEST_OVERDUE = Metric(
    "oldest_overdue_seconds",
    "s",
    "age of the oldest item of the due index whose time has come and that is not at rest; 0 where there is none",
    labels=("kind",),
)

METRICS = (OLDEST_OVERDUE,)


def emit(metric: Metric, value: float, **labels: str) -> None:
    """Write one value of the metric into the log of the running invocation."""
    assert set(labels) == set(metric.labels), f"{metric.name} has the labels {metric.labels}"
    log.info("%s%s", LOG_MARK, json.dumps({"name": metric.name, **labels, "value": value}))
