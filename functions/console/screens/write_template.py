"""The choice of a template for a draft: what came of mails made of each, and which one is recommended, and why."""

from __future__ import annotations

import asyncio

from functions.api.paging import Page
from functions.console.rendering import path_to, with_query
from functions.console.screen import WRITERS, Redirect, Reply, Screens, Shown
from functions.console.screens.templates import RATES, template_rows
from functions.console.visit import Visit
from functions.shapes.checks import EDITABLE
from functions.shapes.message import MessageRead
from functions.shapes.template import TemplateItem
from lib.console.bars import HEIGHT, WIDTH
from lib.storage.versions import etag_of
from lib.templates.greeting import merge_spec
from lib.templates.models import Rendered

screens = Screens(WRITERS)

_MOST_SHOWN = 30
_MOST_NAMED = 20
"""Empty fields that the draft's page names."""

_PICKED_FIRST = {"recommendation": 0, "trial": 1}


@screens("GET", "write/{message}/template")
async def choose_template(visit: Visit) -> Reply:
    """Show the templates with their rates, the picked ones first."""
    words, language, about = visit.query("q"), visit.query("language"), visit.query("regarding")
    query = {
        "q": words,
        "language": language,
        "regarding": about,
        "sort": "-reply_rate",
        "limit": _MOST_SHOWN,
        "cursor": visit.query("cursor"),
    }
    found: MessageRead
    listed: Page[TemplateItem]
    found, listed = await asyncio.gather(
        visit.ask("get_message", {"message": visit.path["message"]}, {"checks": "false"}),
        visit.ask("list_templates", query=query),
    )
    if found.status not in EDITABLE:
        return Redirect(path_to("messages", found.id))
    here = path_to("write", found.id, "template")
    shown = {"q": words, "language": language, "regarding": about}
    values = {
        "message": found,
        "etag": etag_of(found.etag),
        "rows": template_rows(sorted(listed.items, key=lambda each: _PICKED_FIRST.get(each.pick or "", 2))),
        "rates": RATES,
        "size": (WIDTH, HEIGHT),
        "words": words,
        "language": language,
        "regarding": about,
        "has_text": found.html is not None or found.text is not None,
        "more": with_query(here, **shown, cursor=listed.next) if listed.next else None,
    }
    return Shown("write_template.html", values)


@screens("POST", "write/{message}/template")
async def use_template(visit: Visit) -> Reply:
    """Put a template's text into the draft, and its subject where the draft answers no other mail."""
    found: MessageRead = await visit.ask("get_message", {"message": visit.path["message"]}, {"checks": "false"})
    chosen = visit.form.text("template")
    values = merge_spec(found.to, found.cc, found.bcc, found.sender, found.regarding)
    rendered: Rendered = await visit.ask("render_template", {"id": chosen}, body=values)
    fields = {"template": chosen, "html": rendered.html, "text": rendered.text}
    if found.in_reply_to is None:
        fields["subject"] = rendered.subject
    await visit.ask("patch_message", {"message": found.id}, body=fields, etag=visit.form.text("etag") or None)
    empty = ",".join(rendered.empty_fields[:_MOST_NAMED]) or None
    return Redirect(with_query(path_to("write", found.id), did="template", empty=empty))
