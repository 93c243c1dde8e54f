"""Switches that act at once, the readiness to send, and the audit log."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from functions.api.paging import Page
from functions.api.problems import Problem
from functions.console.naming import names_of_first_users
from functions.console.rendering import with_query
from functions.console.screen import Redirect, Reply, Screens
from functions.console.screens.administration import ADMINISTRATORS, PATH, ask_once_more, settings_page
from functions.console.visit import Visit
from functions.resources.organizations import OrganizationRead
from functions.resources.switches import SwitchRead
from lib.organizations.audit import AuditEntry
from lib.readiness.report import ReadinessReport
from lib.storage.versions import etag_of

screens = Screens(ADMINISTRATORS)

_SWITCHES, _AUDIT = f"{PATH}/switches", f"{PATH}/audit"
_MOST_SHOWN = 50
_ORDER = ("problem", "warning", "unknown", "ok")

_ASKED = {
    "engagement": (
        "Stop recording?",
        "No recipient is followed, and nothing is recorded any more, of mail that was sent either. "
        "What was recorded stays, and lists and scores do not show it until you switch this on again.",
        "Stop recording",
    ),
    "links": (
        "Switch all links off?",
        "Every link and every file in mail that was sent shows a page that says so, instead of leading on. "
        "Use this when mail went out that must not work.",
        "Switch all links off",
    ),
}


@screens("GET", "settings/switches")
async def switches(visit: Visit) -> Reply:
    """Show what is on and what is off."""
    organization: OrganizationRead
    links: SwitchRead
    organization, links = await asyncio.gather(visit.ask("get_organization"), visit.ask("get_organization_switch"))
    values = {
        "is_recording": organization.settings.engagement_enabled,
        "are_links_on": not links.switched_off,
        "etag": etag_of(organization.etag),
    }
    return settings_page("switches", "switches", values)


@screens("GET", "settings/switches/{which}")
async def ask_to_switch_off(visit: Visit) -> Reply:
    """Ask once more before something is switched off."""
    which = visit.path["which"]
    if which not in _ASKED:
        raise Problem(404, "There is no such switch.")
    title, text, label = _ASKED[which]
    organization: OrganizationRead = await visit.ask("get_organization")
    fields = {"to": "off", "etag": etag_of(organization.etag)}
    return ask_once_more(visit, "switches", title, [text], label, fields)


@screens("POST", "settings/switches/{which}")
async def switch(visit: Visit) -> Reply:
    """Switch something off or on."""
    which, is_on = visit.path["which"], visit.form.text("to") == "on"
    if which == "engagement":
        body = {"settings": {"engagement_enabled": is_on}}
        await visit.ask("patch_organization", body=body, etag=visit.form.text("etag") or None)
    elif which == "links":
        await visit.ask("switch_organization_on" if is_on else "switch_organization_off")
    else:
        raise Problem(404, "There is no such switch.")
    return Redirect(_SWITCHES)


@screens("GET", "settings/readiness")
async def readiness(visit: Visit) -> Reply:
    """Show each check, what is wrong first, with its remedy."""
    report: ReadinessReport = await visit.ask("get_readiness")
    checks = sorted(report.checks, key=lambda check: _ORDER.index(check.state))
    return settings_page("readiness", "readiness", {"report": report, "checks": checks})


@screens("GET", "settings/audit")
async def audit(visit: Visit) -> Reply:
    """Show administrative acts, newest first."""
    query = {"limit": _MOST_SHOWN, "cursor": visit.query("cursor")}
    found: Page[AuditEntry]
    users: Mapping[str, str]
    found, users = await asyncio.gather(visit.ask("list_audit", query=query), names_of_first_users(visit))
    values = {
        "entries": found.items,
        "users": users,
        "more": with_query(_AUDIT, cursor=found.next) if found.next else None,
    }
    return settings_page("audit", "audit", values)
