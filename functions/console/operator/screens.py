"""Screens of the operator: health, queues, dead letters, verdicts by day, and judging again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta

from functions.api.paging import Page
from functions.console.operator.visit import OPERATOR_HOME, OperatorVisit
from functions.console.rendering import with_query
from functions.console.screen import Redirect, Reply, Shown
from functions.operations.dead_letters import DeadLettersRead
from functions.resources.health import DeepHealth
from functions.resources.organizations import OrganizationRead
from functions.resources.reports import VerdictMix
from functions.resources.verdicts import Reassessments
from lib.console.shares import share_bars
from lib.console.times import duration
from lib.ids import ORGANIZATION

_MOST_JUDGED = 50
_MOST_ORGANIZATIONS = 200
_DAYS = 7
"""Days of the report on verdicts; each takes a request to storage."""

TABS = (
    ("", "State"),
    ("dead-letters", "Dead letters"),
    ("verdicts", "Verdicts"),
    ("rejudge", "Check again"),
)
"""The pages, with their names."""


async def state(visit: OperatorVisit) -> Reply:
    """Show health, queues with their age, the lag of sweeps and the age of catalogues."""
    health: DeepHealth = await visit.ask("deep_health")
    return Shown("operator/state.html", {"health": health, "seconds": _seconds, "age": visit.times.age_of})


async def dead_letters(visit: OperatorVisit) -> Reply:
    """Show the messages that failed every time."""
    found: DeadLettersRead = await visit.ask("list_dead_letters")
    values = {
        "letters": found.items,
        "counts": {queue: count for queue, count in found.counts.items() if count},
        "replayed": visit.query("replayed"),
    }
    return Shown("operator/dead_letters.html", values)


async def replay_dead_letters(visit: OperatorVisit) -> Reply:
    """Put dead letters back on their queue."""
    ids = visit.form.texts("id")
    body = {"queue": visit.form.text("queue"), "ids": ids or "all"}
    replayed = await visit.ask("replay_dead_letters", body=body)
    return Redirect(with_query(f"{OPERATOR_HOME}/dead-letters", replayed=f"{replayed.replayed}"))


async def verdicts(visit: OperatorVisit) -> Reply:
    """Show the verdicts of an organization by the day of sending."""
    chosen, organizations = await _organization(visit)
    days: list[object] = []
    mix: VerdictMix | None = None
    if chosen:
        mix = await visit.ask("report_verdicts", {"org": chosen}, {"days": _DAYS})
        days = [(each, share_bars((each.human, each.uncertain, each.machine))) for each in mix.days]
    values = {"organizations": organizations, "chosen": chosen, "days": days, "mix": mix}
    return Shown("operator/verdicts.html", values)


async def rejudge(visit: OperatorVisit) -> Reply:
    """Show a form for judging again."""
    chosen, organizations = await _organization(visit)
    values = {"organizations": organizations, "chosen": chosen, "found": None, "cursor": ""}
    return Shown("operator/rejudge.html", values)


async def judge_again(visit: OperatorVisit) -> Reply:
    """Judge some messages again; the changes are written only by the button below them."""
    chosen, cursor = visit.form.text("org"), visit.form.text("cursor")
    organizations: Page[OrganizationRead]
    organizations = await visit.ask("list_organizations", query={"limit": _MOST_ORGANIZATIONS})
    query = {"limit": _MOST_JUDGED, "cursor": cursor}
    body = {"write": visit.form.is_checked("write")}
    found: Reassessments = await visit.ask("reassess_organization", {"org": chosen}, query, body)
    values = {
        "organizations": organizations.items,
        "chosen": chosen,
        "cursor": cursor,
        "found": found,
        "changed": [each for each in found.items if each.changed],
        "facts": sum(each.facts for each in found.items),
        "count": sum(each.changed for each in found.items),
        "reworded": sum(each.reworded for each in found.items),
    }
    return Shown("operator/rejudge.html", values)


async def _organization(visit: OperatorVisit) -> tuple[str, list[OrganizationRead]]:
    """Return the organization that the address names, or the first one, and all of them."""
    found: Page[OrganizationRead] = await visit.ask("list_organizations", query={"limit": _MOST_ORGANIZATIONS})
    named = visit.query("org")
    if ORGANIZATION.fullmatch(named):
        return named, found.items
    return (found.items[0].id if found.items else ""), found.items


def _seconds(count: int) -> str:
    return duration(timedelta(seconds=count))


OperatorScreen = Callable[[OperatorVisit], Awaitable[Reply]]

SCREENS: Mapping[tuple[str, str], OperatorScreen] = {
    ("GET", ""): state,
    ("GET", "dead-letters"): dead_letters,
    ("POST", "dead-letters"): replay_dead_letters,
    ("GET", "verdicts"): verdicts,
    ("GET", "rejudge"): rejudge,
    ("POST", "rejudge"): judge_again,
}
"""Every screen by its method and its path below `operator/`."""
