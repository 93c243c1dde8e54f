"""Mailboxes that Heed reads, and rules that make tasks, cases and records of received mail."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import get_args

from functions.api.paging import Page
from functions.api.problems import Problem
from functions.console.refusals import told_in_form
from functions.console.rendering import path_to, with_query
from functions.console.screen import Redirect, Reply, Screens
from functions.console.screens.administration import ADMINISTRATORS, PATH, settings_page
from functions.console.visit import Visit
from lib.errors import Refusal
from lib.inbound.mailboxes.models import MailboxRead
from lib.inbound.rules.models import CreationRule
from lib.messages.models import ReceivedKind
from lib.storage.versions import etag_of

screens = Screens(ADMINISTRATORS)

_MAILBOXES, _RULES = f"{PATH}/mailboxes", f"{PATH}/rules"
_MOST_SHOWN = 100
_WHEN = ("from", "to", "subject", "kind", "category")
_NOT_OF_IDS = re.compile(r"[^a-z0-9]+")


@screens("GET", "settings/mailboxes")
async def mailboxes(visit: Visit) -> Reply:
    """Show the mailboxes, and how the last poll of each went."""
    query = {"limit": _MOST_SHOWN, "cursor": visit.query("cursor")}
    found: Page[MailboxRead] = await visit.ask("list_mailboxes", query=query)
    values = {
        "asked": visit.query("asked"),
        "mailboxes": [(each, etag_of(each.etag)) for each in found.items],
        "more": with_query(_MAILBOXES, cursor=found.next) if found.next else None,
    }
    return settings_page("mailboxes", "mailboxes", values)


@screens("POST", "settings/mailboxes/{id}/poll")
async def poll_mailbox(visit: Visit) -> Reply:
    """Have a mailbox read within a minute; the page then shows how that went."""
    await visit.ask("poll_mailbox", {"id": visit.path["id"]})
    return Redirect(with_query(_MAILBOXES, asked=visit.path["id"]))


@screens("POST", "settings/mailboxes/{id}/{act}")
async def change_mailbox(visit: Visit) -> Reply:
    """Pause the version of a mailbox that the page showed, go on with it, or delete it."""
    act, path, etag = visit.path["act"], {"id": visit.path["id"]}, visit.form.text("etag") or None
    if act in ("pause", "resume"):
        await visit.ask("patch_mailbox", path, body={"enabled": act == "resume"}, etag=etag)
    elif act == "delete":
        await visit.ask("delete_mailbox", path, etag=etag)
    else:
        raise Problem(404, "There is no such button.")
    return Redirect(_MAILBOXES)


@screens("GET", "settings/mailboxes/{id}/delete")
async def ask_to_delete_mailbox(visit: Visit) -> Reply:
    """Ask once more."""
    found: MailboxRead = await visit.ask("get_mailbox", {"id": visit.path["id"]})
    values = {
        "title": f"Delete the mailbox {found.id}?",
        "texts": ["Heed reads it no longer, and forgets how far it came. Mail that was read from it stays."],
        "action": path_to("settings", "mailboxes", found.id, "delete"),
        "label": "Delete it",
        "fields": {"etag": etag_of(found.etag)},
        "back": _MAILBOXES,
    }
    return settings_page("mailboxes", "ask", values)


@screens("GET", "settings/rules")
async def rules(visit: Visit) -> Reply:
    """Show the rules, and a form for another one."""
    return await _rules(visit, dict.fromkeys((*_WHEN, "id", "type", "title"), ""))


@screens("POST", "settings/rules")
async def make_rule(visit: Visit) -> Reply:
    """Make a rule. What is wrong leads back to the form."""
    given = {name: visit.form.text(name) for name in (*_WHEN, "id", "type", "title")}
    rule_id = _NOT_OF_IDS.sub("-", given["id"].casefold()).strip("-")[:60] or "rule"
    fields = {"title": given["title"]} if given["title"] and given["type"] in ("task", "case") else {}
    body = {
        "when": {name: given[name] for name in _WHEN if given[name]},
        "create": {"type": given["type"], "fields": fields},
    }
    try:
        if await visit.services.rules.load_rule(visit.org, rule_id):
            raise Problem(422, f"There is a rule {rule_id} already.", code="invalid")
        await visit.ask("put_rule", {"id": rule_id}, body=body)
    except (Problem, Refusal) as error:
        return await _rules(visit, given, told_in_form(error, (409, 422), has_if_match=False))
    return Redirect(_RULES)


@screens("GET", "settings/rules/{id}/delete")
async def ask_to_delete_rule(visit: Visit) -> Reply:
    """Ask once more."""
    found: CreationRule = await visit.ask("get_rule", {"id": visit.path["id"]})
    values = {
        "title": f"Delete the rule {found.id}?",
        "texts": [f"No mail makes a {found.create.type} by it any more. What it has made stays."],
        "action": path_to("settings", "rules", found.id, "delete"),
        "label": "Delete it",
        "fields": {"etag": etag_of(found.etag)},
        "back": _RULES,
    }
    return settings_page("rules", "ask", values)


@screens("POST", "settings/rules/{id}/delete")
async def delete_rule(visit: Visit) -> Reply:
    """Delete the version of the rule that the page showed."""
    await visit.ask("delete_rule", {"id": visit.path["id"]}, etag=visit.form.text("etag") or None)
    return Redirect(_RULES)


async def _rules(visit: Visit, given: Mapping[str, str], problem: Problem | None = None) -> Reply:
    found: Page[CreationRule] = await visit.ask("list_rules", query={"limit": _MOST_SHOWN})
    values = {
        "rules": [(each, each.when.model_dump(by_alias=True, exclude_none=True)) for each in found.items],
        "given": given,
        "kinds": get_args(ReceivedKind),
        "problem": problem.document if problem else None,
        "errors": [each.msg for each in (problem.document.errors or [])] if problem else [],
    }
    return settings_page("rules", "rules", values, problem.document.status if problem else 200)
