"""Problems: the answers to requests that fail, as `application/problem+json` (RFC 9457).

This module alone maps refusals of the domain and errors of storage to HTTP statuses.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http import HTTPStatus

import azure.functions as func
from pydantic import BaseModel, Field, ValidationError
from pydantic_core import ErrorDetails

from functions.api.field_errors import field_faults
from functions.api.problem_kinds import ProblemCode, usual_code
from lib.errors import Refusal, WrongField
from lib.messages.models import TOO_LARGE
from lib.storage import Conflict, Missing, StorageError, Unavailable
from lib.workers.places import RETRY_AFTER

log = logging.getLogger("heed.api")

CATALOGUE = "api/errors"
"""The path of the page that lists every code."""

MOST_ERRORS = 50
"""The most fields of a request that a problem names; it counts the others."""

_LONGEST_KEY = 100


class FieldError(BaseModel):
    """A field of the request, and what is wrong with it."""

    loc: list[str | int] = Field(
        description="the path to the field, such as `to`, 0, `email`; it begins with `query`, `header` or `path` for "
        "what does not stand in the body"
    )
    code: str = Field("invalid", description="what is wrong, in a stable word; the catalogue of errors lists them")
    msg: str = Field(description="what is wrong, in a sentence")


class ProblemDocument(BaseModel):
    """The body of every answer from 400 on (RFC 9457)."""

    type: str = Field("", description="the address of the problem in the catalogue of errors")
    code: str = Field(description="what went wrong, in a stable word; decide by it. New words may come")
    title: str = Field(description="the name of the status")
    status: int = Field(description="the status of the answer")
    detail: str = Field(description="what went wrong with this request, in a sentence")
    errors: list[FieldError] | None = Field(None, description="the fields that are wrong, at most 50, for `invalid`")


class Problem(Exception):
    """An error that becomes the answer; raised anywhere below an endpoint.

    Without `code` it has the usual one of its status.
    """

    def __init__(
        self,
        status: int,
        detail: str,
        errors: Sequence[FieldError] | None = None,
        headers: Mapping[str, str] | None = None,
        code: ProblemCode | None = None,
    ) -> None:
        super().__init__(detail)
        self.headers = dict(headers or {})
        self._made_of = status, detail, errors, headers, code
        code = code or usual_code(status)
        self.document = ProblemDocument(
            code=code,
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


def problem_answer(problem: Problem, base_url: str, headers: Mapping[str, str] | None = None) -> func.HttpResponse:
    """Make the HTTP answer of a problem; `headers` are added to its own."""
    document = problem.document
    address = f"{base_url}/{CATALOGUE}#{document.code}"
    return func.HttpResponse(
        document.model_copy(update={"type": address}).model_dump_json(exclude_none=True),
        status_code=document.status,
        mimetype="application/problem+json",
        headers={**(headers or {}), **problem.headers},
    )


def not_there(what: str) -> Problem:
    """Make a 404. The caller cannot tell whether it does not exist or belongs to another organization."""
    return Problem(404, f"There is no such {what}.")


@contextmanager
def answering_not_there(what: str) -> Iterator[None]:
    """Answer 404 where storage raises Missing."""
    try:
        yield
    except Missing:
        raise not_there(what) from None


def invalid(loc: Sequence[str | int], message: str) -> Problem:
    """Make a 422 for one field."""
    return Problem(422, f"{_path(loc)}: {message}", [FieldError(loc=list(loc), msg=message)])


def invalid_fields(
    error: ValidationError, prefix: Sequence[str | int] = (), model: type[BaseModel] | None = None
) -> Problem:
    """Make a 422 from pydantic's errors, or a 413 for a body that is too large for a mail.

    `prefix` is the place of the model's fields in the request. With the model, unknown fields get suggestions.
    """
    found = error.errors(include_url=False, include_input=False)
    for each in found:
        if each["type"] == TOO_LARGE:
            return Problem(413, f"{_path([*prefix, *each['loc']])}: {each['msg']}.")
    return Problem.of_fields(field_errors(found[:MOST_ERRORS], prefix, model), len(found))


def field_errors(
    found: Sequence[ErrorDetails], prefix: Sequence[str | int] = (), model: type[BaseModel] | None = None
) -> list[FieldError]:
    """Show pydantic's errors in the shape of the API."""
    return [
        FieldError(loc=[*prefix, *map(_shown, fault.loc)], code=fault.code, msg=fault.message)
        for fault in field_faults(found, model)
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
        detail = "Another request changed it at the same moment: read it again, and try once more."
        return Problem(409, detail, code="changed_meanwhile")
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
            detail = "It has changed meanwhile: read it again, and try once more."
            return Problem(409, detail, code="changed_meanwhile")
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
            return Problem(503, f"{refusal}", headers={"Retry-After": f"{RETRY_AFTER}"}, code="busy")
