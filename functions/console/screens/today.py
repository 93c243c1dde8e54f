"""Today: the cards of the person, the most pressing first, and the news of their mail."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from functions.api.paging import Page
from functions.api.problems import Problem
from functions.console.naming import names_of_records
from functions.console.rendering import path_to, with_query
from functions.console.screen import READERS, Redirect, Reply, Screens, Shown
from functions.console.visit import HOME, Visit
from functions.shapes.message import MessageItem
from lib.console.names import reader_among
from lib.console.times import counted
from lib.errors import NotAllowed
from lib.verdicts.kpis import LAST_TIMES

screens = Screens(READERS)

_MOST_CARDS = 20
_MOST_NEWS = 12
_NEWS_FOR = timedelta(days=14)

_ACTS = {
    "dismiss": "dismiss_card",
    "snooze": "snooze_card",
    "call": "call_from_card",
    "move-reminder": "move_reminder_of_card",
    "undo": "undo_card",
}
"""Endpoints by the names of buttons."""

_SAID = {
    "dismiss": "Dismissed.",
    "snooze": "Put away for a while.",
    "call": "Call noted with the record.",
    "move-reminder": "The reminder was moved to the day of return.",
}
"""What the page says after an act, which can be undone."""


class Reading(NamedTuple):
    """A way in which people read a mail."""

    counts: str
    """The field of the KPIs that counts it."""

    noun: str
    did: str
    icon: str


_READINGS = (
    Reading("clicks", "click", "clicked a link", "mouse-pointer-click"),
    Reading("attachment_views", "attachment view", "viewed an attachment", "paperclip"),
    Reading("opens", "open", "read it", "mail-open"),
)


@dataclass(frozen=True, slots=True)
class News:
    """Something that a person did."""

    at: datetime
    icon: str
    who: str
    did: str
    subject: str
    path: str
    detail: str = ""


@screens("GET", "")
async def today(visit: Visit) -> Reply:
    """Show the page. Everything is read at once."""
    mine = {"owner": visit.user.id, "limit": _MOST_NEWS}
    cards, read, received = await asyncio.gather(
        visit.ask("list_cards", query={"limit": _MOST_CARDS}),
        _read_mails(visit, mine),
        visit.ask("list_messages", query={**mine, "view": "received", "sort": "-sent_at"}),
    )
    act = visit.query("did")
    values = {
        "cards": cards.items,
        "records": await names_of_records(visit, [each.regarding for each in cards.items]),
        "has_more_cards": cards.next is not None,
        "news": _news([*map(_reading, read.items), *map(_received, received.items)], visit.now),
        "said": _SAID.get(act),
        "undo": visit.query("card") if act in _SAID else "",
        "is_empty": not (cards.items or read.items or received.items),
    }
    return Shown("today.html", values)


async def _read_mails(visit: Visit, mine: Mapping[str, object]) -> Page[MessageItem]:
    """List mails by their last reading; in the hours after an upgrade by their last opening."""
    found: Page[MessageItem]
    try:
        found = await visit.ask("list_messages", query={**mine, "view": "followed", "sort": "-last_read_at"})
    except NotAllowed:
        found = await visit.ask("list_messages", query={**mine, "view": "followed", "sort": "-last_opened_at"})
    return found


def _news(found: Iterable[News | None], now: datetime) -> list[News]:
    news = [each for each in found if each is not None and now - each.at <= _NEWS_FOR]
    return sorted(news, key=lambda each: each.at, reverse=True)[:_MOST_NEWS]


def _reading(item: MessageItem) -> News | None:
    """Tell what a person did last with a mail; None where no person has read it."""
    kpis = item.kpis
    if kpis.last_read_at is None:
        return None
    last = next(each for each in _READINGS if getattr(kpis, LAST_TIMES[each.counts]) == kpis.last_read_at)
    often = getattr(kpis, last.counts)
    others = [(getattr(kpis, each.counts), each.noun) for each in _READINGS if each is not last]
    return News(
        at=kpis.last_read_at,
        icon=last.icon,
        who=reader_among([each.name or each.email for each in (*item.to, *item.cc, *item.bcc)], often),
        did=last.did if often == 1 else f"{last.did}, {counted(often, 'time')} so far",
        subject=item.subject,
        path=path_to("messages", item.id),
        detail=" and ".join(counted(number, noun) for number, noun in others if number),
    )


def _received(item: MessageItem) -> News | None:
    """Tell of a mail that came in."""
    if item.received_at is None or item.kind not in ("reply", "new", "forward", "calendar_answer"):
        return None
    writer = item.from_address
    return News(
        at=item.received_at,
        icon="reply",
        who=(writer.name or writer.email) if writer else "Somebody",
        did="answered" if item.kind == "reply" else "wrote",
        subject=item.subject,
        path=path_to("conversations", item.conversation),
        detail=item.excerpt or "",
    )


@screens("POST", "cards/{card}/{act}")
async def act_on_card(visit: Visit) -> Reply:
    """Carry out a button of a card, and lead back to where that can be undone."""
    card, act = visit.path["card"], visit.path["act"]
    if act in ("useful", "useless"):
        await visit.ask("rate_card", {"card": card}, body={"useful": act == "useful"})
        return Redirect(HOME)
    if act not in _ACTS:
        raise Problem(404, "There is no such button.")
    await visit.ask(_ACTS[act], {"card": card})
    return Redirect(with_query(HOME, did=act, card=card) if act in _SAID else HOME)
