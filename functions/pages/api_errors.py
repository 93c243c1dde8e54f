"""The page `/api/errors`: the catalogue of errors, to which the `type` of each problem leads."""

from __future__ import annotations

from functools import cache

from functions.api.problem_kinds import FIELD_KINDS, PROBLEM_KINDS
from functions.pages.render import render_page


@cache
def api_errors_page() -> str:
    """Render the page, as HTML."""
    return render_page("api_errors.html", problems=PROBLEM_KINDS, fields=FIELD_KINDS)
