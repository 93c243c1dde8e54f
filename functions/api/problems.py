"""Errors as `application/problem+json` (RFC 9457): what went wrong, where, and what to do about it."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping, Sequence
from http import HTTPStatus

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from lib.errors import Refusal, WrongField
from lib.messages.models import TOO_LARGE
from lib.storage import Conflict, Missing, StorageError, Unavailable
from lib.workers.places import RETRY_AFTER

log = logging.getLogger("heed.api")

MOST_ERRORS = 50
"""Fields of a request that are named; how many more there are is said."""

_LONGEST_KEY = 100


class FieldError(BaseModel):
    """`loc` is the way to the field, `msg` says what is wrong with it."""

    loc: list[str | int]
    msg: str


class ProblemDocument(BaseModel):
    """The body of every answer from 400 on."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    errors: list[FieldError] | None = None


class Problem(Exception):
    """Raised anywhere below an endpoint; becomes the answer."""

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
        """422 for fields of which the first are shown; `count` is how many there are."""
        first, more = errors[0], f" ({count - 1} more)" if count > 1 else ""
        return Problem(422, f"{_path(first.loc)}: {first.msg}{more}", errors)

    def __reduce__(self) -> tuple[type[Problem], tuple[object, ...]]:
        """A large body is checked in another process, from where the problem comes back."""
        return Problem, self._made_of


def not_there(what: str) -> Problem:
    """404: not there, or not yours; which of the two is not told."""
    return Problem(404, f"There is no such {what}.")


def invalid(loc: Sequence[str | int], message: str) -> Problem:
    """422 for one field."""
    return Problem(422, f"{_path(loc)}: {message}", [FieldError(loc=list(loc), msg=message)])


def invalid_fields(error: ValidationError, prefix: Sequence[str | int] = ()) -> Problem:
    """422 for each field with which pydantic is not content, or 413 for a body that is too large for a mail; `prefix`
    says where the model's fields stand."""
    found = error.errors(include_url=False, include_context=False, include_input=False)
    for each in found:
        if each["type"] == TOO_LARGE:
            return Problem(413, f"{_path([*prefix, *each['loc']])}: {each['msg']}.")
    return Problem.of_fields(field_errors(found[:MOST_ERRORS], prefix), len(found))


def field_errors(found: Sequence[ErrorDetails], prefix: Sequence[str | int] = ()) -> list[FieldError]:
    """Pydantic's errors, as the API shows them."""
    return [
        FieldError(loc=[*prefix, *map(_shown, each["loc"])], msg=each["msg"].removeprefix("Value error, "))
        for each in found
    ]


def _shown(part: str | int) -> str | int:
    """Keys are what the caller makes of them, and stand in the answer."""
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
        case "too_large":
            return Problem(413, f"{refusal}")
        case "busy":
            return Problem(503, f"{refusal}", headers={"Retry-After": f"{RETRY_AFTER}"})
