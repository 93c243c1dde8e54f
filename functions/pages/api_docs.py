"""The page `/api/docs`: the OpenAPI document for people. It runs no script and loads its styles alone."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import quote, urlencode

from markupsafe import Markup, escape

from functions.api.openapi_schemas import REFERENCE, resolved
from functions.pages.conventions import CONVENTIONS
from functions.pages.render import render_page

_LIMITS = {"maxLength": "at most {:,} characters", "maxItems": "at most {:,}"}


Described = dict[str, Any]


@lru_cache(maxsize=1)
def api_docs_page(document: bytes) -> str:
    """Render the page from the OpenAPI document, as HTML."""
    described = json.loads(document)
    groups: dict[str, list[Described]] = {tag["name"]: [] for tag in described["tags"]}
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            groups[operation["tags"][0]].append(_shown(described, method.upper(), path, operation))
    return render_page(
        "api_docs.html",
        api=described,
        groups=groups,
        events=[_event(name, methods["post"]) for name, methods in described["webhooks"].items()],
        conventions=CONVENTIONS,
        schemas=described["components"]["schemas"],
        words=words,
        bounds=bounds,
        named=_named,
    )


def _shown(document: Described, method: str, path: str, operation: Described) -> Described:
    """Return what the page shows of an operation."""
    parameters = [resolved(document, each) for each in operation["parameters"]]
    responses = {status: resolved(document, each) for status, each in operation["responses"].items()}
    answers = {status: each for status, each in responses.items() if status[0] in "23"}
    return {
        **operation,
        "method": method,
        "path": path,
        "parameters": parameters,
        "answers": answers,
        "problems": {status: each for status, each in responses.items() if status[0] in "45"},
        "call": _curl(document["servers"][0]["url"], method, path, operation, parameters),
        "example": next((_pretty(media["example"]) for each in answers.values() for media in _media(each)), None),
    }


def _event(name: str, request: Described) -> Described:
    """Return what the page shows of a type of events."""
    [media] = request["requestBody"]["content"].values()
    checking = request["description"].removeprefix(request["summary"]).strip()
    shown = {"name": name, "checking": checking, "shape": _named(media["schema"]), "example": _pretty(media["example"])}
    return {**request, **shown}


def _media(response: Described) -> list[Described]:
    return [media for media in response.get("content", {}).values() if "example" in media]


def _curl(base_url: str, method: str, path: str, operation: Described, parameters: Sequence[Described]) -> str:
    """Write the operation as a call with curl, with the examples of its parameters and its body."""
    named = {each["name"]: str(each["example"]) for each in parameters if each["in"] == "path"}
    query = {each["name"]: each["example"] for each in parameters if each["in"] == "query" and each["required"]}
    url = base_url + re.sub(r"\{(\w+)\}", lambda part: quote(named[part[1]], safe="@"), path)
    lines = [f"curl -X {method} '{url}{'?' if query else ''}{urlencode(query)}'"]
    if operation["security"]:
        lines.append('-H "Authorization: Bearer $key"')
    lines += [f"-H 'X-Heed-User: {each['example']}'" for each in parameters if each["name"] == "X-Heed-User"]
    for kind, media in operation.get("requestBody", {}).get("content", {}).items():
        lines.append(f"-H 'Content-Type: {kind}'")
        if "example" in media:
            lines.append("-d '" + _pretty(media["example"]).replace("'", "'\\''") + "'")
        else:
            lines.append("--data-binary @file")
    return " \\\n  ".join(lines)


def _pretty(example: object) -> str:
    return json.dumps(example, indent=2, ensure_ascii=False)


def _named(schema: Described) -> str | None:
    """Return the name of the shape that a schema is or holds, as one or in a list; None where it is none."""
    for part in (schema, *schema.get("anyOf", []), schema.get("items", {})):
        if "$ref" in part:
            return str(part["$ref"]).removeprefix(REFERENCE)
    return None


def words(schema: dict[str, object]) -> Markup:
    """Describe a schema in a few words: `string`, `list of Recipient`, `string or null`. Names of shapes are links."""
    if "$ref" in schema:
        return Markup('<a href="#{0}">{0}</a>').format(str(schema["$ref"]).removeprefix(REFERENCE))
    for combination in ("anyOf", "oneOf"):
        parts = schema.get(combination)
        if isinstance(parts, list):
            return Markup(" or ").join(dict.fromkeys(words(part) for part in parts))
    if "enum" in schema:
        values = schema["enum"]
        assert isinstance(values, list)
        return Markup(" | ").join(json.dumps(value) for value in values)
    if "const" in schema:
        return escape(json.dumps(schema["const"]))
    if schema.get("type") == "array":
        items = schema.get("items")
        return Markup("list of {}").format(words(items)) if isinstance(items, dict) else Markup("list")
    kind = str(schema.get("format") or schema.get("type") or "anything")
    return escape("time" if kind == "date-time" else kind)


def bounds(schema: dict[str, object]) -> str:
    """Describe the limits and default of a field: `, at most 998 characters`, `, 1 to 7`, `, 50 if left out`."""
    parts = schema.get("anyOf")
    inner = parts[0] if isinstance(parts, list) else schema
    found = [text.format(inner[name]) for name, text in _LIMITS.items() if name in inner]
    if "minimum" in inner and "maximum" in inner:
        found.append(f"{inner['minimum']} to {inner['maximum']}")
    if (default := schema.get("default")) not in (None, "", [], {}) and not isinstance(default, dict):
        found.append(f"{json.dumps(default)} if left out")
    return "".join(f", {each}" for each in found)
