"""Refusals that a page with a form shows itself, beside what was typed."""

from __future__ import annotations

from collections.abc import Collection

from functions.api.problems import Problem, problem_of
from lib.errors import Refusal

_TOLD_IN_FORM = (409, 412, 413, 422)
"""Statuses of problems that a person can do something about in most forms."""


def told_in_form(
    error: Problem | Refusal, statuses: Collection[int] = _TOLD_IN_FORM, *, has_if_match: bool = True
) -> Problem:
    """Return the problem if the form can show it, which has one of the statuses; else raise the error.

    `has_if_match` tells whether the form named the version that it changes.
    """
    problem = problem_of(error, has_if_match=has_if_match)
    if problem.document.status not in statuses:
        raise error
    return problem
