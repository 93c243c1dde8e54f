"""Forms that are sent to the console: whether they come from our own pages, and what they hold."""

from __future__ import annotations

from urllib.parse import urlsplit

import azure.functions as func

from functions.api.problems import Problem
from functions.console.visit import FORM_TOKEN, Form, Visit
from functions.pages.forms import NotAForm, read_fields

LARGEST = 30 * 1024 * 1024
"""Bytes of a form, with its files."""

_MOST_FIELDS = 1_000


def is_from_our_page(request: func.HttpRequest, base_url: str) -> bool:
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
    return bool(urlsplit(origin).netloc in (urlsplit(base_url).netloc, host))


def read_form_of(request: func.HttpRequest) -> Form:
    """Read the form of a request. Raises Problem."""
    try:
        fields = read_fields(request.headers.get("content-type", ""), request.get_body(), LARGEST, _MOST_FIELDS)
    except NotAForm as error:
        raise Problem(400, f"The form cannot be read: {error}.") from None
    return Form(fields)


def read_posted(visit: Visit) -> Form:
    """Read the form of a visit, and check that it was made for this session. Raises Problem."""
    form = read_form_of(visit.request)
    if not visit.signed_in.session.accepts_form(form.text(FORM_TOKEN)):
        raise Problem(403, "The form is of another session: go back, load the page again, and send it once more.")
    return form
