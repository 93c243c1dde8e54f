"""Forms that are sent to the console: whether they come from our own pages, how large they are, and what they hold.

A form is read only after its sender is known, and a large one away from the event loop.
"""

from __future__ import annotations

from urllib.parse import urlsplit

import azure.functions as func

from functions.api.problems import Problem
from functions.console.screen import USUAL_FORM, WITH_FILES
from functions.console.visit import FORM_TOKEN, Form
from functions.pages.forms import LARGEST, NotAForm, read_fields
from lib.console.operator_sessions import OperatorSession
from lib.console.sessions import Session
from lib.mime.sizes import size_text
from lib.services import Services

_MOST_FIELDS = 1_000
_FIELDS_OF_DOOR = 20
"""Fields of the form of a sign-in."""


def check_sender(request: func.HttpRequest, base_url: str) -> None:
    """Check that a form comes from a page of ours, and is not larger than any of ours. Raises Problem."""
    if not _is_from_our_page(request, base_url):
        raise Problem(403, "The form was not sent from a page of the console.")
    check_size(request, WITH_FILES)


def _is_from_our_page(request: func.HttpRequest, base_url: str) -> bool:
    """Tell whether a form comes from a page of the same origin, as far as the browser says.

    Source: https://www.w3.org/TR/fetch-metadata/; older browsers send `Origin` alone.
    """
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return bool(site == "same-origin")
    origin = request.headers.get("origin")
    if origin is None:
        return True  # no browser: it has no cookies that another page could use
    host = request.headers.get("host", "")
    return origin.partition("://")[2] in (urlsplit(base_url).netloc, host)


def check_size(request: func.HttpRequest, largest: int) -> None:
    """Check the size of a form by its header and by what has come. Raises Problem."""
    declared = request.headers.get("content-length", "")
    size = max(int(declared) if declared.isdecimal() and len(declared) < 20 else 0, len(request.get_body()))
    if size > largest:
        taken = f"The form has {size_text(size)}; at most {size_text(largest)} are taken."
        raise Problem(413, f"{taken} Go back: your browser still has what you typed.")


def read_door(request: func.HttpRequest) -> Form:
    """Read the small form of a sign-in, which anybody may send. Raises Problem."""
    check_size(request, LARGEST)
    try:
        return Form(read_fields(_kind(request), request.get_body(), LARGEST, _FIELDS_OF_DOOR))
    except NotAForm as error:
        raise _unreadable(error) from None


async def read_form_of(services: Services, place: str, request: func.HttpRequest, largest: int = USUAL_FORM) -> Form:
    """Read a form of a person who has signed in. `place` is their organization, whose large work is bounded.

    Raises Problem, Busy.
    """
    check_size(request, largest)
    body = request.get_body()
    with services.uploads.place(place, len(body)):
        try:
            work = services.off_loop.run(place, len(body), read_fields, _kind(request), body, largest, _MOST_FIELDS)
            return Form(await work)
        except NotAForm as error:
            raise _unreadable(error) from None


def _kind(request: func.HttpRequest) -> str:
    return str(request.headers.get("content-type", ""))


def _unreadable(error: NotAForm) -> Problem:
    return Problem(400, f"The form cannot be read: {error}.")


def check_token(form: Form, session: Session | OperatorSession) -> None:
    """Check that a form was made for this session. Raises Problem."""
    if not session.accepts_form(form.text(FORM_TOKEN)):
        raise Problem(403, "The form is of another session: go back, load the page again, and send it once more.")
