"""Reminders: what the person wants to be told of, soonest first."""

from __future__ import annotations

from functions.api.paging import Page
from functions.console.naming import names_of_records
from functions.console.rendering import with_query
from functions.console.screen import Redirect, Reply, Screens, Shown
from functions.console.visit import HOME, Visit
from functions.resources.timing import ReminderItem

screens = Screens()

PATH = f"{HOME}reminders"

_MOST_SHOWN = 50
_CONDITIONS = {
    "no_reply": "if nobody has answered by then",
    "not_opened": "if no person has opened it by then",
    "always": "in any case",
}


@screens("GET", "reminders")
async def reminders(visit: Visit) -> Reply:
    """Show the reminders that have not fired."""
    found: Page[ReminderItem] = await visit.ask(
        "list_reminders", query={"limit": _MOST_SHOWN, "cursor": visit.query("cursor")}
    )
    values = {
        "items": found.items,
        "records": await names_of_records(visit, [each.regarding for each in found.items]),
        "conditions": _CONDITIONS,
        "more": with_query(PATH, cursor=found.next) if found.next else None,
        "removed": visit.query("removed"),
    }
    return Shown("reminders.html", values)


@screens("POST", "reminders/{message}/remove")
async def remove_reminder(visit: Visit) -> Reply:
    """Remove the reminder of a message."""
    await visit.ask("delete_reminder", {"message": visit.path["message"]})
    return Redirect(with_query(PATH, removed=visit.path["message"]))
