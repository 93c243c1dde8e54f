"""Failures: mail that did not leave, mail that may not have left, and recipients whom it did not reach."""

from __future__ import annotations

import asyncio

from functions.api.problems import Problem
from functions.console.naming import names_of_users
from functions.console.rendering import with_query
from functions.console.screen import Redirect, Reply, Screens, Shown
from functions.console.visit import HOME, Visit

screens = Screens()

PATH = f"{HOME}failures"

_MOST_SHOWN, _MOST_UNREACHED = 15, 25
"""Mails of a state, and recipients, that the page shows: it is to stay below 60 KB."""

_MOST_CARDS = 1_000
"""Cards that are looked through for those of recipients whom a mail did not reach."""

_UNREACHED = ("bounce", "complaint", "send_failed")
"""Kinds of cards about recipients whom a mail did not reach."""

_SAID = {
    "sent": "Noted as sent. Heed follows it from now on, and does not send it again.",
    "resend": "It is on its way once more.",
    "retry": "It is on its way once more.",
}


@screens("GET", "failures")
async def failures(visit: Visit) -> Reply:
    """Show what needs a decision first."""
    is_mine = visit.query("whose") != "all"
    query = {"view": "all", "owner": visit.user.id if is_mine else None, "sort": "-sent_at", "limit": _MOST_SHOWN}
    uncertain, failed, cards = await asyncio.gather(
        visit.ask("list_messages", query={**query, "status": "uncertain"}),
        visit.ask("list_messages", query={**query, "status": "failed"}),
        visit.ask_all("list_cards", _MOST_CARDS),
    )
    senders = [] if is_mine else [each.sender for each in (*uncertain.items, *failed.items)]
    unreached = [each for each in cards if each.kind in _UNREACHED]
    values = {
        "uncertain": uncertain.items,
        "failed": failed.items,
        "unreached": unreached[:_MOST_UNREACHED],
        "further": len(unreached[_MOST_UNREACHED:]),
        "more": {
            status: with_query(f"{HOME}messages", view="all", whose=None if is_mine else "all", status=status)
            for status, found in (("uncertain", uncertain), ("failed", failed))
            if found.next
        },
        "is_mine": is_mine,
        "users": await names_of_users(visit, senders),
        "sees_all": visit.signed_in.caller().sees_only is None,
        "path": PATH,
        "said": _SAID.get(visit.query("did")),
        "may_write": visit.may_write,
    }
    return Shown("failures.html", values)


@screens("POST", "failures/{message}/{act}")
async def decide(visit: Visit) -> Reply:
    """Resolve an uncertain message, or send a failed one again."""
    path, act = {"message": visit.path["message"]}, visit.path["act"]
    if act in ("sent", "resend"):
        await visit.ask("resolve_message", path, body={"as": act})
    elif act == "retry":
        await visit.ask("send_message", path)
    else:
        raise Problem(404, "There is no such button.")
    return Redirect(with_query(PATH, did=act, whose=visit.form.text("whose")))
