"""The OpenAPI document, made from the endpoints' declarations and the models that check requests."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from functions.api.csv_lists import CSV, item_model
from functions.api.endpoint import Endpoint, Endpoints, NoQuery
from functions.api.examples import describe_fields, example_of, parameter_example, query_text
from functions.api.openapi_parts import (
    HEADER_PARAMETERS,
    HEADERS,
    SECURITY_SCHEMES,
    answer_headers,
    headers_of,
    path_parameter,
    problem_responses,
    problems_of,
    security_of,
    shows_version,
)
from functions.api.openapi_schemas import (
    References,
    Schema,
    drop_titles,
    make_schemas,
    name_enumerations,
    query_schemas,
)
from functions.api.openapi_webhooks import SentEvent, webhooks_section
from functions.api.problems import ProblemDocument

VERSION = "0.1.0"

_DESCRIPTION = """\
Heed sends and follows sales mail for a CRM.

Send a key as `Authorization: Bearer <key>`. Errors are problem documents (RFC 9457), which
[the catalogue of errors](/api/errors) explains. Answers may get more fields and more words in enumerations: ignore
what you do not know. Ids are strings, times are RFC 3339 with `Z`.

[A page](/api/docs) shows all of it without scripts, and [another one](/api/docs/try) sends requests from a browser.
"""

_TAGS: Mapping[str, str] = {
    "Messages": "Drafts, sent and received mail, and what became of it.",
    "Attachments": "Files of a message, and images of its text.",
    "Sending": "Sending a message, or preparing it for a CRM that sends by itself.",
    "Timing": "The time at which a mail goes out, and its reminder.",
    "Delivery advice": "The best time to send.",
    "Recipients": "What links and pixels in a mail lead to. No key is needed: the token is the proof.",
    "Recipients and consents": "Who gets a message, and who has agreed to be followed.",
    "Verdicts": "Person or machine: judging again, and what users say of it.",
    "Conversations": "Threads of sent and received messages.",
    "Cards": "What a user should look at, most pressing first.",
    "Alerts": "How a user hears of new cards: a daily mail, chat channels, quiet hours.",
    "Events": "The feed of what changes, in the order of commits.",
    "Webhooks": "Events posted to an address, signed, in order of each message.",
    "Activities": "Tasks, cases and calls.",
    "People and records": "Users of the CRM, and its contacts, leads, accounts and other records.",
    "Templates": "Templates with merge fields, and how well they do.",
    "Reports": "How reliable verdicts are, and which mail is noisy.",
    "Inbound mail": "Mail that comes in, and what it answers.",
    "Mailboxes": "Mailboxes that Heed reads.",
    "Rules": "What is made of mail that comes in.",
    "Links": "Links that are switched off.",
    "Readiness": "What keeps mail from arriving, or from being followed.",
    "Data subjects": "All that is held about an address, and its erasure.",
    "Organizations": "Organizations, their settings, keys and audit log.",
    "Service": "Whether Heed is well, and who the caller is.",
    "Operations": "Dead letters and replays, for the administrator.",
}
"""The groups of operations, in the order in which they are shown: what a CRM needs first, administration last."""

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


def openapi_document(groups: Sequence[Endpoints], base_url: str, webhooks: Mapping[str, SentEvent]) -> bytes:
    """Describe the endpoints, and the events that webhooks get, by their types, as an OpenAPI 3.1 document in JSON."""
    endpoints = [(group.tag, endpoint) for group in groups for endpoint in group.all]
    sent = [event.model for event in webhooks.values()]
    references, schemas = make_schemas(
        [each.body for _, each in endpoints if each.body],
        [*_answer_models(each for _, each in endpoints), *sent],
        leave_out=[ProblemDocument, *sent],
    )
    paths = _make_paths(endpoints, references)
    operations = [operation for methods in paths.values() for operation in methods.values()]
    describe_fields(schemas)
    name_enumerations(
        schemas,
        [
            (operation["operationId"], each)
            for operation in operations
            for each in operation["parameters"]
            if each.get("in") == "query"
        ],
    )
    drop_titles(schemas)
    for operation in operations:
        _add_examples(operation, schemas)
    problem = references[ProblemDocument, "serialization"]
    tags = {operation["tags"][0] for operation in operations}
    document = {
        "openapi": "3.1.0",
        "info": _info(base_url),
        "servers": [{"url": base_url}],
        "tags": [{"name": name, "description": text} for name, text in _TAGS.items() if name in tags],
        "paths": paths,
        "webhooks": webhooks_section(webhooks, references),
        "components": {
            "schemas": dict(sorted(schemas.items())),
            "responses": problem_responses(base_url, problem),
            "parameters": HEADER_PARAMETERS,
            "headers": HEADERS,
            "securitySchemes": SECURITY_SCHEMES,
        },
    }
    return json.dumps(document, indent=1).encode()


def _info(base_url: str) -> Schema:
    return {
        "title": "Heed",
        "version": VERSION,
        "summary": "Tells a salesperson, truthfully, what became of a mail.",
        "description": _DESCRIPTION,
        "contact": {"name": "The operator of this deployment", "url": f"{base_url}/"},
        "license": {"name": "MIT", "identifier": "MIT"},
    }


def _make_paths(endpoints: Iterable[tuple[str, Endpoint]], references: References) -> dict[str, dict[str, Any]]:
    """Return all operations by path and method: those of the endpoints, with their tags, and those of recipients."""
    paths: dict[str, dict[str, Any]] = {}
    for tag, endpoint in endpoints:
        path = f"/{endpoint.route}".replace("{*", "{")
        paths.setdefault(path, {})[endpoint.method.lower()] = _operation(tag, endpoint, references)
    for path, (name, summary, responses) in _RECIPIENT_FACING.items():
        for method in ("get", "head"):
            paths.setdefault(path, {})[method] = _recipients_operation(path, f"{name}_{method}", summary, responses)
    return paths


def _answer_models(endpoints: Iterable[Endpoint]) -> Iterator[type[BaseModel]]:
    for endpoint in endpoints:
        for model in endpoint.answers.values():
            if isinstance(model, type) and issubclass(model, BaseModel):
                yield model


def _operation(tag: str, endpoint: Endpoint, references: References) -> Schema:
    said = f"{endpoint.description}\n\n" if endpoint.description else ""
    closed = " Closed to people who see their own mail alone." if endpoint.everybodys else ""
    operation: Schema = {
        "operationId": endpoint.name,
        "tags": [tag],
        "summary": endpoint.summary,
        "description": f"{said}Open to: {', '.join(sorted(endpoint.may))}.{closed}",
        "security": security_of(endpoint),
        "parameters": [*_path_parameters(endpoint.route), *_query_parameters(endpoint), *headers_of(endpoint)],
        "responses": _responses(endpoint, references),
    }
    if body := _request_body(endpoint, references):
        operation["requestBody"] = {"required": True, **body}
    return operation


def _recipients_operation(path: str, name: str, summary: str, responses: Schema) -> Schema:
    return {
        "operationId": name,
        "tags": ["Recipients"],
        "summary": summary,
        "description": f"{summary} Open to anyone.",
        "security": [],
        "parameters": _path_parameters(path),
        "responses": responses,
    }


def _request_body(endpoint: Endpoint, references: References) -> Schema | None:
    if endpoint.body:
        return {"content": {"application/json": {"schema": references[endpoint.body, "validation"]}}}
    if endpoint.text_body:
        kind = endpoint.media_type or "text/plain"
        text = {"type": "string"} if not kind.endswith("json") else {"description": "Events, as Event Grid sends them."}
        return {"content": {kind: {"schema": text}}}
    if endpoint.largest_file:
        kind = endpoint.media_type or "application/octet-stream"
        return {
            "description": f"The file, as it is: 1 to {endpoint.largest_file:,} bytes.",
            "content": {kind: {"schema": {"type": "string", "format": "binary"}}},
        }
    return None


def _responses(endpoint: Endpoint, references: References) -> Schema:
    headers = answer_headers(endpoint)
    responses: Schema = {}
    for status, model in endpoint.answers.items():
        if model is str:
            text, content = "A page.", {"text/html": {"schema": {"type": "string"}}}
        elif isinstance(model, str):
            text, content = "The file, as a download.", {model: {"schema": {"type": "string", "format": "binary"}}}
        elif model is None:
            text, content = "Done.", {}
        else:
            text = (model.__doc__ or "").strip() or "Done."
            content = {"application/json": {"schema": references[model, "serialization"]}}  # type: ignore[index]
            if endpoint.method == "GET" and item_model(model, endpoint.query):
                content[CSV] = {"schema": {"type": "string"}}
        responses[str(status)] = {"description": text, "headers": headers, **({"content": content} if content else {})}
    if endpoint.method == "GET" and shows_version(endpoint):
        responses["304"] = {"description": "Nothing of it has changed since `If-None-Match`.", "headers": headers}
    for status in problems_of(endpoint):
        responses.setdefault(str(status), {"$ref": f"#/components/responses/Problem{status}"})
    responses["default"] = {"$ref": "#/components/responses/Problem"}
    return responses


def _add_examples(operation: Schema, schemas: Mapping[str, Schema]) -> None:
    """Give an operation an example of each body and parameter that has none."""
    for parameter in operation["parameters"]:
        if "$ref" not in parameter and "example" not in parameter:
            parameter["example"] = parameter_example(parameter["name"], parameter["schema"], schemas)
    for media in operation.get("requestBody", {}).get("content", {}).values():
        if "$ref" in media["schema"]:
            media["example"] = example_of(media["schema"], schemas, is_request=True)
    for response in operation["responses"].values():
        for media in response.get("content", {}).values():
            if "$ref" in media.get("schema", {}):
                media["example"] = example_of(media["schema"], schemas, is_request=False)


def _path_parameters(route: str) -> list[Schema]:
    return [path_parameter(name) for name in re.findall(r"\{\*?(\w+)\}", route)]


def _query_parameters(endpoint: Endpoint) -> list[Schema]:
    if endpoint.query is NoQuery:
        return []
    return [_query_parameter(*found) for found in query_schemas(endpoint.query)]


def _query_parameter(name: str, schema: Schema, is_required: bool) -> Schema:
    text = schema.pop("description", "") or query_text(name)
    return {"name": name, "in": "query", "required": is_required, "description": text, "schema": schema}
