"""Parts of the OpenAPI document that operations share: keys, headers, parameters of paths, and problems."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

from functions.api.authorization import is_open_to_all
from functions.api.endpoint import Endpoint
from functions.api.openapi_schemas import Schema
from functions.api.problem_kinds import PROBLEM_KINDS, ProblemCode
from lib.ids import CHOSEN, ORGANIZATION, RECORD_TYPE

SECURITY_SCHEMES: Schema = {
    "organizationKey": {
        "type": "http",
        "scheme": "bearer",
        "description": "A key of the organization (`POST /api/orgs/{org}/keys`), a user's token, or a token of the "
        "organization's identity provider. The description of each operation names the scopes that it is open to.",
    },
    "administratorKey": {
        "type": "http",
        "scheme": "bearer",
        "description": "The administrator's key, `HEED_ADMIN_KEY`: organizations, their keys, and operations.",
    },
    "keyInQuery": {
        "type": "apiKey",
        "in": "query",
        "name": "key",
        "description": "A key of the organization in the query, for callers that cannot send a header.",
    },
}


def _text_header(description: str, example: str) -> Schema:
    return {"description": description, "schema": {"type": "string"}, "example": example}


HEADERS: Schema = {
    "RequestId": _text_header(
        "The id of the request, which the log has, too: the caller's own `X-Request-Id` where that is at most 64 of "
        "`A-Za-z0-9._-`, else a new one.",
        "5f0c9c1e6c3f4a0d8f0e2b7a91d3c4e5",
    ),
    "ETag": _text_header(
        "The version of the thing, and what the answer shows: for `If-Match` and `If-None-Match`.",
        '"d087a2b2f7723fc4f2445a42c63a8cff-5ccd21d2f4c243db"',
    ),
    "IdempotencyReplayed": {
        "description": "`true` where this is the first answer again, to a request that was repeated.",
        "schema": {"type": "string", "enum": ["true"]},
    },
    "RateLimit": _text_header(
        "Requests that the key has left (`r`), and the seconds until it has all (`t`).", '"key";r=49;t=1'
    ),
    "RateLimitPolicy": _text_header("Requests a second that a key may send.", '"key";q=50;w=1'),
    "RetryAfter": _text_header("Seconds after which to repeat the request.", "5"),
    "WwwAuthenticate": _text_header("The challenge of RFC 6750.", "Bearer"),
    "Accept": _text_header("The type that is taken.", "application/json"),
}

_OF_STATUS: Mapping[int, Mapping[str, str]] = {
    401: {"WWW-Authenticate": "WwwAuthenticate"},
    415: {"Accept": "Accept"},
    429: {"Retry-After": "RetryAfter"},
    503: {"Retry-After": "RetryAfter"},
}
"""Headers of problems, by their status."""

_PROBLEMS: Mapping[int, tuple[ProblemCode, str]] = {
    400: ("malformed_request", "Malformed: the body, a header, or a cursor of another query."),
    401: ("key_unknown", "No key, or a wrong one."),
    403: ("forbidden", "The caller may not do this."),
    404: ("not_found", "It is not there, or not yours."),
    409: ("wrong_state", "The state does not allow it, or the first request is still under way."),
    412: ("version_mismatch", "If-Match names another version."),
    413: ("too_large", "Too large."),
    415: ("not_json", "The body is not JSON in UTF-8, as Content-Type says."),
    422: ("invalid", "Understood, but invalid: `errors` names the fields."),
    429: ("too_many_requests", "Too many requests with this key, or too many wrong keys from this network."),
    500: ("unforeseen", "A fault of Heed's own; the log has it under the number that `detail` names."),
    503: ("unavailable", "Storage does not answer, or no more large work is taken just now."),
}

_PATHS: Mapping[str, tuple[str, str | None, Any]] = {
    "org": ("the organization's id", ORGANIZATION.pattern, "acme"),
    "user": ("the user's id, as the CRM has chosen it", CHOSEN.pattern, "rita"),
    "type": ("the type of the record", RECORD_TYPE.pattern, "contact"),
    "id": ("the id, as the CRM has chosen it", CHOSEN.pattern, "c1"),
    "message": ("the message's id", None, "0b54a3c4c1f24c4a9d1a8a5d0f6f2c11"),
    "email": ("the address", None, "ada@example.com"),
    "key": ("the key's id", None, "3f1c2b0a9d8e4f6a8b7c6d5e4f3a2b1c"),
    "token": ("the token that stands in the mail", None, "AbCdEf012345"),
    "filename": ("the name of the file, which is for people alone", None, "offer.pdf"),
}
"""Meaning, pattern and example of each part of a path. Parts without a pattern have any form, or a checked one."""


def path_parameter(name: str) -> Schema:
    """Describe a part of a path."""
    what, pattern, example = _PATHS.get(name, (f"the id of the {name}", None, "0b54a3c4c1f24c4a9d1a8a5d0f6f2c11"))
    schema: Schema = {"type": "string"}
    if pattern is None and name not in ("email", "token", "filename"):
        pattern = CHOSEN.pattern
    if name == "email":
        schema |= {"minLength": 3, "maxLength": 254}
    if pattern:
        schema["pattern"] = f"^{pattern}$"
    return {"name": name, "in": "path", "required": True, "description": what, "schema": schema, "example": example}


HEADER_PARAMETERS: Mapping[str, Schema] = {
    "ActingUser": {
        "name": "X-Heed-User",
        "in": "header",
        "description": "The acting CRM user, who must exist; times are told in this user's zone.",
        "schema": {"type": "string", "pattern": f"^{CHOSEN.pattern}$"},
        "example": "rita",
    },
    "IdempotencyKey": {
        "name": "Idempotency-Key",
        "in": "header",
        "description": "The same key, body, query, content type and acting user within 24 hours get the first answer.",
        "schema": {"type": "string", "minLength": 1, "maxLength": 255},
        "example": "6d1f1c0e-offer-to-ada",
    },
    "IfMatch": {
        "name": "If-Match",
        "in": "header",
        "description": "Only if it still is one of these versions (etags in quotes, or `*`), else 412.",
        "schema": {"type": "string"},
        "example": '"d087a2b2f7723fc4f2445a42c63a8cff"',
    },
    "IfNoneMatch": {
        "name": "If-None-Match",
        "in": "header",
        "description": "The ETag of an answer that the caller has: 304 where nothing of it has changed.",
        "schema": {"type": "string"},
        "example": '"d087a2b2f7723fc4f2445a42c63a8cff-5ccd21d2f4c243db"',
    },
}


def headers_of(endpoint: Endpoint) -> list[Schema]:
    """List the headers that an endpoint takes."""
    names = []
    if endpoint.may & {"full", "read", "user"}:
        names.append("ActingUser")
    if endpoint.method == "POST" and "{org}" in endpoint.route:
        names.append("IdempotencyKey")
    if endpoint.method in ("PUT", "PATCH", "DELETE"):
        names.append("IfMatch")
    if endpoint.method == "GET" and shows_version(endpoint):
        names.append("IfNoneMatch")
    return [{"$ref": f"#/components/parameters/{name}"} for name in names]


def shows_version(endpoint: Endpoint) -> bool:
    """Whether the endpoint's answers have an ETag, as one thing has a version."""
    return any("etag" in getattr(model, "model_fields", {}) for model in endpoint.answers.values())


def security_of(endpoint: Endpoint) -> list[Schema]:
    """List the keys with which an endpoint can be called; one of them is enough."""
    if is_open_to_all(endpoint.may):
        return []
    schemes = ["organizationKey"] if endpoint.may - {"administrator"} else []
    schemes += ["administratorKey"] if "administrator" in endpoint.may else []
    schemes += ["keyInQuery"] if endpoint.key_in_query else []
    return [{scheme: list[str]()} for scheme in schemes]


def answer_headers(endpoint: Endpoint) -> Schema:
    """Return the headers of an endpoint's answers that are no problems."""
    names = {"X-Request-Id": "RequestId"}
    if not is_open_to_all(endpoint.may):
        names |= {"RateLimit": "RateLimit", "RateLimit-Policy": "RateLimitPolicy"}
    if shows_version(endpoint):
        names["ETag"] = "ETag"
    if endpoint.method == "POST" and "{org}" in endpoint.route:
        names["Idempotency-Replayed"] = "IdempotencyReplayed"
    return _referred(names)


def _referred(names: Mapping[str, str]) -> Schema:
    return {header: {"$ref": f"#/components/headers/{name}"} for header, name in names.items()}


def problem_responses(base_url: str, schema: Schema) -> Schema:
    """Make the answers to requests that fail, by their names: `Problem404`."""
    return {
        f"Problem{status}": {
            "description": text,
            "headers": _referred({"X-Request-Id": "RequestId", **_OF_STATUS.get(status, {})}),
            "content": {
                "application/problem+json": {"schema": schema, "example": _problem_example(base_url, status, code)}
            },
        }
        for status, (code, text) in _PROBLEMS.items()
    } | {
        "Problem": {
            "description": "What went wrong (RFC 9457).",
            "headers": _referred({"X-Request-Id": "RequestId"}),
            "content": {
                "application/problem+json": {"schema": schema, "example": _problem_example(base_url, 500, "unforeseen")}
            },
        }
    }


def _problem_example(base_url: str, status: int, code: ProblemCode) -> Schema:
    example: Schema = {
        "type": f"{base_url}/api/errors#{code}",
        "code": code,
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": f"{PROBLEM_KINDS[code].title}.",
    }
    if code == "invalid":
        example |= {
            "detail": "to.0.mail: there is no such field; did you mean email?",
            "errors": [
                {
                    "loc": ["to", 0, "mail"],
                    "code": "unknown_field",
                    "msg": "there is no such field; did you mean email?",
                }
            ],
        }
    return example


def problems_of(endpoint: Endpoint) -> Iterator[int]:
    """List the statuses of what may go wrong with a request."""
    has_key = not is_open_to_all(endpoint.may)
    yield 400
    yield from (401, 403, 404) if has_key else ()
    yield from (409, 412) if endpoint.method != "GET" else ()
    if endpoint.body or endpoint.text_body or endpoint.largest_file:
        yield 413
    if endpoint.body:
        yield 415
    yield 422
    if has_key:
        yield 429
    yield from (500, 503)
