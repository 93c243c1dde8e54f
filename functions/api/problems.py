"""Problems: the answers to requests that fail, as `application/problem+json` (RFC 9457).

This module alone maps refusals of the domain and errors of storage to HTTP statuses.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping, Sequence
from http import HTTPStatus

import azure.functions as func
from pydantic import BaseModel, Field, ValidationError
from pydantic_core import ErrorDetails

from lib.errors import Refusal, WrongField
from lib.messages.models import TOO_LARGE
from lib.storage import Conflict, Missing, StorageError, Unavailable
from lib.workers.places import RETRY_AFTER

log = logging.getLogger("heed.api")

MOST_ERRORS = 50
"""The most fields of a request that a problem names; it counts the others."""

_LONGEST_KEY = 100


class FieldError(BaseModel):
    """A field of the request, and what is wrong with it."""

    loc: list[str | int] = Field(description="the path to the field")
    msg: str


class ProblemDocument(BaseModel):
    """The body of every answer from 400 on."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    errors: list[FieldError] | None = None


class Problem(Exception):
    """An error that becomes the answer; raised anywhere below an endpoint."""

    def __init__(
        self,
        status: int,
        detail: str,
        errors: Sequence[FieldError] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.headers = dict(headers or {})
        self._made_of = status, detail, errors, headers
        self.document = ProblemDocument(
            title=HTTPStatus(status).phrase,
            status=status,
            detail=detail,
            errors=list(errors) if errors else None,
        )

    @staticmethod
    def of_fields(errors: Sequence[FieldError], count: int) -> Problem:
        """Make a 422 that shows the given fields; `count` counts all fields with errors."""
        first, more = errors[0], f" ({count - 1} more)" if count > 1 else ""
        return Problem(422, f"{_path(first.loc)}: {first.msg}{more}", errors)

    def __reduce__(self) -> tuple[type[Problem], tuple[object, ...]]:
        """Let a problem come back from the process that checks large bodies."""
        return Problem, self._made_of


class ExpiredProof(Problem):
    """A 401 for a proof that was good once: its sender guesses nothing."""


def problem_answer(problem: Problem, headers: Mapping[str, str] | None = None) -> func.HttpResponse:
    """Make the HTTP answer of a problem; `headers` are added to its own."""
    return func.HttpResponse(
        problem.document.model_dump_json(exclude_none=True),
        status_code=problem.document.status,
        mimetype="application/problem+json",
        headers={**(headers or {}), **problem.headers},
    )


def not_there(what: str) -> Problem:
    """Make a 404. The caller cannot tell whether it does not exist or belongs to another organization."""
    return Problem(404, f"There is no such {what}.")


def invalid(loc: Sequence[str | int], message: str) -> Problem:
    """Make a 422 for one field."""
    return Problem(422, f"{_path(loc)}: {message}", [FieldError(loc=list(loc), msg=message)])


def invalid_fields(error: ValidationError, prefix: Sequence[str | int] = ()) -> Problem:
    """Make a 422 from pydantic's errors, or a 413 for a body that is too large for a mail.

    `prefix` is the place of the model's fields in the request.
    """
    found = error.errors(include_url=False, include_context=False, include_input=False)
    for each in found:
        if each["type"] == TOO_LARGE:
            return Problem(413, f"{_path([*prefix, *each['loc']])}: {each['msg']}.")
    return Problem.of_fields(field_errors(found[:MOST_ERRORS], prefix), len(found))


def field_errors(found: Sequence[ErrorDetails], prefix: Sequence[str | int] = ()) -> list[FieldError]:
    """Show pydantic's errors in the shape of the API."""
    return [
        FieldError(loc=[*prefix, *map(_shown, each["loc"])], msg=each["msg"].removeprefix("Value error, "))
        for each in found
    ]


def _shown(part: str | int) -> str | int:
    """Shorten a key of the body, which the caller chose, before it stands in the answer."""
    return f"{part[:_LONGEST_KEY]}…" if isinstance(part, str) and len(part) > _LONGEST_KEY else part


def _path(loc: Sequence[str | int]) -> str:
    return ".".join(str(part) for part in loc) or "the body"


def problem_of(error: Exception, *, has_if_match: bool) -> Problem:
    """Turn any error into the problem that the caller is told.

    An unforeseen error goes to the log under a number, and the caller learns the number alone.
    """
    if isinstance(error, Problem):
        return error
    if isinstance(error, ValidationError):
        return invalid_fields(error)
    if isinstance(error, Refusal):
        return _refused(error, has_if_match)
    if isinstance(error, Unavailable):
        return Problem(503, "Storage does not answer; nothing is lost, try again.", headers={"Retry-After": "5"})
    if isinstance(error, Conflict | Missing):
        return Problem(409, "Another request changed it at the same moment: read it again, and try once more.")
    number = secrets.token_hex(6)
    log.error("unforeseen %s, number %s", type(error).__name__, number, exc_info=error)
    status = 503 if isinstance(error, StorageError) else 500
    return Problem(status, f"That should not have happened. The log has it under the number {number}.")


def _refused(refusal: Refusal, has_if_match: bool) -> Problem:
    """Map a refusal of the domain to its status."""
    match refusal.kind:
        case "stale" if has_if_match:
            return Problem(412, "It has changed since the version that If-Match names: read it again.")
        case "stale":
            return Problem(409, "It has changed meanwhile: read it again, and try once more.")
        case "not_allowed":
            return Problem(409, f"{refusal}")
        case "wrong_field":
            return invalid(refusal.loc if isinstance(refusal, WrongField) else [], f"{refusal}")
        case "not_found":
            return not_there(f"{refusal}")
        case "gone":
            return Problem(410, f"{refusal}")
        case "too_large":
            return Problem(413, f"{refusal}")
        case "busy":
            return Problem(503, f"{refusal}", headers={"Retry-After": f"{RETRY_AFTER}"})
