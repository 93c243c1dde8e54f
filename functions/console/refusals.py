"""Refusals that a page with a form shows itself, beside what was typed."""

from __future__ import annotations

from functions.api.problems import Problem, problem_of
from lib.errors import Refusal

_TOLD_IN_FORM = (409, 412, 413, 422)
"""Statuses of problems that a person can do something about in the form. Others have a page, which keeps the text."""


def told_in_form(error: Problem | Refusal, *, has_if_match: bool = True) -> Problem:
    """Return the problem if the form can show it; else raise the error.

    `has_if_match` tells whether the form named the version that it changes.
    """
    problem = problem_of(error, has_if_match=has_if_match)
    if problem.document.status not in _TOLD_IN_FORM:
        raise error
    return problem
