"""The page `/api/docs`: the OpenAPI document for people. It runs no script and loads nothing from elsewhere."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path

from markupsafe import Markup, escape

from functions.pages.render import render_page

STYLE_SHEET = Path(__file__).parent / "templates" / "api_docs.css"
"""The styles of the pages about the API."""

_REF = "#/components/schemas/"
_LIMITS = {"maxLength": "at most {:,} characters", "maxItems": "at most {:,}"}


@lru_cache(maxsize=1)
def api_docs_page(document: bytes) -> str:
    """Render the page from the OpenAPI document, as HTML."""
    described = json.loads(document)
    operations: dict[str, list[dict[str, object]]] = {}
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            entry = {"method": method.upper(), "path": path, **operation}
            operations.setdefault(operation["tags"][0], []).append(entry)
    schemas = described["components"]["schemas"]
    return render_page(
        "api_docs.html", api=described, operations=operations, schemas=schemas, words=words, bounds=bounds
    )


def words(schema: dict[str, object]) -> Markup:
    """Describe a schema in a few words: `string`, `list of Recipient`, `string or null`. Names of shapes are links."""
    if "$ref" in schema:
        return Markup('<a href="#{0}">{0}</a>').format(str(schema["$ref"]).removeprefix(_REF))
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
