"""Pages that say why something did not work. What was typed into a form is on them, to be sent once more or copied."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import azure.functions as func

from functions.api.problems import Problem
from functions.console.posts import read_form_of
from functions.console.screen import WITH_FILES
from functions.console.visit import FORM_TOKEN, Form, Visit
from lib.console.sessions import Session
from lib.services import Services

_FOR_NOTHING = frozenset({401, 403, 404, 410, 413})
"""Statuses with which sending the same form once more cannot help."""

_MOST_SHOWN = 512 * 1024
"""Characters of a form that the page repeats."""

_UNSEEN = frozenset({"act", "etag", "format_before", "seen", "sure", "when", "back"})
"""Fields that no person has typed."""


async def typed_by(services: Services, request: func.HttpRequest, session: Session | None, visit: Visit | None) -> Form:
    """Return the form of a request that failed, maybe before its form was read; empty where there is none.

    The cookie is opened without storage, so what was typed is kept while storage is down, and after the session.
    """
    if request.method != "POST" or session is None:
        return Form()
    if visit is not None and visit.form.pairs():
        return visit.form
    try:
        return await read_form_of(services, session.organization, request, WITH_FILES)
    except Exception:  # the first problem is the one to tell of
        return Form()


def failure_page(
    problem: Problem, form: Form, session: Session | None, send_to: str, *, is_form: bool
) -> tuple[str, Mapping[str, Any]]:
    """Return the template of a problem, and its values. `send_to` is the page that takes the form.

    `is_form` tells whether a form was sent, which no page sends again by itself.
    """
    status, pairs = problem.document.status, form.pairs()
    is_ours = session is not None and session.accepts_form(form.text(FORM_TOKEN))
    has_room = sum(len(value) for _, value in pairs) <= _MOST_SHOWN
    if not has_room:
        pairs = []
    values = {
        "problem": problem.document,
        "typed": [(_label(name), value) for name, value in pairs if value.strip() and name not in _UNSEEN],
        "fields": pairs,
        "can_send": is_ours and has_room and status not in _FOR_NOTHING,
        "form_token": session.form_token if session else "",
        "send_to": send_to,
        "has_files": form.has_files,
        "is_form": is_form,
    }
    return "storage_is_down.html" if status == 503 else "problem.html", values


def _label(name: str) -> str:
    return name.replace("_", " ").replace(".", ": ").capitalize()
