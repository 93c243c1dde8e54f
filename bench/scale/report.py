"""The tables of docs/scale.md, as rows of cells."""

from __future__ import annotations

from collections.abc import Iterator

from bench.scale.measured import Measured, Step
from bench.scale.model import (
    EVENTS,
    Load,
    deployments,
    loads,
    monthly_costs,
    read_limits,
    storage_accounts,
    total,
)
from bench.scale.spread import ACCOUNTS, limits_of_one, shares_of_kinds, spread_kinds

Row = tuple[str, ...]

STEP_HEADER: Row = (
    "step",
    "table requests",
    "of these transactions",
    "queue requests",
    "blob requests",
    "bytes sent",
    "bytes read",
    "bytes kept",
    "ms of CPU",
)
LOAD_HEADER: Row = ("events a day", "where", "asked in the busiest hour", "permitted", "share", "remedy")
COST_HEADER: Row = ("events a day", "deployments", "storage accounts", "USD a month", "of it", "USD a million events")
LIMIT_HEADER: Row = ("limit", "of", "value", "source")
KIND_HEADER: Row = ("kind", "of the requests", "a mail", "a hit alone", "a hit in company")
SPREAD_HEADER: Row = (
    "accounts",
    "beside the first one",
    "the fullest takes",
    "full at events a day",
    "hit before that",
)

_SHOWN = 3
"""Loads that the table shows for each number of events, the most used ones."""


def step_rows(measured: Measured) -> Iterator[Row]:
    """Give one row for each step."""
    yield _step_row("a mail that goes out", measured.mail)
    yield _step_row("a hit alone", measured.hit_alone)
    yield _step_row("a hit in company", measured.hit_in_company)


def load_rows(measured: Measured) -> Iterator[Row]:
    """Give the most used limits for each number of events."""
    for events in EVENTS:
        for place, load in enumerate(loads(events, measured)[:_SHOWN]):
            yield (f"{events:,}" if place == 0 else "", *_load_cells(load))


def cost_rows(measured: Measured) -> Iterator[Row]:
    """Give the month's costs for each number of events."""
    for events in EVENTS:
        costs = monthly_costs(events, measured)
        parts = ", ".join(f"{each.what} {each.usd:,.0f}" for each in sorted(costs, key=lambda one: -one.usd)[:4])
        usd = total(costs)
        places = (f"{deployments(events, measured):,}", f"{storage_accounts(events, measured):,}")
        yield (f"{events:,}", *places, f"{usd:,.0f}", parts, f"{usd / (events * 30 / 1e6):.2f}")


def kind_rows(measured: Measured) -> Iterator[Row]:
    """Give one row for each kind of tables: requests of each step, and its part of an organization's requests."""
    for kind, share in shares_of_kinds(measured).items():
        steps = (measured.mail, measured.hit_alone, measured.hit_in_company)
        yield (f"`{kind}`", f"{share:.1%}", *(f"{step.kinds.get(kind, 0):.1f}" for step in steps))


def spread_rows(measured: Measured) -> Iterator[Row]:
    """Give one row for each number of accounts of one organization."""
    for number in ACCOUNTS:
        spread = spread_kinds(number, measured)
        _, *others = sorted(spread.accounts, key=lambda kinds: -len(kinds))
        beside = "; ".join(", ".join(f"`{kind}`" for kind in kinds) for kinds in others)
        before = [
            f"{load.name} ({events / 1e6:,.0f} million)"
            for load, events in limits_of_one(measured)
            if events < spread.events
        ]
        events = f"{spread.events / 1e6:,.0f} million"
        yield (str(number), beside or "none", f"{spread.fullest:.0%}", events, ", ".join(before) or "nothing")


def limit_rows() -> Iterator[Row]:
    """Give one row for each published limit."""
    for limit in read_limits().values():
        doubt = "" if limit.is_confirmed else "; **not confirmed**"
        yield (limit.name, limit.of, f"{limit.value:,.0f} {limit.unit}", f"{limit.source}, {limit.as_of}{doubt}")


def _step_row(name: str, step: Step) -> Row:
    requests = (step.tables, step.transactions, step.queues, step.blobs)
    return (
        name,
        *(f"{each:.1f}" for each in requests),
        f"{step.sent:,.0f}",
        f"{step.read:,.0f}",
        f"{step.kept:,.0f}",
        f"{step.cpu:.1f}",
    )


def _load_cells(load: Load) -> Row:
    asked, permitted = (f"{each:,.0f} {load.unit}" for each in (load.asked, load.permitted))
    share = f"{load.share:.1%}" if load.share < 1 else f"**{load.share:,.1f} times**"
    return (f"{load.name}: {load.what}", asked, permitted, share, load.remedy)
