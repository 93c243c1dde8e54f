"""The page `/api/docs`: the OpenAPI document for people, with nothing from elsewhere and no script."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, select_autoescape

_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=select_autoescape(default=True),
    trim_blocks=True,
    lstrip_blocks=True,
)
_REF = "#/components/schemas/"


@lru_cache(maxsize=1)
def docs_page(document: bytes) -> str:
    """The page as HTML."""
    described = json.loads(document)
    operations: dict[str, list[dict[str, object]]] = {}
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            entry = {"method": method.upper(), "path": path, **operation}
            operations.setdefault(operation["tags"][0], []).append(entry)
    page = _TEMPLATES.get_template("docs.html")
    return page.render(api=described, operations=operations, schemas=described["components"]["schemas"], words=words)


def words(schema: dict[str, object]) -> str:
    """A schema in a few words: `string`, `list of Recipient`, `string or null`."""
    if "$ref" in schema:
        return str(schema["$ref"]).removeprefix(_REF)
    for combination in ("anyOf", "oneOf"):
        parts = schema.get(combination)
        if isinstance(parts, list):
            return " or ".join(dict.fromkeys(words(part) for part in parts))
    if "enum" in schema:
        values = schema["enum"]
        assert isinstance(values, list)
        return " | ".join(json.dumps(value) for value in values)
    if "const" in schema:
        return json.dumps(schema["const"])
    if schema.get("type") == "array":
        items = schema.get("items")
        return f"list of {words(items)}" if isinstance(items, dict) else "list"
    kind = str(schema.get("format") or schema.get("type") or "anything")
    return {"object": "object", "date-time": "time"}.get(kind, kind)
