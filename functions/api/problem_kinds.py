"""The catalogue of problems: a stable code for each, its status, and what a caller can do.

Clients decide by codes. A code that a release has answered with is never given another meaning.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

ProblemCode = Literal[
    "malformed_request",
    "malformed_body",
    "malformed_header",
    "unknown_cursor",
    "acting_user_missing",
    "key_missing",
    "key_unknown",
    "token_refused",
    "token_expired",
    "forbidden",
    "not_found",
    "unknown_path",
    "method_not_allowed",
    "wrong_state",
    "changed_meanwhile",
    "request_under_way",
    "answer_gone",
    "gone",
    "version_mismatch",
    "too_large",
    "not_json",
    "invalid",
    "idempotency_key_reused",
    "too_many_requests",
    "too_many_wrong_keys",
    "unforeseen",
    "busy",
    "unavailable",
]
"""What went wrong with a request."""

FieldCode = Literal[
    "missing",
    "unknown_field",
    "wrong_type",
    "wrong_format",
    "not_one_of",
    "too_short",
    "too_long",
    "too_small",
    "too_large",
    "invalid",
]
"""What is wrong with a field."""


class ProblemKind(NamedTuple):
    """A kind of problem."""

    status: int
    title: str
    remedy: str
    """What to do about it, in one or two sentences."""


PROBLEM_KINDS: Mapping[ProblemCode, ProblemKind] = {
    "malformed_request": ProblemKind(400, "The request is malformed", "Correct it as `detail` says."),
    "malformed_body": ProblemKind(400, "The body is malformed", "Send JSON, or nothing where no body is taken."),
    "malformed_header": ProblemKind(400, "A header is malformed", "Correct the header that `detail` names."),
    "unknown_cursor": ProblemKind(
        400, "The cursor is not of this list", "Read the list again from the beginning, without a cursor."
    ),
    "acting_user_missing": ProblemKind(400, "No acting user is named", "Send `X-Heed-User` with the id of a user."),
    "key_missing": ProblemKind(401, "The request has no key", "Send the header `Authorization: Bearer <key>`."),
    "key_unknown": ProblemKind(
        401, "The key is not known", "It was mistyped or revoked. An administrator makes another one."
    ),
    "token_refused": ProblemKind(
        401, "The token is not accepted", "Sign in again; `detail` says what is wrong with the token."
    ),
    "token_expired": ProblemKind(401, "The token has expired", "Get a new one."),
    "forbidden": ProblemKind(403, "The caller may not do this", "Use a key of the scope that the endpoint names."),
    "not_found": ProblemKind(
        404, "It is not there", "It does not exist, was deleted, or belongs to another organization."
    ),
    "unknown_path": ProblemKind(404, "There is nothing at this path", "`/api/docs` lists every path."),
    "method_not_allowed": ProblemKind(405, "The path has no such method", "The header `Allow` lists its methods."),
    "wrong_state": ProblemKind(
        409, "The state does not allow it", "Read the thing again. `detail` says what stands in the way."
    ),
    "changed_meanwhile": ProblemKind(
        409, "It was changed at the same moment", "Read it again, and repeat the change once."
    ),
    "request_under_way": ProblemKind(
        409, "The first request is still under way", "Repeat it with the same key after `Retry-After` seconds."
    ),
    "answer_gone": ProblemKind(
        409, "The first answer is no longer kept", "Look for what the first request has made; `detail` has its id."
    ),
    "gone": ProblemKind(
        410, "It is not kept any more", "Begin anew without the old cursor; what lies between is gone."
    ),
    "version_mismatch": ProblemKind(
        412, "If-Match names another version", "Read it again, and decide whether the change is still wanted."
    ),
    "too_large": ProblemKind(413, "It is too large", "`detail` names the part and its bound."),
    "not_json": ProblemKind(415, "The body is not sent as JSON", "Send `Content-Type: application/json`, in UTF-8."),
    "invalid": ProblemKind(422, "A value is not valid", "`errors` names each field, and what is wrong with it."),
    "idempotency_key_reused": ProblemKind(
        422, "The Idempotency-Key belongs to another request", "Take a new key for each new request."
    ),
    "too_many_requests": ProblemKind(
        429, "The key sends too many requests", "Wait for `Retry-After` seconds. Nothing was changed."
    ),
    "too_many_wrong_keys": ProblemKind(
        429, "Too many wrong keys came from the network", "Wait for `Retry-After` seconds, and check the key."
    ),
    "unforeseen": ProblemKind(
        500, "That should not have happened", "Tell the operator the number that `detail` names."
    ),
    "busy": ProblemKind(503, "No more large work is taken just now", "Repeat it after `Retry-After` seconds."),
    "unavailable": ProblemKind(
        503, "A service that is needed does not answer", "Repeat it after `Retry-After` seconds. Nothing is lost."
    ),
}

FIELD_KINDS: Mapping[FieldCode, str] = {
    "missing": "The field is needed.",
    "unknown_field": "There is no such field. A similar name is suggested where there is one.",
    "wrong_type": "The value is of another type, such as a number in place of a text.",
    "wrong_format": "The text does not have the form that is needed.",
    "not_one_of": "The value is none of those that are taken.",
    "too_short": "The text has too few characters, or the list too few entries.",
    "too_long": "The text has too many characters, or the list too many entries.",
    "too_small": "The number is too small.",
    "too_large": "The number is too large, or the body has too many values.",
    "invalid": "The value has the right form and is not accepted; the message says why.",
}
"""What each code in `errors` means."""

_BY_STATUS: Mapping[int, ProblemCode] = {
    kind.status: code for code, kind in reversed(list(PROBLEM_KINDS.items())) if code != "busy"
} | {401: "key_unknown"}


def usual_code(status: int) -> ProblemCode:
    """Return the code of a problem that has no code of its own: the first one of its status."""
    return _BY_STATUS[status]
