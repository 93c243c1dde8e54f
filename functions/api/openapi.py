"""The OpenAPI document, made from the endpoints' declarations and the models that check requests."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from functions.api.authorization import is_open_to_all
from functions.api.endpoint import Endpoint, Endpoints, NoQuery
from functions.api.problems import ProblemDocument

_REF = "#/components/schemas/{model}"
_KEY = "The administrator's key, a key or a user's token of an organization, or a token of its identity provider."
_USER_HEADER = {
    "name": "X-Heed-User",
    "in": "header",
    "description": "The acting CRM user, who must exist; times are told in this user's zone.",
    "schema": {"type": "string"},
}
_ONCE_HEADER = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "The same key, body, query, content type and acting user within 24 hours get the first answer.",
    "schema": {"type": "string", "maxLength": 255},
}
_MATCH_HEADER = {
    "name": "If-Match",
    "in": "header",
    "description": "Only if it still is one of these versions (etags in quotes, or `*`), else 412.",
    "schema": {"type": "string"},
}
_RECIPIENT_FACING: dict[str, Any] = {
    "/o/{token}.gif": (
        "pixel",
        "The pixel: a mail was opened.",
        {"200": {"description": "The 43-byte GIF.", "content": {"image/gif": {}}}},
    ),
    "/c/{token}": (
        "redirect",
        "A link: it was clicked.",
        {
            "302": {"description": "To exactly the original URL."},
            "404": {"description": "No such link."},
            "410": {"description": "Switched off."},
        },
    ),
    "/a/{token}/{filename}": (
        "attachment",
        "A followed attachment: it was viewed.",
        {
            "302": {"description": "To the file's bytes, as a download, for at most 5 minutes."},
            "404": {"description": "No such link."},
            "410": {"description": "Revoked, expired or erased."},
            "503": {"description": "Storage does not tell; worth trying again."},
        },
    ),
    "/o/health": (
        "recipients_health",
        "Whether what recipients request is answered; it says nothing of storage.",
        {"200": {"description": "It is.", "content": {"application/json": {}}}},
    ),
    "/i/{token}/{filename}": (
        "image",
        "An image of the mail: it was opened.",
        {"200": {"description": "The image, or the pixel where it cannot be had.", "content": {"image/*": {}}}},
    ),
}


def openapi_document(groups: Sequence[Endpoints], base_url: str) -> bytes:
    """Describe the endpoints as an OpenAPI 3.1 document, in JSON."""
    endpoints = [(group.tag, endpoint) for group in groups for endpoint in group.all]
    references, schemas = _schemas(endpoint for _, endpoint in endpoints)
    paths: dict[str, dict[str, Any]] = {}
    for tag, endpoint in endpoints:
        path = f"/{endpoint.route}".replace("{*", "{")
        paths.setdefault(path, {})[endpoint.method.lower()] = _operation(tag, endpoint, references)
    for path, (name, summary, responses) in _RECIPIENT_FACING.items():
        for method in ("get", "head"):
            paths.setdefault(path, {})[method] = {
                "operationId": f"{name}_{method}",
                "tags": ["Recipients"],
                "summary": summary,
                "security": [],
                "parameters": _path_parameters(path),
                "responses": responses,
            }
    document = {
        "openapi": "3.1.0",
        "info": {
            "title": "Heed",
            "version": "0.1.0",
            "summary": "Tells a salesperson, truthfully, what became of a mail.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": base_url}],
        "security": [{"key": []}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "description": _KEY}},
        },
    }
    return json.dumps(document, indent=1).encode()


References = Mapping[Any, dict[str, Any]]
"""The reference to the schema of each (model, mode)."""


def _schemas(endpoints: Iterable[Endpoint]) -> tuple[References, dict[str, Any]]:
    wanted: dict[tuple[type[BaseModel], JsonSchemaMode], None] = {(ProblemDocument, "serialization"): None}
    for endpoint in endpoints:
        if endpoint.body:
            wanted[endpoint.body, "validation"] = None
        for model in endpoint.answers.values():
            if isinstance(model, type) and issubclass(model, BaseModel):
                wanted[model, "serialization"] = None
    references, definitions = models_json_schema(list(wanted), ref_template=_REF)
    return references, definitions.get("$defs", {})


def _operation(tag: str, endpoint: Endpoint, references: References) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": endpoint.name,
        "tags": [tag],
        "summary": endpoint.summary,
        "description": f"Open to: {', '.join(sorted(endpoint.may))}.",
        "parameters": [*_path_parameters(endpoint.route), *_query_parameters(endpoint), *_headers(endpoint)],
        "responses": _responses(endpoint, references),
    }
    if is_open_to_all(endpoint.may):
        operation["security"] = []
    if endpoint.body:
        schema = references[endpoint.body, "validation"]
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    if endpoint.text_body:
        operation["requestBody"] = {
            "required": True,
            "content": {endpoint.media_type or "text/plain": {"schema": {"type": "string"}}},
        }
    if endpoint.largest_file:
        operation["requestBody"] = {
            "required": True,
            "description": f"The file, as it is: 1 to {endpoint.largest_file:,} bytes.",
            "content": {
                endpoint.media_type or "application/octet-stream": {"schema": {"type": "string", "format": "binary"}}
            },
        }
    return operation


def _responses(endpoint: Endpoint, references: References) -> dict[str, Any]:
    responses: dict[str, Any] = {}
    for status, model in endpoint.answers.items():
        if model is str:
            responses[str(status)] = {
                "description": "A page.",
                "content": {"text/html": {"schema": {"type": "string"}}},
            }
            continue
        if isinstance(model, str):
            file = {"schema": {"type": "string", "format": "binary"}}
            responses[str(status)] = {"description": "The file, as a download.", "content": {model: file}}
            continue
        content = {"application/json": {"schema": references[model, "serialization"]}} if model else {}
        responses[str(status)] = {"description": (model.__doc__ or "").strip() or "Done.", "content": content}
    problem = {"application/problem+json": {"schema": references[ProblemDocument, "serialization"]}}
    for status, description in _problems(endpoint):
        responses.setdefault(str(status), {"description": description, "content": problem})
    responses["default"] = {"description": "What went wrong (RFC 9457).", "content": problem}
    return responses


def _problems(endpoint: Endpoint) -> Iterator[tuple[int, str]]:
    """List what may go wrong with the request, by status."""
    yield 400, "Malformed: the body, a header, or a cursor of another query."
    if not is_open_to_all(endpoint.may):
        yield 401, "No key, or a wrong one."
        yield 403, "The key may not do this."
        yield 404, "It is not there, or not yours."
    if endpoint.method != "GET":
        yield 409, "The state does not allow it."
        yield 412, "If-Match names another version."
    if endpoint.body or endpoint.text_body or endpoint.largest_file:
        yield 413, "Too large."
    if endpoint.body:
        yield 415, "The body is not JSON in UTF-8, as Content-Type says."
    if not is_open_to_all(endpoint.may):
        yield 429, "Too many requests with this key, or too many wrong keys from this network; see Retry-After."
    yield 422, "Understood, but invalid: `errors` names the fields."


def _path_parameters(route: str) -> list[dict[str, Any]]:
    names = re.findall(r"\{\*?(\w+)\}", route)
    return [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names]


def _query_parameters(endpoint: Endpoint) -> list[dict[str, Any]]:
    if endpoint.query is NoQuery:
        return []
    schema = endpoint.query.model_json_schema()
    needed = schema.get("required", [])
    return [
        {"name": name, "in": "query", "required": name in needed, "schema": field}
        for name, field in schema["properties"].items()
    ]


def _headers(endpoint: Endpoint) -> list[dict[str, Any]]:
    headers: list[dict[str, Any]] = []
    if endpoint.may & {"full", "read", "user"}:
        headers.append(_USER_HEADER)
    if endpoint.method == "POST" and "{org}" in endpoint.route:
        headers.append(_ONCE_HEADER)
    if endpoint.method in ("PUT", "PATCH", "DELETE"):
        headers.append(_MATCH_HEADER)
    return headers
