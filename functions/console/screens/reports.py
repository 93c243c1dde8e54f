"""Reports: messages whose counts are mostly noise, and how often verdicts came true."""

from __future__ import annotations

import re

from functions.api.paging import Page
from functions.console.rendering import with_query
from functions.console.screen import Reply, Screens, Shown
from functions.console.visit import HOME, Visit
from functions.resources.reports import NoisyMessage
from lib.clock import month_of
from lib.console.months import month_name, months_before
from lib.console.reliability import side_shown
from lib.reliability.report import Reliability

screens = Screens()

NOISE, RELIABILITY = f"{HOME}reports/scanner-noise", f"{HOME}reports/reliability"

_MONTH = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])")
_MONTHS_SHOWN = 6
_MOST_SHOWN = 50


@screens("GET", "reports/scanner-noise")
async def scanner_noise(visit: Visit) -> Reply:
    """Show the messages of a month that machines opened most."""
    month = _month(visit)
    query = {"month": month, "limit": _MOST_SHOWN, "cursor": visit.query("cursor")}
    found: Page[NoisyMessage] = await visit.ask("scanner_noise", query=query)
    values = {
        **_months(visit, NOISE, month),
        "items": found.items,
        "more": with_query(NOISE, month=month, cursor=found.next) if found.next else None,
    }
    return Shown("scanner_noise.html", values)


@screens("GET", "reports/reliability")
async def reliability(visit: Visit) -> Reply:
    """Show what was said of a month's certain cases, and what came true."""
    month = _month(visit)
    found: Reliability = await visit.ask("report_reliability", query={"month": month})
    sides = [side_shown("Opens", found.opens), side_shown("Clicks and views of attachments", found.clicks)]
    return Shown("reliability.html", {**_months(visit, RELIABILITY, month), "sides": sides})


def _month(visit: Visit) -> str:
    """Return the month of the address, or the current one."""
    asked = visit.query("month")
    return asked if _MONTH.fullmatch(asked) else month_of(visit.now)


def _months(visit: Visit, path: str, month: str) -> dict[str, object]:
    near = months_before(month_of(visit.now), _MONTHS_SHOWN)
    shown = near if month in near else [*near, month]
    return {
        "month": month_name(month),
        "months": [(month_name(each), with_query(path, month=each), each == month) for each in shown],
    }
