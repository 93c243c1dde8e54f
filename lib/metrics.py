"""Metrics: figures that Heed tells of itself, as structured lines of the log.

A line holds `heed.metric {"name": …, "value": …}` and the labels. `METRICS` lists every metric; `make docs` renders the
list into docs/operations.md.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field

log = logging.getLogger("heed.metrics")

LOG_MARK = "heed.metric "
"""Begins the part of a log line that holds a metric."""


@dataclass(frozen=True, slots=True)
class Metric:
    """A figure with its description."""

    name: str
    unit: str
    """A symbol of the SI, such as `s`; empty for counts."""
    meaning: str
    labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """The columns that tell values of the metric apart, each with the values that it can have."""


OLDEST_OVERDUE = Metric(
    "oldest_overdue_seconds",
    "s",
    "age of the oldest item of the due index whose time has come and that is not at rest; 0 where there is none",
    labels={"kind": ("mail", "reminders")},
)

_QUEUES = ("interactions", "outbox", "inbound", "jobs", "webhooks")

DEAD_LETTERS = Metric(
    "dead_letters",
    "",
    "messages that failed every time and were put aside, every five minutes",
    labels={"queue": _QUEUES},
)

MESSAGES_WAITING = Metric(
    "messages_waiting",
    "",
    "messages of a queue that no function has done yet, those for later included, every five minutes",
    labels={"queue": _QUEUES},
)

OLDEST_WAITING = Metric(
    "oldest_waiting_seconds",
    "s",
    "time since the oldest message that waits in a queue was sent, every five minutes; 0 where none waits",
    labels={"queue": _QUEUES},
)

SWEEP_LAG = Metric(
    "sweep_lag_seconds",
    "s",
    "how far the sweep of journals is behind at the organization that is furthest behind, every five minutes",
)

CATALOGUE_AGE = Metric(
    "catalogue_age_days",
    "d",
    "age of the newest date in a catalogue, every hour",
    labels={
        "catalogue": ("agents", "announced networks", "autonomous_systems", "gateways", "networks", "owners"),
    },
)

MAIL_OUTCOMES = Metric(
    "mail_outcomes",
    "",
    "mail that came to rest: 1 for each",
    labels={"outcome": ("sent", "failed", "uncertain")},
)

METRICS = (
    OLDEST_OVERDUE,
    OLDEST_WAITING,
    MESSAGES_WAITING,
    DEAD_LETTERS,
    SWEEP_LAG,
    CATALOGUE_AGE,
    MAIL_OUTCOMES,
)


def emit_metric(metric: Metric, value: float, **labels: str) -> None:
    """Write one value of the metric into the log of the running invocation."""
    assert set(labels) == set(metric.labels), f"{metric.name} has the labels {list(metric.labels)}"
    log.info("%s%s", LOG_MARK, json.dumps({"name": metric.name, **labels, "value": value}))
