"""Messages: lists in every order, with filters, which stand in the address. Words that were typed are sealed there."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import date, datetime, time
from typing import NamedTuple
from zoneinfo import ZoneInfo

from functions.console.downloads import csv_of
from functions.console.rendering import with_query
from functions.console.screen import READERS, Redirect, Reply, Screens, Shown
from functions.console.visit import HOME, Visit
from functions.shapes.message import MessageItem

screens = Screens(READERS)

PATH = f"{HOME}messages"

VIEWS = {
    "followed": "Followed",
    "all": "All",
    "scheduled": "Scheduled",
    "received": "Received",
}
"""Views by name, with their labels."""

_STATUSES = ("draft", "scheduled", "sending", "sent", "failed", "uncertain", "cancelled", "received")
_PAGE = 50
_MOST_COUNTED = 20
"""Messages up to which a view is counted. Only those that wait are few enough to be counted for each page."""

_SEALED = ("q", "recipient")
"""Filters that hold addresses: their words are sealed in every link."""

_KEPT = ("view", "whose", "q", "status", "recipient", "template", "sent_after", "sent_before", "sort")
"""Parameters that stand in the address."""


class Column(NamedTuple):
    """A column that the list can be sorted by."""

    label: str
    name: str
    is_number: bool = False
    begins: str = "-"
    """The order that the first click gives: `-` is from the greatest."""


COLUMNS = (
    Column("Subject", "subject", begins=""),
    Column("Opens", "opens", is_number=True),
    Column("Clicks", "clicks", is_number=True),
    Column("Views", "attachment_views", is_number=True),
    Column("Replies", "replies", is_number=True),
    Column("Last opened", "last_opened_at"),
    Column("Sent", "sent_at"),
)


class Filters:
    """The filters of a list, as they were given: by an address, or by the form that makes one."""

    def __init__(self, visit: Visit, given: Mapping[str, str]) -> None:
        self.given = given
        self._in_links = {**given, **{name: visit.seal(given[name]) for name in _SEALED}}
        self.view = self.given["view"] if self.given["view"] in VIEWS else "followed"
        self.whose = "all" if self.given["whose"] == "all" else "mine"
        sorts = {f"{sign}{column.name}" for column in COLUMNS for sign in ("", "-")}
        self.sort = self.given["sort"] if self.given["sort"] in sorts else "-sent_at"

    def path(self, **changes: object) -> str:
        """Return the address with changes; the page of the list is dropped."""
        return with_query(PATH, **{**self._in_links, **changes})

    def sorted_by(self, column: Column) -> str:
        """Return the address that sorts by a column; by the other order where the list has this one."""
        first, other = f"{column.begins}{column.name}", f"{'' if column.begins else '-'}{column.name}"
        return self.path(sort=other if self.sort == first else first)

    def order_of(self, column: Column) -> str:
        """Return how the list is sorted by the column, in the words of `aria-sort`."""
        if self.sort.removeprefix("-") != column.name:
            return "none"
        return "descending" if self.sort.startswith("-") else "ascending"

    def query(self, visit: Visit) -> dict[str, object]:
        """Return the filters as the endpoint takes them."""
        day = {name: _beginning(self.given[name], visit.user.time_zone) for name in ("sent_after", "sent_before")}
        return {
            "view": self.view,
            "owner": visit.user.id if self.whose == "mine" else None,
            "sort": self.sort,
            **{name: self.given[name] for name in ("q", "status", "recipient", "template")},
            **day,
        }

    @property
    def is_narrowed(self) -> bool:
        """Whether messages of the view are left out."""
        return any(self.given[name] for name in ("q", "status", "recipient", "template", "sent_after", "sent_before"))


def _beginning(day: str, zone: str) -> str:
    """Return when a day begins on the reader's clock. What is no day stays as it is, for the endpoint to refuse."""
    try:
        return datetime.combine(date.fromisoformat(day), time(), ZoneInfo(zone)).isoformat()
    except ValueError:
        return day


@screens("GET", "messages")
async def messages(visit: Visit) -> Reply:
    """Show a page of the list, or all that it shows as CSV."""
    given = {name: visit.sealed_query(name) if name in _SEALED else visit.query(name) for name in _KEPT}
    filters = Filters(visit, given)
    query = filters.query(visit)
    if visit.query("format") == "csv":
        return await csv_of(visit, "list_messages", query, MessageItem, "messages.csv")
    waiting = {"view": "scheduled", "owner": query["owner"], "limit": _MOST_COUNTED}
    found, scheduled = await asyncio.gather(
        visit.ask("list_messages", query={**query, "cursor": visit.query("cursor"), "limit": _PAGE}),
        visit.ask("list_messages", query=waiting),
    )
    values = {
        "filters": filters,
        "views": VIEWS,
        "counts": {"scheduled": f"{len(scheduled.items)}{'+' if scheduled.next else ''}" if scheduled.items else ""},
        "sees_all": visit.signed_in.caller().sees_only is None,
        "statuses": _STATUSES,
        "columns": COLUMNS,
        "items": found.items,
        "more": filters.path(cursor=found.next) if found.next else None,
        "csv": filters.path(format="csv"),
        "is_first_page": not visit.query("cursor"),
    }
    return Shown("messages.html", values)


@screens("POST", "messages")
async def filter_messages(visit: Visit) -> Reply:
    """Lead to the list with the filters of its form, which takes addresses: a form read with GET would show them."""
    given = {name: visit.form.text(name) for name in _KEPT}
    return Redirect(Filters(visit, given).path())
