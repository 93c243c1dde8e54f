"""Templates: what came of the mails that were made of them, which one is recommended and why, and their texts."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from functions.api.endpoint import Answer
from functions.api.paging import Page
from functions.api.problems import Problem
from functions.console.field_errors import errors_at_fields
from functions.console.listed_templates import ListedTemplate, listed_template
from functions.console.refusals import told_in_form
from functions.console.rendering import path_to, with_query
from functions.console.screen import USUAL_FORM, Framed, Redirect, Reply, Screens, Shown
from functions.console.visit import HOME, Visit
from functions.shapes.template import TemplateItem, TemplateRead
from lib.console.bars import HEIGHT, WIDTH, Bar, bar_of, scale_of
from lib.console.names import id_of_name
from lib.errors import Refusal
from lib.organizations.scopes import Scope
from lib.storage.versions import etag_of
from lib.templates.listing import TemplateSort
from lib.templates.models import LONGEST_HTML, LONGEST_TEXT

screens = Screens()

PATH = f"{HOME}templates"

WRITERS: frozenset[Scope] = frozenset({"full"})
"""Scopes that change templates, as with the API."""

_SORTS: Mapping[TemplateSort, str] = {
    "name": "by name",
    "-sent_count": "most sent first",
    "-open_rate": "most opened first",
    "-click_rate": "most clicked first",
    "-reply_rate": "most answered first",
    "-won_rate": "most won first",
}
"""The orders that the list offers, in words."""

_MOST_SHOWN = 100
_LARGEST = 9 * (LONGEST_HTML + LONGEST_TEXT) + USUAL_FORM
"""Bytes of a form: a character may take nine, as in `%E2%82%AC`."""

_FIELDS = ("name", "language", "subject", "html", "text")

RateName = Literal["open_rate", "click_rate", "reply_rate", "won_rate"]
RATES: Mapping[RateName, str] = {
    "open_rate": "Opened",
    "click_rate": "Clicked",
    "reply_rate": "Answered",
    "won_rate": "Won",
}
"""Columns of the list, with their headings."""


class Row(NamedTuple):
    """A template with its bars."""

    template: TemplateItem
    bars: Mapping[str, Bar | None]


@screens("GET", "templates")
async def templates(visit: Visit) -> Reply:
    """Show all templates with their rates."""
    sort = visit.query("sort") if visit.query("sort") in _SORTS else "name"
    words, language = visit.query("q"), visit.query("language")
    query = {"sort": sort, "q": words, "language": language, "limit": _MOST_SHOWN, "cursor": visit.query("cursor")}
    found: Page[TemplateItem] = await visit.ask("list_templates", query=query)
    values = {
        "rows": template_rows(found.items),
        "rates": RATES,
        "sorts": _SORTS,
        "sort": sort,
        "words": words,
        "language": language,
        "size": (WIDTH, HEIGHT),
        "more": with_query(PATH, sort=sort, q=words, language=language, cursor=found.next) if found.next else None,
        "may_change": bool(visit.scopes & WRITERS),
    }
    return Shown("templates.html", values)


def template_rows(items: Sequence[TemplateItem]) -> list[Row]:
    """Draw the rates of a column on one scale, so that bars below each other can be compared."""
    scales = {name: scale_of([getattr(each, name) for each in items]) for name in RATES}
    return [Row(each, {name: bar_of(getattr(each, name), scales[name]) for name in RATES}) for each in items]


@screens("GET", "templates/new", may=WRITERS)
async def new_template(_: Visit) -> Reply:
    """Show an empty form."""
    return _form(dict.fromkeys(_FIELDS, ""))


@screens("GET", "templates/{id}")
async def template(visit: Visit) -> Reply:
    """Show a template, or an older version of it."""
    path, version = {"id": visit.path["id"]}, visit.query("version")
    found: TemplateRead
    listed: Answer
    found, listed = await asyncio.gather(
        visit.ask("get_template", path, {"version": version}),
        visit.call(listed_template, path),
    )
    assert isinstance(listed.body, ListedTemplate)
    item = listed.body.item
    values = {
        "template": found,
        "item": item,
        "bars": {label: bar_of(getattr(found, name)) for name, label in RATES.items()},
        "size": (WIDTH, HEIGHT),
        "newest": item.version if item else found.version,
        "preview": with_query(path_to("templates", found.id, "preview"), version=version),
        "may_change": bool(visit.scopes & WRITERS) and found.etag is not None,
    }
    return Shown("template.html", values)


@screens("GET", "templates/{id}/preview")
async def template_preview(visit: Visit) -> Reply:
    """Show the template with example names alone, for a frame."""
    return Framed(await visit.ask("preview_template", {"id": visit.path["id"]}, {"version": visit.query("version")}))


@screens("GET", "templates/{id}/edit", may=WRITERS)
async def edit_template(visit: Visit) -> Reply:
    """Show the form with the newest version."""
    found: TemplateRead = await visit.ask("get_template", {"id": visit.path["id"]})
    return _form({name: getattr(found, name) or "" for name in _FIELDS}, found.id, etag_of(found.etag or ""))


@screens("POST", "templates/save", may=WRITERS, largest=_LARGEST)
async def save_template(visit: Visit) -> Reply:
    """Save what the form says; what is wrong leads back to the form, with everything that was typed."""
    given = {name: visit.form.text(name) for name in _FIELDS}
    template_id, etag = visit.form.text("id"), visit.form.text("etag")
    chosen = template_id or id_of_name(given["name"], "template")
    body = {name: given[name] or (None if name in ("html", "text") else "") for name in _FIELDS}
    try:
        if not template_id and await _exists(visit, chosen):
            raise Problem(422, f"There is a template {chosen} already: choose another name.", code="invalid")
        await visit.ask("put_template", {"id": chosen}, body=body, etag=etag or None)
    except (Problem, Refusal) as error:
        return _form(given, template_id, etag, told_in_form(error, has_if_match=bool(etag)))
    return Redirect(path_to("templates", chosen))


@screens("GET", "templates/{id}/delete", may=WRITERS)
async def ask_to_delete(visit: Visit) -> Reply:
    """Ask once more."""
    found: TemplateRead = await visit.ask("get_template", {"id": visit.path["id"]})
    return Shown("template_delete.html", {"template": found, "etag": etag_of(found.etag or "")})


@screens("POST", "templates/{id}/delete", may=WRITERS)
async def delete_template(visit: Visit) -> Reply:
    """Delete the version that the page showed."""
    etag = visit.form.text("etag")
    await visit.ask("delete_template", {"id": visit.path["id"]}, etag=etag or None)
    return Redirect(PATH)


async def _exists(visit: Visit, template_id: str) -> bool:
    found = await visit.services.templates.load_template(visit.org, template_id)
    return found is not None


def _form(given: Mapping[str, str], template_id: str = "", etag: str = "", problem: Problem | None = None) -> Reply:
    values = {
        "given": given,
        "id": template_id,
        "etag": etag,
        "problem": problem.document if problem else None,
        "errors": errors_at_fields(problem, _FIELDS),
        "labels": {name: name.capitalize() for name in _FIELDS} | {"html": "HTML", "text": "Plain text"},
    }
    return Shown("template_edit.html", values, problem.document.status if problem else 200)
