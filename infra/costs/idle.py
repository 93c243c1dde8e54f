"""Monthly costs of a deployment without mail, recipients or CRMs: an instance that waits, timers, alerts, tests."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Literal

from infra.local.host.schedules import parse_schedule
from infra.template_checks.alerts import alert_queries
from infra.template_checks.known import app_functions
from infra.template_checks.syntax import Template, read_template
from lib.operations.instances import TOLD_EVERY

Size = Literal["small", "large"]
SIZES: tuple[Size, ...] = ("small", "large")

HOURS = 730
"""Hours of a month, as Azure counts."""

_TEMPLATES = Path(__file__).parents[1]
_PRICES = Path(__file__).with_name("prices.csv")

_LEAST_SECONDS = 1.0
"""Seconds that are billed of each execution at least (flex-consumption-plan, Microsoft's documentation)."""

_TEST_PLACES = 3
_TESTS_AN_HOUR = 12

_LOG_BYTES_A_RUN = 5_000
"""Bytes of log that a timer's run leaves: a request and some lines, each kept in two tables. A guess."""

_BLOB_WRITES_A_RUN = 2
"""Blobs that the Functions host writes for a timer's run: its status before and after. General knowledge."""


@dataclass(frozen=True, slots=True)
class Price:
    """A row of the table of prices."""

    meter: str
    unit: str
    usd: float

    free: float
    """Units of each month that cost nothing."""

    source: str
    as_of: str
    is_confirmed: bool


@dataclass(frozen=True, slots=True)
class Cost:
    """A part of the monthly costs."""

    price: Price
    what: str
    quantity: float

    @property
    def usd(self) -> float:
        """Dollars a month."""
        return max(0.0, self.quantity - self.price.free) * self.price.usd


def read_prices(path: Path = _PRICES) -> dict[str, Price]:
    """Prices by meter."""
    with path.open(newline="") as file:
        return {
            row["meter"]: Price(
                row["meter"],
                row["unit"],
                float(row["usd"]),
                float(row["free"]),
                row["source"],
                row["as_of"],
                row["confirmed"] == "yes",
            )
            for row in csv.DictReader(file)
        }


def idle_costs(size: Size) -> list[Cost]:
    """Monthly costs of a deployment of the size with the templates' defaults."""
    main = read_template(_TEMPLATES / "main.bicep")
    gigabytes, instances = _default(main, "memory") / 1024, _default(main, "alwaysReadyHttp")
    runs, tests = timer_runs(), float(_TEST_PLACES * _TESTS_AN_HOUR * HOURS)
    # The instance that is always ready answers one test. In a large deployment, the CRMs' app answers another.
    on_demand = runs if size == "small" else runs + tests
    rules = len(alert_queries([read_template(_TEMPLATES / "alerts.bicep")]))
    quantities = {
        "always ready baseline": ("the recipients' instance that waits", instances * gigabytes * 3600 * HOURS),
        "always ready execution": ("it answers an availability test", tests * _LEAST_SECONDS * gigabytes),
        "on demand execution": (
            "timers; in a large deployment, an availability test as well",
            on_demand * _LEAST_SECONDS * gigabytes,
        ),
        "executions": ("runs on demand", on_demand / 1_000_000),
        "availability test": (
            "health, in a large deployment recipients as well, from three places every 5 minutes",
            tests if size == "small" else 2 * tests,
        ),
        "log alert every 5 minutes": ("alerts on the log", float(rules)),
        "metric alert": ("tests by place, storage", float(_TEST_PLACES * (1 if size == "small" else 2) + 1)),
        "log": ("what the timers write", runs * _LOG_BYTES_A_RUN / 1e9),
        "blob write (ZRS)": ("states of the timers", runs * _BLOB_WRITES_A_RUN / 10_000),
        "table request": (
            "instances that tell of themselves",
            _groups_of_instances() * 3600 / TOLD_EVERY * HOURS / 10_000,
        ),
        "Front Door Standard": ("base fee", 1.0 if size == "large" else 0.0),
    }
    return _priced(quantities)


def options() -> list[Cost]:
    """Monthly costs of what is chosen by parameters."""
    main = read_template(_TEMPLATES / "main.bicep")
    gigabytes = _default(main, "memory") / 1024
    return [
        *_priced({"always ready baseline": ("`alwaysReadyHttp`: each instance more", gigabytes * 3600 * HOURS)}),
        *_priced({"Front Door Standard": ("`frontDoorEnabled` for a small deployment", 1.0)}),
        *_priced({"Service Bus Standard": ("`queues: servicebus`", float(HOURS))}),
        *_priced({"private endpoint": ("`vnetEnabled`: four private endpoints", 4.0 * HOURS)}),
        *_priced(
            {"Service Bus Premium": ("`vnetEnabled` with `queues: servicebus`, instead of Standard", float(HOURS))}
        ),
    ]


@cache
def timer_runs() -> float:
    """Runs of all timers in a month, by their schedules."""
    start = datetime(2026, 11, 1, tzinfo=UTC)
    timers = [each for each in app_functions() if each.trigger_type == "timerTrigger"]
    return sum(_runs_a_day(each.name, str(each.trigger.schedule), start) for each in timers) * HOURS / 24


def _groups_of_instances() -> int:
    """Groups that scale alone, each with an instance all the time: timers, queues, HTTP of recipients and of CRMs."""
    return sum(each.trigger_type != "httpTrigger" for each in app_functions()) + 2


def _runs_a_day(name: str, schedule: str, start: datetime) -> int:
    parsed, end, runs = parse_schedule(name, schedule), start + timedelta(days=1), 0
    due = parsed.next_after(start)
    while due <= end:
        runs, due = runs + 1, parsed.next_after(due)
    return runs


def _priced(quantities: Mapping[str, tuple[str, float]]) -> list[Cost]:
    prices = read_prices()
    return [Cost(prices[meter], what, quantity) for meter, (what, quantity) in quantities.items()]


def _default(main: Template, name: str) -> int:
    parameter = main.find("param", name)
    assert parameter is not None, name
    assert isinstance(parameter.value, int), name
    return parameter.value
