"""Answers of the console: static files, the way in and out, and the screens for those who are in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

import azure.functions as func

from functions.api.endpoint import Endpoint
from functions.api.problems import Problem, problem_of
from functions.api.rate_limits import check_rate
from functions.api.session_places import note_session
from functions.console.cookies import SESSION, read_cookie
from functions.console.navigation import menu_for
from functions.console.operator.answers import answer_operator
from functions.console.posts import check_sender, check_token, read_form_of
from functions.console.problem_pages import failure_page, typed_by
from functions.console.rendering import render
from functions.console.screen import Download, Framed, Redirect, Reply, Screen, Shown
from functions.console.screens import SCREENS
from functions.console.sign_in import answer_sign_in, is_sign_in
from functions.console.static_files import static_answer
from functions.console.visit import HOME, Visit
from lib.console.sessions import SignedIn
from lib.services import Services

_PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; frame-src 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_MAIL_POLICY = (
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; base-uri 'none'; "
    "frame-ancestors 'self'"
)
"""The policy of a mail's body: nothing of the mail is run, sent or loaded, so that looking is no open."""

_MAIL_HEADERS = {
    "Content-Security-Policy": _MAIL_POLICY,
    "Referrer-Policy": "no-referrer",
    "X-DNS-Prefetch-Control": "off",  # names of hosts that a mail wants looked up are not under its policy
}
_HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",
    "Content-Security-Policy": _PAGE_POLICY,
    "Vary": "Cookie",
}


async def answer_request(
    services: Services, endpoints: Mapping[str, Endpoint], request: func.HttpRequest
) -> func.HttpResponse:
    """Answer a request below `/console/`. No exception leaves this function."""
    rest = str(request.route_params.get("rest", ""))
    if rest.startswith("static/"):
        return static_answer(rest.removeprefix("static/"))
    session = visit = None
    try:
        if request.method == "POST":
            check_sender(request, services.settings.base_url)
        if rest == "operator" or rest.startswith("operator/"):
            return _page_headers(await answer_operator(services, endpoints, request, rest))
        if is_sign_in(rest):
            return _page_headers(await answer_sign_in(services, request, rest))
        session = services.sessions.open_session(read_cookie(services, request, SESSION))
        signed_in = await services.sessions.check_session(session) if session else None
        if signed_in is None:
            return _to_sign_in(request, rest, had_session=session is not None)
        visit = Visit(services, endpoints, request, address_of(request, rest), signed_in)
        check_rate(services.rate_limits, f"console {visit.org} {visit.user.id}")
        response = _response(await _reply(visit, rest), visit)
        note_session(services, request, signed_in.organization, visit.user.id)
        return response
    except Exception as error:
        problem = problem_of(error, has_if_match=False)
        form = await typed_by(services, request, session, visit)
        send_to = (visit.sends_again_to if visit else "") or address_of(request, rest)
        page = failure_page(problem, form, session, send_to, is_form=request.method == "POST")
        return _problem_page(problem, page, visit)


async def _reply(visit: Visit, rest: str) -> Reply:
    """Find the screen of a path, and show it. Raises Problem."""
    method = "POST" if visit.request.method == "POST" else "GET"
    for screen in SCREENS:
        found = screen.pattern.fullmatch(rest) if screen.method == method else None
        if found is None:
            continue
        visit.path = found.groupdict()
        if rest == "" and not screen.may & visit.scopes and (menu := menu_for(visit.scopes)):
            return Redirect(HOME + menu[0].entries[0].path)
        _check_may(screen, visit.signed_in)
        if method == "POST":
            form = await read_form_of(visit.services, visit.org, visit.request, screen.largest)
            check_token(form, visit.signed_in.session)
            visit.form = form
        reply: Reply = await screen.show(visit)
        return reply
    raise Problem(404, "There is no such page.")


def _check_may(screen: Screen, signed_in: SignedIn) -> None:
    if not screen.may & signed_in.session.scopes:
        raise Problem(403, "This page is not for you: your key or your role has other rights.")


def _response(reply: Reply, visit: Visit) -> func.HttpResponse:
    match reply:
        case Shown(template, values, status):
            return _page(render(template, values, visit), status)
        case Redirect(path):
            return redirect(path)
        case Download(content, filename, media_type):
            headers = {**_HEADERS, "Content-Disposition": f"attachment; filename*=UTF-8''{quote(filename)}"}
            return func.HttpResponse(content, mimetype=media_type, headers=headers)
        case Framed(html):
            return func.HttpResponse(html, mimetype="text/html", headers={**_HEADERS, **_MAIL_HEADERS})


def _page(html: str, status: int = 200) -> func.HttpResponse:
    return func.HttpResponse(html, status_code=status, mimetype="text/html", headers=_HEADERS)


def _page_headers(response: func.HttpResponse) -> func.HttpResponse:
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    return response


def redirect(path: str) -> func.HttpResponse:
    """Lead to another page, which is read with GET."""
    return func.HttpResponse(status_code=303, headers={**_HEADERS, "Location": path})


def _to_sign_in(request: func.HttpRequest, rest: str, *, had_session: bool) -> func.HttpResponse:
    """Lead to the sign-in. Raises Problem for a form of a session that has ended, so that its text is not lost."""
    if had_session and request.method == "POST":
        raise Problem(401, "Your session has ended, and this was not done. Sign in, and send it again.")
    after = address_of(request, rest) if request.method != "POST" else HOME
    return redirect(f"{HOME}sign-in" if after == HOME else f"{HOME}sign-in?{urlencode({'next': after})}")


def address_of(request: func.HttpRequest, rest: str) -> str:
    """Return the path and the query of a request, as links of the console write them."""
    query = urlencode(dict(request.params))
    return f"{HOME}{quote(rest)}" + (f"?{query}" if query else "")


def _problem_page(problem: Problem, page: tuple[str, Mapping[str, Any]], visit: Visit | None) -> func.HttpResponse:
    """Show a problem by the template and the values of its page."""
    template, values = page
    response = _page(render(template, values, visit), problem.document.status)
    for name, value in problem.headers.items():
        response.headers[name] = value
    return response
