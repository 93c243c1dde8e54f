"""The error that an answer from 400 on is raised as."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import httpx

UNKNOWN = "unknown"
"""The code of an answer that is none of Heed's."""


@dataclass(frozen=True, slots=True)
class FieldFault:
    """A field of the request that is wrong."""

    location: tuple[str | int, ...]
    """The path to the field, such as `("to", 0, "email")`."""

    code: str
    """What is wrong, in a stable word."""

    message: str
    """What is wrong, in a sentence."""


class HeedError(Exception):
    """A request that was refused or failed. Decide by `code`; `/api/errors` of a deployment lists all codes."""

    def __init__(
        self, status: int, code: str, detail: str, request_id: str | None = None, faults: Sequence[FieldFault] = ()
    ) -> None:
        super().__init__(f"{status} {code}: {detail}")
        self.status = status
        """The HTTP status."""

        self.code = code
        """A stable word such as `version_mismatch`; `unknown` where the answer was none of Heed's."""

        self.detail = detail
        """What went wrong, in a sentence for people."""

        self.request_id = request_id
        """The id of the request, by which the operator finds it in the log; None where there is none."""

        self.faults = tuple(faults)
        """The fields that are wrong, for 422."""


def is_none_of_heeds(response: httpx.Response) -> bool:
    """Tell whether an answer below 400 is a proxy's or a sign-in page's: the API leads nowhere, and names requests."""
    if response.is_redirect:
        return "/api/" in response.request.url.path
    kind = response.headers.get("content-type", "").lower()
    return kind.startswith("text/html") and "x-request-id" not in response.headers


def repeated_page() -> HeedError:
    """Make the error of a page whose cursor leads to the page itself, as a cache between may answer."""
    return HeedError(200, UNKNOWN, "The page names itself as the next one, so that the list would never end.")


def error_of(response: httpx.Response) -> HeedError:
    """Make the error of an answer whose body was read. Proxies' answers are no problem documents, and get along."""
    problem = _problem(response)
    return HeedError(
        status=response.status_code,
        code=_text(problem, "code") or UNKNOWN,
        detail=_text(problem, "detail") or _own_words(response),
        request_id=response.headers.get("x-request-id"),
        faults=_faults(problem.get("errors")),
    )


def _own_words(response: httpx.Response) -> str:
    if response.is_redirect:
        return f"The answer leads to {response.headers['location']}, where nothing was sent."
    return response.reason_phrase if response.is_error else "The answer is a page in HTML, and none of Heed's."


def _problem(response: httpx.Response) -> dict[str, Any]:
    try:
        problem = response.json()
    except (ValueError, RecursionError):
        return {}
    return problem if isinstance(problem, dict) else {}


def _text(fields: dict[str, Any], name: str) -> str:
    """Return a field that is a text; empty where there is none."""
    value = fields.get(name)
    return value if isinstance(value, str) else ""


def _faults(errors: object) -> list[FieldFault]:
    """Read the fields that are wrong. What is no such list is a proxy's, and names none."""
    found = errors if isinstance(errors, list) else []
    return [_fault(each) for each in found if isinstance(each, dict)]


def _fault(error: dict[str, Any]) -> FieldFault:
    location = error.get("loc")
    parts = location if isinstance(location, list) else []
    return FieldFault(
        tuple(each for each in parts if isinstance(each, str | int)),
        _text(error, "code") or "invalid",
        _text(error, "msg"),
    )
