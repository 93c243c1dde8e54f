"""Examples of requests and answers for the OpenAPI document, and descriptions of fields that are called alike.

The table `field_texts.csv` has them by the name of the field, or by `Schema.field` where the name alone does not tell.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from functions.api.openapi_schemas import Schema

TABLE = Path(__file__).with_name("field_texts.csv")

BODIES: Mapping[str, Any] = {
    "NewMessage": {
        "from": "rita",
        "to": [{"email": "ada@example.com", "name": "Ada", "record": {"type": "contact", "id": "c1"}}],
        "subject": "Our offer",
        "html": '<p>Hello Ada, here is <a href="https://acme.example/offer">our offer</a>.</p>',
        "regarding": {"type": "opportunity", "id": "o1", "name": "Windmill"},
        "reminder": {"title": "Call Ada", "condition": "no_reply", "at": "2026-05-06T09:00:00Z"},
    },
    "MessagePatch": {"subject": "Our new offer", "deliver_at": "2026-05-05T07:00:00Z"},
    "Simulation": {
        "from": "rita",
        "to": [{"email": "ada@example.com"}],
        "subject": "Our offer",
        "html": '<p>Hello <a href="https://acme.example/offer">offer</a></p>',
    },
    "OrganizationSpec": {"name": "Acme", "settings": {"tracking": "consent", "retention_days": 365}},
    "OrganizationPatch": {"settings": {"tracking": "consent"}},
    "UserPatch": {"opt_in": True},
    "RecordPatch": {"follow_email": "do_not_allow"},
    "MailboxSpec": {
        "kind": "imap",
        "owner": "rita",
        "host": "imap.example.com",
        "user": "rita@acme.example",
        "secret": "HEED_MAILBOX_ACME_RITA",
    },
    "MailboxPatch": {"enabled": False},
    "RuleSpec": {
        "when": {"kind": "new", "to": "@acme.example"},
        "create": {"type": "lead", "fields": {"owner": "rita"}},
    },
    "AttachmentPatch": {"revoked": True},
    "TrackedMail": {"mime": "From: ada@example.com\r\nTo: rita@acme.example\r\nSubject: Hello\r\n\r\nHello Rita\r\n"},
    "MergeSpec": {"recipient": {"email": "ada@example.com", "name": "Ada Lovelace"}, "sender": "rita"},
}
"""Examples of bodies that say more than one made field by field."""

_MADE_ID = "0b54a3c4c1f24c4a9d1a8a5d0f6f2c11"
_CHOSEN_ID = "c1"
_FORMATS = {"date-time": "2026-05-04T09:30:00Z", "email": "ada@example.com", "date": "2026-05-04"}
_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
    "null": (type(None),),
}
_DEEPEST = 8


class FieldText(NamedTuple):
    """The example and the description of a field; either may be missing."""

    example: Any
    text: str


@cache
def field_texts() -> Mapping[str, FieldText]:
    """Read the table."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        lines = csv.reader(file)
        next(lines)
        return {name: FieldText(json.loads(example) if example else ..., text) for name, example, text in lines}


def describe_fields(schemas: Mapping[str, Schema]) -> None:
    """Describe every field that has no description of its own, where the table or its schema has one."""
    for owner, schema in schemas.items():
        for name, field in schema.get("properties", {}).items():
            if "description" not in field and (text := _text(owner, name)):
                field["description"] = text


def query_text(name: str) -> str:
    """Describe a parameter of a query that has no description of its own."""
    return _text("query", name)


def _text(owner: str, name: str) -> str:
    return next((found.text for found in _found(owner, name) if found.text), "")


def _found(owner: str, name: str) -> Iterator[FieldText]:
    table = field_texts()
    for key in (f"{owner}.{name}", f"{owner.removesuffix('Input')}.{name}", name):
        if key in table:
            yield table[key]


def example_of(schema: Schema, schemas: Mapping[str, Schema], *, is_request: bool) -> Any:
    """Make an example of a body: of an answer with every field, of a request with those that make it plain."""
    return _example(schema, schemas, "", "", is_request, 0)


def parameter_example(name: str, schema: Schema, schemas: Mapping[str, Schema]) -> Any:
    """Make an example of a parameter."""
    return _example(schema, schemas, "query", name, is_request=True, depth=0)


def _example(schema: Schema, schemas: Mapping[str, Schema], owner: str, name: str, is_request: bool, depth: int) -> Any:
    target, title = schema, ""
    while "$ref" in target:
        title = target["$ref"].rpartition("/")[2]
        target = schemas[title]
    if is_request and title in BODIES:
        return BODIES[title]
    for found in _found(owner, name) if name else ():
        if found.example is not ... and _fits(found.example, target, schemas):
            return found.example
    if "anyOf" in target:
        return _example(target["anyOf"][0], schemas, owner, name, is_request, depth)
    if target.get("type") == "array":
        inner = _example(target["items"], schemas, owner, name, is_request, depth + 1)
        return [] if depth > _DEEPEST or inner is None else [inner]
    if target.get("type") == "object" or "properties" in target:
        return _object(target, schemas, title or owner, is_request, depth)
    return _plain(target)


def _object(schema: Schema, schemas: Mapping[str, Schema], owner: str, is_request: bool, depth: int) -> Any:
    if "properties" not in schema:
        inner = schema.get("additionalProperties")
        names = schema.get("propertyNames", {}).get("enum", ["name"])
        return {names[0]: _example(inner, schemas, "", "", is_request, depth + 1)} if isinstance(inner, dict) else {}
    needed = schema.get("required", [])
    return {
        name: _example(field, schemas, owner, name, is_request, depth + 1)
        for name, field in schema["properties"].items()
        if not is_request
        or name in needed
        or (depth < 1 and any(each.example is not ... for each in _found(owner, name)))
    }


def _plain(schema: Schema) -> Any:
    if "const" in schema or "enum" in schema:
        return schema.get("const", schema.get("enum", [None])[0])
    match schema.get("type"):
        case "string":
            return _string(schema)
        case "integer" | "number":
            return schema.get("minimum", 1)
        case "boolean":
            return True
        case _:
            return None


def _string(schema: Schema) -> str:
    if schema.get("format") in _FORMATS:
        return _FORMATS[schema["format"]]
    if pattern := schema.get("pattern"):
        return next((each for each in (_CHOSEN_ID, _MADE_ID, "contact") if re.search(pattern, each)), "")
    return "text"


def _fits(value: Any, schema: Schema, schemas: Mapping[str, Schema]) -> bool:
    """Whether a value of the table may stand here, as far as its kind tells."""
    while "$ref" in schema:
        schema = schemas[schema["$ref"].rpartition("/")[2]]
    if "anyOf" in schema:
        return any(_fits(value, each, schemas) for each in schema["anyOf"])
    if "const" in schema or "enum" in schema:
        return value in schema.get("enum", [schema.get("const")])
    if "type" in schema and (
        not isinstance(value, _TYPES[schema["type"]]) or isinstance(value, bool) != (schema["type"] == "boolean")
    ):
        return False
    if isinstance(value, list) and "items" in schema:
        return all(_fits(each, schema["items"], schemas) for each in value)
    if isinstance(value, dict):
        return set(schema.get("required", [])) <= set(value) and "properties" not in schema
    return not (isinstance(value, str) and "pattern" in schema and not re.search(schema["pattern"], value))
