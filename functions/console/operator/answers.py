"""Answers to operators: the way in by the administrator's key, the way out, and the screens."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import azure.functions as func

from functions.api.authorization import is_administrator, unauthorized
from functions.api.endpoint import Endpoint
from functions.api.problems import Problem, problem_of
from functions.api.rate_limits import authorize_within_limits
from functions.console.cookies import OPERATOR, read_cookie, write_cookie
from functions.console.operator.screens import SCREENS, TABS
from functions.console.operator.visit import OPERATOR_HOME, OperatorVisit
from functions.console.posts import check_token, read_door, read_form_of
from functions.console.rendering import render, words_for
from functions.console.screen import Redirect, Shown
from functions.console.visit import Form
from lib.console.operator_sessions import LIFETIME
from lib.services import Services

_IN, _OUT = "sign-in", "sign-out"
_PLACE = "operator"
"""Stands for the operators among organizations that have large work done."""


async def answer_operator(
    services: Services, endpoints: Mapping[str, Endpoint], request: func.HttpRequest, rest: str
) -> func.HttpResponse:
    """Answer a request below `/console/operator`. Raises Problem for a form that is none of ours."""
    page = rest.removeprefix("operator").removeprefix("/")
    is_post = request.method == "POST"
    if page == _IN and is_post:
        return await _sign_in(services, request, read_door(request))
    session = services.operator_sessions.check_session(read_cookie(services, request, OPERATOR))
    if session is None:
        return _to(OPERATOR_HOME) if is_post else _door()
    form = Form()
    if is_post:
        form = await read_form_of(services, _PLACE, request)
        check_token(form, session)
    if page == _OUT and is_post:
        return _to(OPERATOR_HOME, write_cookie(services, OPERATOR, "", 0))
    visit = OperatorVisit(services, endpoints, request, session, page, form)
    try:
        return await _screen(visit)
    except Exception as error:
        problem = problem_of(error, has_if_match=False)
        values = {"problem": problem.document, "back": OPERATOR_HOME, "is_form": is_post}
        template = "storage_is_down.html" if problem.document.status == 503 else "problem.html"
        return _page(template, values, problem.document.status, problem.headers)


async def _screen(visit: OperatorVisit) -> func.HttpResponse:
    """Find the screen of the path, and show it. Raises Problem."""
    method = "POST" if visit.request.method == "POST" else "GET"
    show = SCREENS.get((method, visit.page))
    if show is None:
        raise Problem(404, "There is no such page.")
    reply = await show(visit)
    if isinstance(reply, Redirect):
        return _to(reply.path)
    assert isinstance(reply, Shown)
    # `signed_in` is what macros take the token of forms from.
    common = {"signed_in": {"session": visit.session}, "tabs": TABS, "page": visit.page, "path": OPERATOR_HOME}
    return _page(reply.template, {**words_for(visit.times), **common, **reply.values}, reply.status)


async def _sign_in(services: Services, request: func.HttpRequest, form: Form) -> func.HttpResponse:
    """Begin a session by the administrator's key. Wrong keys count towards the limit of the network."""
    key = form.text("key")

    async def authorize() -> None:
        if not is_administrator(services, key):
            raise unauthorized("This is not the administrator's key.")

    if not key:
        return _door("Give the key.", 422)
    try:
        await authorize_within_limits(services, request.headers, {}, f"Bearer {key}", "", authorize)
    except Problem as problem:
        return _door(problem.document.detail or "", problem.document.status)
    services.audit.note_of_deployment("operator.signed_in", {})
    session = services.operator_sessions.begin_session()
    return _to(OPERATOR_HOME, write_cookie(services, OPERATOR, session, int(LIFETIME.total_seconds())))


def _door(wrong: str = "", status: int = 200) -> func.HttpResponse:
    return _page("operator/door.html", {"path": OPERATOR_HOME, "wrong": wrong}, status)


def _page(
    template: str, values: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None
) -> func.HttpResponse:
    html = render(template, values)
    return func.HttpResponse(html, status_code=status, mimetype="text/html", headers=dict(headers or {}))


def _to(address: str, headers: Mapping[str, str] | None = None) -> func.HttpResponse:
    return func.HttpResponse(status_code=303, headers={"Location": address, **(headers or {})})
