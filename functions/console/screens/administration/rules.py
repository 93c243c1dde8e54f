"""Rules that make tasks, cases and records of received mail."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from functions.api.paging import Page
from functions.api.problems import Problem
from functions.console.refusals import told_in_form
from functions.console.rendering import with_query
from functions.console.screen import Redirect, Reply, Screens
from functions.console.screens.administration import ADMINISTRATORS, PATH, ask_once_more, settings_form
from functions.console.visit import Form, Visit
from lib.console.names import id_of_name
from lib.console.pairs import read_named, write_named
from lib.errors import Refusal
from lib.inbound.rules.models import CreationRule
from lib.messages.models import ReceivedKind
from lib.storage.versions import etag_of

screens = Screens(ADMINISTRATORS)

_RULES = f"{PATH}/rules"
_MOST_SHOWN = 100
_WHEN = ("from", "to", "subject", "kind", "category")
_TEXTS = (*_WHEN, "id", "type", "title", "more_fields")
_LABELS = {
    "id": "Name",
    "from": "Mail from",
    "to": "Mail to",
    "subject": "Words of the subject",
    "kind": "Kind",
    "category": "Category in its mailbox",
    "type": "It makes a",
    "title": "Called",
    "more_fields": "More fields",
}
_PLACES = {f"when.{name}": name for name in _WHEN} | {"create.type": "type", "create.fields": "more_fields"}
"""Fields of the form by the fields that the API names."""


@screens("GET", "settings/rules")
async def rules(visit: Visit) -> Reply:
    """Show the rules, and a form for another one."""
    return await _rules(visit, dict.fromkeys(_TEXTS, ""))


@screens("POST", "settings/rules")
async def make_rule(visit: Visit) -> Reply:
    """Make a rule. What is wrong leads back to the form."""
    given = _typed(visit.form)
    rule_id = id_of_name(given["id"], "rule")
    try:
        if await visit.services.rules.load_rule(visit.org, rule_id):
            raise Problem(422, f"There is a rule {rule_id} already.", code="invalid")
        await visit.ask("put_rule", {"id": rule_id}, body=_body(given))
    except (Problem, Refusal) as error:
        return await _rules(visit, given, told_in_form(error, has_if_match=False))
    return Redirect(_RULES)


@screens("GET", "settings/rules/{id}")
async def rule(visit: Visit) -> Reply:
    """Show a rule in a form."""
    found: CreationRule = await visit.ask("get_rule", {"id": visit.path["id"]})
    when = found.when.model_dump(by_alias=True)
    others = {name: value for name, value in found.create.fields.items() if name != "title"}
    given = {
        **{name: when[name] or "" for name in _WHEN},
        "id": found.id,
        "type": found.create.type,
        "title": found.create.fields.get("title", ""),
        "more_fields": write_named(others),
    }
    return _form(given, etag_of(found.etag))


@screens("POST", "settings/rules/{id}")
async def save_rule(visit: Visit) -> Reply:
    """Change the version of a rule that the form showed."""
    given, etag = {**_typed(visit.form), "id": visit.path["id"]}, visit.form.text("etag")
    try:
        await visit.ask("put_rule", {"id": given["id"]}, body=_body(given), etag=etag or "*")
    except (Problem, Refusal) as error:
        return _form(given, etag, told_in_form(error))
    return Redirect(_RULES)


@screens("GET", "settings/rules/{id}/delete")
async def ask_to_delete_rule(visit: Visit) -> Reply:
    """Ask once more."""
    found: CreationRule = await visit.ask("get_rule", {"id": visit.path["id"]})
    texts = [f"No mail makes a {found.create.type} by it any more. What it has made stays."]
    title, fields = f"Delete the rule {found.id}?", {"etag": etag_of(found.etag)}
    return ask_once_more(visit, "rules", title, texts, "Delete it", fields)


@screens("POST", "settings/rules/{id}/delete")
async def delete_rule(visit: Visit) -> Reply:
    """Delete the version of the rule that the page showed."""
    await visit.ask("delete_rule", {"id": visit.path["id"]}, etag=visit.form.text("etag") or None)
    return Redirect(_RULES)


def _typed(form: Form) -> dict[str, str]:
    return {name: form.text(name) for name in _TEXTS}


def _body(given: Mapping[str, str]) -> dict[str, Any]:
    """Return the rule as the API takes it."""
    title = {"title": given["title"]} if given["title"] else {}
    return {
        "when": {name: given[name] for name in _WHEN if given[name]},
        "create": {"type": given["type"], "fields": {**read_named(given["more_fields"]), **title}},
    }


def _form(given: Mapping[str, str], etag: str, problem: Problem | None = None) -> Reply:
    values = {"given": given, "kinds": get_args(ReceivedKind), "etag": etag}
    return settings_form("rules", "rule", values, problem, _LABELS, places=_PLACES)


async def _rules(visit: Visit, given: Mapping[str, str], problem: Problem | None = None) -> Reply:
    query = {"limit": _MOST_SHOWN, "cursor": visit.query("cursor")}
    found: Page[CreationRule] = await visit.ask("list_rules", query=query)
    values = {
        "given": given,
        "kinds": get_args(ReceivedKind),
        "rules": [(each, each.when.model_dump(by_alias=True, exclude_none=True)) for each in found.items],
        "more": with_query(_RULES, cursor=found.next) if found.next else None,
    }
    return settings_form("rules", "rules", values, problem, _LABELS, places=_PLACES)
