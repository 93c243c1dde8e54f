"""Today: the cards of the person, the most pressing first, and the news of their mail."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from functions.api.problems import Problem
from functions.console.rendering import path_to, with_query
from functions.console.screen import READERS, Redirect, Reply, Screens, Shown
from functions.console.visit import HOME, Visit
from functions.shapes.message import MessageItem
from lib.console.names import reader_among
from lib.console.times import counted

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
    cards, opened, received = await asyncio.gather(
        visit.ask("list_cards", query={"limit": _MOST_CARDS}),
        visit.ask("list_messages", query={**mine, "view": "followed", "sort": "-last_opened_at"}),
        visit.ask("list_messages", query={**mine, "view": "received", "sort": "-sent_at"}),
    )
    act = visit.query("did")
    values = {
        "cards": cards.items,
        "has_more_cards": cards.next is not None,
        "news": _news([*map(_opened, opened.items), *map(_received, received.items)], visit.now),
        "said": _SAID.get(act),
        "undo": visit.query("card") if act in _SAID else "",
        "is_empty": not (cards.items or opened.items or received.items),
    }
    return Shown("today.html", values)


def _news(found: Iterable[News | None], now: datetime) -> list[News]:
    news = [each for each in found if each is not None and now - each.at <= _NEWS_FOR]
    return sorted(news, key=lambda each: each.at, reverse=True)[:_MOST_NEWS]


def _opened(item: MessageItem) -> News | None:
    """Tell of the last reading of a mail; None where no person has read it."""
    kpis = item.kpis
    if kpis.last_opened_at is None:
        return None
    often = "" if kpis.opens == 1 else f", {counted(kpis.opens, 'time')} so far"
    parts = [counted(kpis.clicks, "click")] * bool(kpis.clicks)
    parts += [counted(kpis.attachment_views, "attachment view")] * bool(kpis.attachment_views)
    return News(
        at=kpis.last_opened_at,
        icon="mail-open",
        who=reader_among([each.name or each.email for each in (*item.to, *item.cc, *item.bcc)], kpis.opens),
        did=f"read it{often}",
        subject=item.subject,
        path=path_to("messages", item.id),
        detail=" and ".join(parts),
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
