"""Which limit is hit first at so many events a day, and what a month costs: pure functions of what was counted.

An event is a mail that goes out or a hit on one. What is assumed of the traffic stands here, each assumption as a
constant; what was measured comes from `steps.json`, what Azure permits from `limits.csv`.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from bench.scale.measured import Measured, Step
from infra.costs.idle import Price, read_prices

EVENTS = (1_000_000, 100_000_000, 10_000_000_000)
"""Events a day for which docs/scale.md has a row."""

HITS_OF_A_MAIL = 3
"""Opens, clicks and scans of one mail. Assumed."""

PEAK = 4.0
"""Times the mean rate that the busiest hour has. Assumed: mail of an office day leaves within some eight hours."""

COMPANY_FROM = 50.0
"""Hits a second from which on hits accompany each other in commits. Assumed; below it each one comes alone."""

LARGEST_SHARE = 0.1
"""Share of all events that the largest organization has, where there are several. Assumed."""

BUSY = 0.6
"""Share of an instance's core that is used at the peak, so that bursts find room. Assumed."""

GIGABYTES = 2.0
"""Memory of an instance with one core."""

FEED_TRANSACTIONS = 50.0
"""Transactions a second that the feed of one organization takes, as writers take turns (docs/decisions/0042)."""

FEED_EVENTS = 97
"""Events in one of these transactions at most."""

DUE_SHARDS = 16
"""Partitions of each minute of the due index."""

DAYS = 30
_DAY = 86_400.0
_MONTH_SECONDS = DAYS * _DAY


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit that Azure publishes."""

    name: str
    of: str
    value: float
    unit: str
    source: str
    as_of: str
    is_confirmed: bool


@dataclass(frozen=True, slots=True)
class Load:
    """What the busiest hour asks of one thing that has a limit."""

    name: str
    what: str
    """Where the load stands, in words."""
    asked: float
    permitted: float
    unit: str
    remedy: str

    @property
    def share(self) -> float:
        """The part of the limit that is used; from 1 on it is hit."""
        return self.asked / self.permitted


@dataclass(frozen=True, slots=True)
class MonthlyCost:
    """A part of a month's costs."""

    what: str
    price: Price
    quantity: float

    @property
    def usd(self) -> float:
        """Dollars a month."""
        return max(0.0, self.quantity - self.price.free) * self.price.usd


@dataclass(frozen=True, slots=True)
class Rates:
    """Mails and hits a second in the busiest hour, and what one of each asks for."""

    mails: float
    hits: float
    mail: Step
    hit: Step

    def of(self, name: str) -> float:
        """Return how much of a step's field is asked for a second."""
        return self.mails * float(getattr(self.mail, name)) + self.hits * float(getattr(self.hit, name))


@cache
def read_limits() -> Mapping[str, Limit]:
    """Read all limits, by name."""
    with Path(__file__).with_name("limits.csv").open(newline="", encoding="utf-8") as file:
        return {
            row["limit"]: Limit(
                row["limit"],
                row["of"],
                float(row["value"]),
                row["unit"],
                row["source"],
                row["as_of"],
                row["confirmed"] == "yes",
            )
            for row in csv.DictReader(file)
        }


def loads(events: float, measured: Measured, largest: float = LARGEST_SHARE) -> list[Load]:
    """Return what the busiest hour of so many events a day asks of each limit, the most used one first.

    `largest` is the share of all events that the largest organization has.
    """
    rates, limits = rates_of(events, measured), read_limits()
    requests = rates.of("tables") + rates.of("queues") + rates.of("blobs")
    messages = rates.of("queues") / 3
    cores = rates.of("cpu") / 1000 / BUSY
    shared = rates.of("queues") + 2 * rates.mails
    found = [
        Load(
            "one storage account",
            "all requests of all organizations",
            requests,
            limits["account requests"].value,
            "requests/s",
            "a storage account of its own for each large organization",
        ),
        Load(
            "the shared storage account",
            "queues and due index, once organizations have accounts of their own",
            shared,
            limits["account requests"].value,
            "requests/s",
            "several deployments, each with its own organizations",
        ),
        Load(
            "a queue of storage",
            "the queue `interactions`",
            messages,
            limits["storage queue"].value,
            "messages/s",
            "Service Bus Premium, or several deployments",
        ),
        Load(
            "Service Bus Standard",
            "each message is put, taken and settled",
            messages * 3,
            limits["Service Bus Standard"].value,
            "credits/s",
            "Service Bus Premium, or several deployments",
        ),
        Load(
            "cores of a region",
            "recipients' hits, judging and sending",
            cores,
            limits["Flex cores"].value,
            "cores",
            "a larger quota, other subscriptions or regions",
        ),
        Load(
            "storage accounts of a region",
            "accounts of their own for as many organizations as fill one account after the other",
            requests / limits["account requests"].value,
            limits["accounts"].value,
            "accounts",
            "a larger quota (500), other subscriptions or regions",
        ),
        Load(
            "the due index",
            f"mails due in one minute, over {DUE_SHARDS} partitions",
            rates.mails * 2,
            limits["table partition"].value * DUE_SHARDS,
            "rows/s",
            "more shards",
        ),
        Load(
            "the feed of one organization",
            f"the largest one, with {largest:.0%} of all events: a page is one partition",
            (rates.mails + rates.hits) * largest,
            min(FEED_TRANSACTIONS * FEED_EVENTS, limits["table partition"].value),
            "events/s",
            "a feed in several lanes",
        ),
    ]
    return sorted(found, key=lambda each: -each.share)


def deployments(events: float, measured: Measured) -> int:
    """Return how many deployments keep every load that they divide under its limit, with own storage accounts."""
    divided = {"the shared storage account", "cores of a region", "storage accounts of a region", "the due index"}
    return max(1, *(_ceiling(each.share) for each in loads(events, measured) if each.name in divided))


def storage_accounts(events: float, measured: Measured) -> int:
    """Return how many accounts the organizations' data needs."""
    return max(1, *(_ceiling(each.share) for each in loads(events, measured) if each.name == "one storage account"))


def monthly_costs(events: float, measured: Measured) -> list[MonthlyCost]:
    """Return a month's costs of the events alone: what an idle deployment costs comes on top (docs/costs.md)."""
    rates, prices = rates_of(events, measured, peak=1.0), read_prices()
    executions = rates.hits + rates.mails + rates.of("queues") / 3
    quantities = {
        "on demand execution": rates.of("cpu") / 1000 / BUSY * GIGABYTES * _MONTH_SECONDS,
        "executions": executions * _MONTH_SECONDS / 1e6,
        "table request": rates.of("tables") * _MONTH_SECONDS / 1e4,
        "queue request": rates.of("queues") * _MONTH_SECONDS / 1e4,
        "blob write (ZRS)": rates.of("blobs") * _MONTH_SECONDS / 1e4,
        "table storage (ZRS)": rates.of("kept") * _MONTH_SECONDS / 1e9,
    }
    return [MonthlyCost(name, prices[name], quantity) for name, quantity in quantities.items()]


def total(costs: Sequence[MonthlyCost]) -> float:
    """Return dollars a month."""
    return sum(each.usd for each in costs)


def rates_of(events: float, measured: Measured, peak: float = PEAK) -> Rates:
    """Return what so many events a day ask for a second, when the rate is `peak` times the mean one."""
    mails = events / (1 + HITS_OF_A_MAIL) / _DAY * peak
    hits = mails * HITS_OF_A_MAIL
    accompanied = hits / peak * PEAK >= COMPANY_FROM
    return Rates(mails, hits, measured.mail, measured.hit_in_company if accompanied else measured.hit_alone)


def _ceiling(share: float) -> int:
    return -int(-share // 1)
