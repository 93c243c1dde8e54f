"""Changes of the OpenAPI document that break a client written for an earlier one.

A client may send all that the earlier document takes, and count on all that it answers. What Heed takes may therefore
only become more, as unknown fields and parameters are refused; an answer may get fields and lose none. A word that an
enumeration of an answer gets breaks nothing: the document tells clients to ignore what they do not know.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

from functions.api.openapi_schemas import BOUNDS, Schema, resolved

Node = Schema

_DEEPEST = 12
"""Schemas within schemas; deeper ones repeat."""

_UPPER = ("maxLength", "maxItems", "maximum")
_LOWER = ("minLength", "minItems", "minimum")


RELEASED = "openapi-released.json"
"""The document of the last release, in `docs/`. `python -m infra.docs --release` renews it."""

_KNOWN = Path(__file__).with_name("known_changes.csv")
"""Changes since the last release that are meant, as patterns with a reason; the changelog tells of them."""


def unknown_changes(released: Path, now: bytes) -> list[str]:
    """List what breaks since the last release and is not known to."""
    with _KNOWN.open(encoding="utf-8", newline="") as file:
        known = [row["change"] for row in csv.DictReader(file)]
    found = breaking_changes(json.loads(released.read_text(encoding="utf-8")), json.loads(now))
    return [each for each in found if not any(fnmatchcase(each, pattern) for pattern in known)]


def breaking_changes(before: Node, now: Node) -> list[str]:
    """List what breaks, a line for each change, with the operation and the place in it."""
    comparison = _Comparison(before, now)
    return sorted(set(comparison.operations()))


class _Comparison:
    """Two documents that are compared."""

    def __init__(self, before: Node, now: Node) -> None:
        self._before = before
        self._now = now

    def operations(self) -> Iterator[str]:
        """Compare the operations."""
        for path, methods in self._before["paths"].items():
            for method, old in methods.items():
                new = self._now["paths"].get(path, {}).get(method)
                name = f"{method.upper()} {path}"
                if new is None:
                    yield f"{name}: is gone"
                else:
                    yield from (f"{name}: {line}" for line in self._operation(old, new))

    def _operation(self, old: Node, new: Node) -> Iterator[str]:
        if old["operationId"] != new["operationId"]:
            yield f"is called {new['operationId']}, not {old['operationId']}"
        yield from self._parameters(old, new)
        old_body, new_body = old.get("requestBody"), new.get("requestBody")
        if new_body and new_body.get("required") and not old_body:
            yield "needs a body"
        yield from self._contents("body", old_body or {}, new_body or {}, is_answer=False)
        for status, response in old["responses"].items():
            if not status.startswith("2"):
                continue
            if status not in new["responses"]:
                yield f"is no longer answered with {status}"
                continue
            yield from self._contents(status, response, new["responses"][status], is_answer=True)

    def _parameters(self, old: Node, new: Node) -> Iterator[str]:
        olds = {each["name"]: each for each in (resolved(self._before, each) for each in old["parameters"])}
        news = {each["name"]: each for each in (resolved(self._now, each) for each in new["parameters"])}
        for name, each in news.items():
            if each.get("required") and not olds.get(name, {}).get("required"):
                yield f"needs the parameter {name}"
        for name, each in olds.items():
            if name not in news:
                yield f"takes the parameter {name} no longer"
            else:
                old_schema, new_schema = _of_parameter(each["schema"]), news[name]["schema"]
                yield from self._schemas(name, old_schema, new_schema, is_answer=False, depth=0)

    def _contents(self, place: str, old: Node, new: Node, *, is_answer: bool) -> Iterator[str]:
        old, new = resolved(self._before, old), resolved(self._now, new)
        for kind, media in old.get("content", {}).items():
            if kind not in new.get("content", {}):
                yield f"{place}: {kind} is gone"
            elif "schema" in media:
                schema = new["content"][kind].get("schema", {})
                yield from self._schemas(place, media["schema"], schema, is_answer=is_answer, depth=0)

    def _schemas(self, place: str, old: Node, new: Node, *, is_answer: bool, depth: int) -> Iterator[str]:
        if depth > _DEEPEST:
            return
        olds, news = list(self._forms(self._before, old)), list(self._forms(self._now, new))
        kinds, kinds_now = {_kind(each) for each in olds}, {_kind(each) for each in news}
        more, fewer = kinds_now - kinds - {"any"}, kinds - kinds_now
        if is_answer and more and "any" not in kinds:
            yield f"{place}: may be {_listed(more)}"
        if not is_answer and fewer and "any" not in kinds_now:
            yield f"{place}: may no longer be {_listed(fewer)}"
        for each in olds:
            same = next((form for form in news if _kind(form) == _kind(each)), None)
            if same is not None:
                yield from self._form(place, each, same, is_answer=is_answer, depth=depth)

    def _form(self, place: str, old: Node, new: Node, *, is_answer: bool, depth: int) -> Iterator[str]:
        if not is_answer:
            yield from _narrower(place, old, new)
        yield from self._fields(place, old, new, is_answer=is_answer, depth=depth)
        if "items" in old and "items" in new:
            yield from self._schemas(f"{place}[]", old["items"], new["items"], is_answer=is_answer, depth=depth + 1)

    def _fields(self, place: str, old: Node, new: Node, *, is_answer: bool, depth: int) -> Iterator[str]:
        olds, news = old.get("properties", {}), new.get("properties", {})
        needed, needed_now = set(old.get("required", [])), set(new.get("required", []))
        for name, schema in olds.items():
            if name in news:
                inner = f"{place}.{name}"
                yield from self._schemas(inner, schema, news[name], is_answer=is_answer, depth=depth + 1)
            elif is_answer or new.get("additionalProperties") is False:
                yield f"{place}.{name}: is gone"
        if is_answer:
            yield from (f"{place}.{name}: may be left out" for name in sorted(needed - needed_now) if name in news)
        elif "properties" in old:
            yield from (f"{place}.{name}: is needed" for name in sorted(needed_now - needed))

    def _forms(self, document: Node, schema: Node) -> Iterator[Node]:
        """List the alternatives of a schema."""
        schema = resolved(document, schema)
        if "anyOf" in schema:
            for each in schema["anyOf"]:
                yield from self._forms(document, each)
        else:
            yield schema


def _of_parameter(schema: Node) -> Node:
    """Leave out null, which a query or a header cannot say, and name bounds as JSON Schema does."""
    parts = [each for each in schema.get("anyOf", []) if each.get("type") != "null"]
    plain = {BOUNDS.get(name, name): value for name, value in schema.items() if name != "anyOf"}
    return {**plain, "anyOf": parts} if parts else plain


def _kind(schema: Node) -> str:
    """Name the type of a schema's values, with its format."""
    kind = schema.get("type") or ("string" if "enum" in schema or "const" in schema else "any")
    return f"{kind} ({schema['format']})" if schema.get("format") in ("date-time", "binary") else str(kind)


def _narrower(place: str, old: Node, new: Node) -> Iterator[str]:
    """List the values of a request that were taken and are so no longer."""
    values, values_now = (set(each.get("enum", [each["const"]] if "const" in each else [])) for each in (old, new))
    if values_now and (not values or values - values_now):
        yield f"{place}: takes no longer {_listed(values - values_now or {'any text'})}"
    for bound in _UPPER:
        if new.get(bound, float("inf")) < old.get(bound, float("inf")):
            yield f"{place}: {bound} is {new[bound]}"
    for bound in _LOWER:
        if new.get(bound, float("-inf")) > old.get(bound, float("-inf")):
            yield f"{place}: {bound} is {new[bound]}"


def _listed(words: set[str]) -> str:
    return ", ".join(sorted(map(str, words)))
