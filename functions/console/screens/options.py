"""My options: whether the person's mail is followed, which networks are theirs, and how they are told of cards."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from functions.api.paging import Page
from functions.api.problems import Problem
from functions.console.field_errors import errors_at_fields
from functions.console.naming import subjects_of
from functions.console.refusals import told_in_form
from functions.console.rendering import with_query
from functions.console.screen import Redirect, Reply, Screens, Shown
from functions.console.visit import HOME, Form, Visit
from functions.resources.alerts import AlertsRead, TrialsRead
from lib.errors import Refusal
from lib.ids import MADE
from lib.organizations.scopes import Scope
from lib.people.alert_choices import CHANNELS, AlertRules, CardKind, DigestChoice, QuietHours
from lib.people.users import User

screens = Screens()

PATH = f"{HOME}options"

_CHANGERS: frozenset[Scope] = frozenset({"full", "admin", "user"})
"""Scopes that change a person's own options, as with the API."""

_MOST_USERS = 200
_MOST = 20
"""Networks of colleagues that are named as examples, of the first users of the organization."""

INBOUND = {
    "all": "every mail that comes in",
    "replies": "answers to mail that Heed has sent",
    "known": "mail of people who have a record",
    "none": "none, unless you track it by hand",
}
KINDS: Mapping[CardKind, str] = {
    "email_opened": "a mail was opened",
    "link_clicked": "a link was clicked",
    "attachment_viewed": "a file was viewed",
    "reply": "an answer came",
    "auto_reply": "an automatic answer came",
    "reminder": "a reminder is due",
    "bounce": "a mail came back",
    "complaint": "a recipient complained",
    "send_failed": "a mail could not be sent",
    "send_uncertain": "it is not known whether a mail was sent",
}
DAYS = {1: "Mon", 2: "Tue", 3: "Wed", 4: "Thu", 5: "Fri", 6: "Sat", 7: "Sun"}

_LABELS = {
    "opt_in": "Follow my mail",
    "inbound": "Mail that comes in and is shown",
    "time_zone": "Time zone",
    "networks": "My networks",
    "digest": "Daily mail",
    "teams": "Microsoft Teams",
    "slack": "Slack",
    "most_a_day": "At most this many a day in channels",
    "quiet_hours": "Quiet hours",
    "muted_kinds": "Tell me when",
    "muted_messages": "Muted messages",
}
_TRACKING = {
    "allow": "Mail is followed unless its recipient has said no.",
    "consent": "Mail is followed only to recipients who have said yes.",
    "aggregate": "Opens and clicks are counted, without telling whose they are.",
    "off": "No recipient is followed.",
}
"""What the organization's setting `tracking` means."""

_SAID = {
    "you": "Saved.",
    "alerts": "Saved. Alerts follow it from now on.",
    "ended": "Alerts have ended. Cards on Today are all that tells you.",
}
_TRIED = {
    "told": "took the trial",
    "trying": "did not answer; it may have taken the trial",
    "again": "cannot take it just now",
    "failed": "refuses the trial: look at its address",
}


@screens("GET", "options")
async def options(visit: Visit) -> Reply:
    """Show all options."""
    return await _page(visit)


@screens("POST", "options/you", may=_CHANGERS)
async def save_you(visit: Visit) -> Reply:
    """Save what is said about the person."""
    form = visit.form
    body = {
        "opt_in": form.is_checked("opt_in"),
        "time_zone": form.text("time_zone"),
        "inbound": form.text("inbound"),
        "networks": form.text("networks").split(),
    }
    try:
        await visit.ask("patch_user", {"user": visit.user.id}, body=body)
    except (Problem, Refusal) as error:
        return await _again(visit, "you", error, {**body, "networks": form.text("networks")})
    return Redirect(with_query(PATH, did="you"))


@screens("POST", "options/alerts", may=_CHANGERS)
async def save_alerts(visit: Visit) -> Reply:
    """Save the choice of alerts; an address of a channel that was left empty stays as it is."""
    body = alerts_of(visit.form)
    try:
        await visit.ask("put_alerts", {"user": visit.user.id}, body=body)
    except (Problem, Refusal) as error:
        return await _again(visit, "alerts", error, body)
    return Redirect(f"{with_query(PATH, did='alerts')}#alerts")


@screens("POST", "options/alerts/try", may=_CHANGERS)
async def try_alerts(visit: Visit) -> Reply:
    """Post a trial in each channel, and say what became of it."""
    found: TrialsRead = await visit.ask("try_alerts", {"user": visit.user.id})
    return Redirect(f"{with_query(PATH, **{f'tried_{name}': state for name, state in found.channels.items()})}#alerts")


@screens("POST", "options/alerts/end", may=_CHANGERS)
async def end_alerts(visit: Visit) -> Reply:
    """End all alerts."""
    await visit.ask("delete_alerts", {"user": visit.user.id})
    return Redirect(f"{with_query(PATH, did='ended')}#alerts")


def alerts_of(form: Form) -> dict[str, Any]:
    """Return the choice of alerts of a form, as the API takes it."""
    days = [int(each) for each in form.texts("day") if each.isdecimal()]
    most = form.text("most_a_day")
    body: dict[str, Any] = {
        "digest": {"at": form.text("digest_at"), "days": days} if form.is_checked("digest") else None,
        "quiet_hours": None,
        "muted_kinds": [kind for kind in KINDS if kind not in form.texts("kind")],
        "muted_messages": form.texts("muted_message"),
        "most_a_day": int(most) if most.isdecimal() else most,
    }
    if form.is_checked("quiet"):
        body["quiet_hours"] = {"start": form.text("quiet_start"), "end": form.text("quiet_end")}
    for channel in CHANNELS:
        if address := form.text(channel):
            body[channel] = address
        elif form.is_checked(f"no_{channel}"):
            body[channel] = None
    return body


async def _again(visit: Visit, part: str, error: Problem | Refusal, given: Mapping[str, Any]) -> Reply:
    """Show the page with what was typed, and with what is wrong of it. Raises what is no fault of a field."""
    return await _page(visit, {part: given}, part, told_in_form(error, has_if_match=False))


async def _page(
    visit: Visit, given: Mapping[str, Mapping[str, Any]] | None = None, part: str = "", problem: Problem | None = None
) -> Reply:
    user: User
    users: Page[User]
    alerts: AlertsRead | None
    user, users, alerts = await asyncio.gather(
        visit.ask("get_user", {"user": visit.user.id}),
        visit.ask("list_users", query={"limit": _MOST_USERS}),
        _alerts(visit),
    )
    you = {**user.model_dump(), "networks": "\n".join(user.networks)}
    rules = _rules(alerts, visit.query("mute"))
    settings = visit.signed_in.organization.settings
    shown = {**rules, **(given or {}).get("alerts", {})}
    values = {
        "you": {**you, **(given or {}).get("you", {})},
        "alerts": shown,
        "subjects": await subjects_of(visit, [each for each in shown["muted_messages"] if MADE.fullmatch(each)]),
        "channels": {each.channel: each for each in alerts.channels} if alerts else {},
        "has_alerts": alerts is not None,
        "others": sorted({each for other in users.items if other.id != user.id for each in other.networks})[:_MOST],
        "settings": settings,
        "tracking": _TRACKING[settings.tracking],
        "inbound": INBOUND,
        "kinds": KINDS,
        "days": DAYS,
        "most_days": list(DAYS),
        "did": _SAID.get(visit.query("did"), ""),
        "tried": {each: _TRIED[state] for each in CHANNELS if (state := visit.query(f"tried_{each}")) in _TRIED},
        "wrong_part": part,
        "problem": problem.document if problem else None,
        "labels": _LABELS,
        "errors": errors_at_fields(problem, _LABELS, {"networks": _networks(given)}),
        "may_change": bool(visit.scopes & _CHANGERS),
    }
    return Shown("options.html", values, problem.document.status if problem else 200)


def _networks(given: Mapping[str, Mapping[str, Any]] | None) -> list[str]:
    """Return the networks that were typed."""
    return f"{(given or {}).get('you', {}).get('networks', '')}".split()


async def _alerts(visit: Visit) -> AlertsRead | None:
    """Read the person's choice of alerts; None where there is none."""
    try:
        found: AlertsRead = await visit.ask("get_alerts", {"user": visit.user.id})
    except Problem as problem:
        if problem.document.status != 404:
            raise
        return None
    return found


def _rules(alerts: AlertsRead | None, mute: str) -> dict[str, Any]:
    """Return the choice of alerts as the form shows it, with a message that a link wants to have muted."""
    rules = (alerts or AlertRules()).model_dump(include=set(AlertRules.model_fields))
    if MADE.fullmatch(mute) and mute not in rules["muted_messages"]:
        rules["muted_messages"].append(mute)
    return {**rules, "proposed": mute, "digest_default": DigestChoice(), "quiet_default": QuietHours()}
