"""Refusals that a page with a form shows itself, beside what was typed."""

from __future__ import annotations

from functions.api.problems import Problem, problem_of
from lib.errors import Refusal

_TOLD_IN_FORM = (409, 412, 413, 422)
"""Statuses of problems that a person can do something about in the form."""


def told_in_form(error: Problem | Refusal) -> Problem:
    """Return the problem if a form can show it; else raise the error."""
    problem = problem_of(error, has_if_match=True)
    if problem.document.status not in _TOLD_IN_FORM:
        raise error
    return problem
