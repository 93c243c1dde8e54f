"""Writing: a draft is a form, and every button of the form saves what was typed before it does anything else."""

from __future__ import annotations

import re
from typing import Any

from functions.api.problems import Problem
from functions.console.draft_files import save_files
from functions.console.drafts import (
    CONDITIONS,
    FORMATS,
    LABELS,
    DraftForm,
    changed_fields,
    field_errors,
    form_of,
    read_draft,
    records_of_recipients,
    with_record,
)
from functions.console.refusals import told_in_form
from functions.console.rendering import path_to, with_query
from functions.console.reviews import Review, load_review
from functions.console.screen import WITH_FILES, WRITERS, Redirect, Reply, Screens, Shown
from functions.console.visit import HOME, Visit
from functions.shapes.checks import EDITABLE
from functions.shapes.message import MessageRead
from lib.console.differences import Difference, differences
from lib.console.quotes import quoted
from lib.console.simple_html import simple_html
from lib.errors import Refusal
from lib.fields import RecordRef
from lib.storage.versions import etag_of

screens = Screens(WRITERS)

_PAGES = ("preview", "check", "template")
"""Pages of a draft to which buttons of its form lead."""

_MERGE_FIELD = re.compile(r"(recipient|sender|regarding|org)(\.[a-z0-9_]{1,50}){1,2}")

_SAID = {"saved": "Saved.", "template": "The template is in. Read it over before you send it."}


@screens("GET", "write")
async def new_mail(visit: Visit) -> Reply:
    """Show an empty form, or one for recipients and a record that the address names."""
    given: dict[str, Any] = {name: visit.query(name) for name in ("subject", "regarding", "regarding_name")}
    return _shown(visit, DraftForm(to=visit.sealed_query("to"), **given))


@screens("POST", "write/new", largest=WITH_FILES)
async def make_draft(visit: Visit) -> Reply:
    """Make a draft of what was typed."""
    typed = read_draft(visit.form)
    try:
        fields = changed_fields(typed, DraftForm(), {}, visit.user.time_zone)
        made: MessageRead = await visit.ask("make_message", body={"from": visit.user.id, **fields})
    except (Problem, Refusal) as error:
        return _shown(visit, typed, None, told_in_form(error))
    return await _with_files(visit, typed, made)


@screens("POST", "write/reply")
async def answer_mail(visit: Visit) -> Reply:
    """Make a draft that answers a message, with the message's own words as a quote where they are kept."""
    answered: MessageRead = await visit.ask("get_message", {"message": visit.form.text("message")}, {"checks": "false"})
    body: dict[str, Any] = {"from": visit.user.id, "in_reply_to": answered.id}
    if answered.excerpt and answered.from_address:
        writer = answered.from_address.name or answered.from_address.email
        text = quoted(answered.excerpt, writer, answered.received_at, visit.times)
        body |= {"html": simple_html(text), "text": text}
    made: MessageRead = await visit.ask("make_message", body=body)
    return Redirect(path_to("write", made.id))


@screens("POST", "write/card/{card}")
async def draft_of_card(visit: Visit) -> Reply:
    """Make the draft that a card offers, of the recommended template."""
    made: MessageRead = await visit.ask("draft_from_card", {"card": visit.path["card"]})
    return Redirect(path_to("write", made.id))


@screens("GET", "write/{message}")
async def edit_draft(visit: Visit) -> Reply:
    """Show the form of a draft, or where else the message can be changed."""
    review = await load_review(visit, has_checks=False)
    found = review.message
    if found.status == "scheduled":
        return Redirect(path_to("write", found.id, "time"))
    if found.status not in EDITABLE:
        return Redirect(path_to("messages", found.id))
    return _shown(visit, form_of(found, visit.user.time_zone), review)


@screens("POST", "write/{message}", largest=WITH_FILES)
async def save_draft(visit: Visit) -> Reply:
    """Save what was typed, and do what the button says. What is wrong leads back to the form."""
    typed, etag = read_draft(visit.form), visit.form.text("etag")
    review = await load_review(visit, has_checks=False)
    found = review.message
    if found.status not in EDITABLE:
        text = f"The message is {found.status} by now, and this was not saved. Copy what you need."
        return _shown(visit, typed, review, Problem(409, text))
    try:
        saved = await _save_fields(visit, typed, found, etag)
    except (Problem, Refusal) as error:
        problem = told_in_form(error)
        if problem.document.status == 412:
            review = await load_review(visit, has_checks=False)
        return _shown(visit, typed, review, problem)
    return await _with_files(visit, typed, saved)


async def _save_fields(visit: Visit, typed: DraftForm, found: MessageRead, etag: str) -> MessageRead:
    """Change what differs. Raises Problem: 412 where somebody else has changed the draft since the form was shown."""
    zone = visit.user.time_zone
    fields = changed_fields(typed, form_of(found, zone), records_of_recipients(found), zone)
    if not fields:
        return found
    if etag != etag_of(found.etag):
        raise Problem(412, "The draft was changed meanwhile.")
    changed: MessageRead = await visit.ask("patch_message", {"message": found.id}, body=fields, etag=etag)
    return changed


async def _with_files(visit: Visit, typed: DraftForm, saved: MessageRead) -> Reply:
    """Save the files of the form, too, and lead to where its button says."""
    act, visit.sends_again_to = visit.form.text("act"), path_to("write", saved.id)
    try:
        await save_files(visit, saved)
        if act.startswith("record:"):
            await _choose_record(visit, saved, act.removeprefix("record:"))
    except (Problem, Refusal) as error:
        problem = told_in_form(error)
        visit.path = {"message": saved.id}
        return _shown(visit, typed, await load_review(visit, has_checks=False), problem)
    if act in _PAGES:
        about = saved.regarding.type if saved.regarding and act == "template" else ""
        return Redirect(with_query(path_to("write", saved.id, act), regarding=about))
    return Redirect(with_query(path_to("write", saved.id), did="saved"))


async def _choose_record(visit: Visit, saved: MessageRead, choice: str) -> None:
    """Name a recipient's record: `contact/c1/ada@example.com`. Raises Problem."""
    kind, _, rest = choice.partition("/")
    name, _, email = rest.partition("/")
    fields = with_record(saved, email, RecordRef.model_construct(type=kind, id=name))
    await visit.ask("patch_message", {"message": saved.id}, body=fields)


def _shown(visit: Visit, form: DraftForm, review: Review | None = None, problem: Problem | None = None) -> Reply:
    """Show the form. After a conflict it is for the version that is stored now, which the next saving replaces."""
    found = review.message if review else None
    document = problem.document if problem else None
    is_conflict = bool(document and document.status == 412)
    others: list[Difference] = []
    if is_conflict and found is not None:
        others = differences(form.texts(), form_of(found, visit.user.time_zone).texts())
    values = {
        "form": form,
        "message": found,
        "etag": etag_of(found.etag) if found else "",
        "recipients": review.recipients if review else (),
        "names": review.names if review else {},
        "template": review.template if review else "",
        "formats": FORMATS,
        "conditions": CONDITIONS,
        "labels": LABELS,
        "problem": document,
        "errors": field_errors(problem, form) if problem else {},
        "is_conflict": is_conflict,
        "differences": others,
        "said": _SAID.get(visit.query("did")) if not problem else None,
        "empty_fields": [each for each in visit.query("empty").split(",") if _MERGE_FIELD.fullmatch(each)],
        "to_delete": path_to("write", found.id, "delete") if found else "",
    }
    return Shown("write.html", values, document.status if document else 200)


@screens("POST", "write/{message}/delete")
async def delete_draft(visit: Visit) -> Reply:
    """Delete a draft, a scheduled or a failed message, in the version that the page showed."""
    await visit.ask("delete_message", {"message": visit.path["message"]}, etag=visit.form.text("etag") or None)
    return Redirect(with_query(f"{HOME}messages", view="all"))
