"""Track a mail: one that came in, or that was sent with another program, is uploaded and followed from then on."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Sequence

from functions.api.paging import Page
from functions.api.problems import Problem
from functions.console.refusals import told_in_form
from functions.console.rendering import path_to
from functions.console.screen import WITH_FILES, Redirect, Reply, Screens, Shown
from functions.console.visit import Visit
from functions.resources.people import RecordItem, RecordRead
from functions.shapes.message import MessageRead
from lib.errors import Refusal
from lib.ids import CHOSEN, RECORD_TYPE
from lib.inbound.take_in import MAIL_TYPE

screens = Screens(frozenset({"full", "user"}))

_PROPOSED = ("opportunity", "case", "contact")
"""Types of records that are proposed."""

_MOST_PROPOSED = 50


@screens("GET", "track")
async def track(visit: Visit) -> Reply:
    """Show the form."""
    return await _form(visit, visit.query("regarding"))


@screens("POST", "track", largest=WITH_FILES)
async def upload(visit: Visit) -> Reply:
    """Track the mail of the form, and lead to its page. What is wrong leads back to the form."""
    regarding = visit.form.text("regarding")
    try:
        body = {"mime": _mail(visit), "regarding": await _regarding(visit, regarding)}
        found: MessageRead = await visit.ask("track_message", body=body)
    except (Problem, Refusal) as error:
        return await _form(visit, regarding, told_in_form(error, has_if_match=False))
    return Redirect(path_to("messages", found.id))


def _mail(visit: Visit) -> str:
    """Return the mail that was chosen, in base64. Raises Problem."""
    chosen = visit.form.file("mail")
    if chosen is None or not chosen.content:
        raise Problem(422, "Choose the file of a mail.")
    return base64.b64encode(chosen.content).decode()


async def _regarding(visit: Visit, name: str) -> dict[str, str] | None:
    """Return the record that the mail is about, with its name, of `<type>/<id>`. Raises Problem."""
    if not name:
        return None
    kind, _, record = name.partition("/")
    if not RECORD_TYPE.fullmatch(kind) or not CHOSEN.fullmatch(record):
        raise Problem(422, "Name the record by its type and its id, such as opportunity/o1.")
    try:
        found: RecordRead = await visit.ask("get_record", {"type": kind, "id": record})
    except Problem as problem:
        if problem.document.status != 404:
            raise
        raise Problem(422, f"There is no record {name}.") from None
    return {"type": found.type, "id": found.id, "name": found.name}


async def _form(visit: Visit, regarding: str, problem: Problem | None = None) -> Reply:
    asked = [visit.ask("list_records", query={"type": each, "limit": _MOST_PROPOSED}) for each in _PROPOSED]
    pages: Sequence[Page[RecordItem]] = await asyncio.gather(*asked)
    values = {
        "regarding": regarding,
        "records": [each for page in pages for each in page.items],
        "accepted": f".eml,{MAIL_TYPE}",
        "problem": problem.document if problem else None,
    }
    return Shown("track.html", values, problem.document.status if problem else 200)
