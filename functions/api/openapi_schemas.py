"""The schemas of the OpenAPI document, in a form from which generators make usable clients.

Requests and answers have schemas apart where they differ. A field of a request is required only where a caller has to
send it; a default stands in its description, as generators take a field with `default` for one that is always there.
Every field of an answer is required, and an answer may get more fields in a later release.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, models_json_schema
from pydantic_core import core_schema

Schema = dict[str, Any]
References = Mapping[tuple[type[BaseModel], JsonSchemaMode], Schema]
"""The reference to the schema of each (model, mode)."""

REFERENCE = "#/components/schemas/"

_PAGE = re.compile(r"Page_(\w+)_")
_SUFFIX = re.compile(r"(?<=.)(Read|Item|Spec|Patch|Input)$")
BOUNDS = {"ge": "minimum", "le": "maximum"}
"""Names of bounds that pydantic does not translate behind a validator."""

_PARTS = ("properties", "items", "anyOf", "additionalProperties", "propertyNames", "prefixItems")

_ENUM_NAMES: Mapping[str, str] = {
    "allow do_not_allow": "StatedPreference",
    "allow do_not_allow unknown": "FollowPreference",
    "full read inbound admin": "KeyScope",
    "full read admin user": "PersonScope",
    "human machine uncertain": "VerdictClass",
    "person machine me": "FeedbackWord",
    "task case call": "ActivityType",
    "open closed": "ActivityStatus",
    "ok warning problem unknown": "ReadinessState",
    "reply auto_reply bounce complaint calendar_answer read_receipt forward new": "ReceivedKind",
    "no_reply not_opened always": "ReminderCondition",
    "all replies known none": "InboundChoice",
    "imap graph": "MailboxKind",
    "tls starttls": "MailboxSecurity",
    "password xoauth2": "MailboxAuthentication",
    "open snoozed done": "CardStatus",
}
"""Names of enumerations that several places share, by their values. Others are named by the first place."""


class _Generator(GenerateJsonSchema):
    """Makes schemas as pydantic does, but for answers, which leave no field out and may get more of them."""

    def model_schema(self, schema: core_schema.ModelSchema) -> Schema:
        """Make the schema of a model."""
        made = super().model_schema(schema)
        if self.mode == "serialization" and made.get("additionalProperties") is False:
            del made["additionalProperties"]
        return made

    def field_is_required(
        self, field: core_schema.ModelField | core_schema.DataclassField | core_schema.TypedDictField, total: bool
    ) -> bool:
        """Whether a field is required: in an answer always, as answers leave nothing out."""
        return self.mode == "serialization" or super().field_is_required(field, total)


def make_schemas(
    bodies: Iterable[type[BaseModel]], answers: Iterable[type[BaseModel]], leave_out: Sequence[type[BaseModel]]
) -> tuple[References, dict[str, Schema]]:
    """Make the schemas of requests and answers. Those of `leave_out` leave out fields that would be null."""
    wanted: dict[tuple[type[BaseModel], JsonSchemaMode], None] = {
        **{(model, "validation"): None for model in bodies},
        **{(model, "serialization"): None for model in (*answers, *leave_out)},
    }
    references, made = models_json_schema(list(wanted), ref_template=REFERENCE + "{model}", schema_generator=_Generator)
    definitions: dict[str, Schema] = made.get("$defs", {})
    of_requests = _reachable(definitions, (references[model, "validation"] for model in bodies))
    for name, schema in definitions.items():
        _shape(schema, is_answer=name not in of_requests)
    for model in leave_out:
        _leave_out_null(definitions[_name_of(references[model, "serialization"])], model)
    names = {name: _readable(name, definitions) for name in definitions}
    shown = {names[name]: _renamed(schema, names) for name, schema in definitions.items()}
    return {(model, mode): _renamed(references[model, mode], names) for model, mode in wanted}, shown


def query_schemas(model: type[BaseModel]) -> Iterator[tuple[str, Schema, bool]]:
    """Make the schema of each parameter of a query: its name, its schema without null, and whether it is required."""
    made = model.model_json_schema(schema_generator=_Generator)
    for name, schema in made.get("properties", {}).items():
        shown = {BOUNDS.get(key, key): value for key, value in _without_null(schema).items()}
        shown.pop("title", None)
        if shown.get("default", ...) is None:
            del shown["default"]
        yield name, _merged_choices(shown), name in made.get("required", [])


def drop_titles(schemas: Mapping[str, Schema]) -> None:
    """Give each schema its name as title, and fields none: pydantic's say the field's name again."""
    for name, schema in schemas.items():
        schema["title"] = name
        for field in _fields_within(schema):
            field.pop("title", None)


def _fields_within(schema: Schema) -> Iterator[Schema]:
    for part in _PARTS:
        inner = schema.get(part)
        parts = inner if isinstance(inner, list) else [inner]
        parts = list(inner.values()) if part == "properties" and isinstance(inner, dict) else parts
        for each in parts:
            if isinstance(each, dict):
                yield each
                yield from _fields_within(each)


def name_enumerations(schemas: dict[str, Schema], operations: Iterable[tuple[str, Schema]]) -> None:
    """Move every enumeration to a schema of its own, with a name that reads; `operations` have parameters by name."""
    moved: dict[str, str] = {}
    for name in list(schemas):
        for place, field, schema in _enumerations(schemas[name], ""):
            place[field] = _moved(schema, _SUFFIX.sub("", name) + _camel(schema.get("title") or name), schemas, moved)
    for operation, parameter in operations:
        if "enum" in parameter["schema"]:
            default = parameter["schema"].pop("default", None)
            name = f"{_camel(operation)}{_camel(parameter['name'])}"
            parameter["schema"] = _moved(parameter["schema"], name, schemas, moved)
            if default is not None:
                parameter["description"] = _with_default(parameter.get("description", ""), default)


def _moved(schema: Schema, name: str, schemas: dict[str, Schema], moved: dict[str, str]) -> Schema:
    """Move an enumeration to the schemas, unless it is there, and return what refers to it."""
    values = " ".join(map(str, schema["enum"]))
    if values not in moved:
        name = _ENUM_NAMES.get(values, name)
        while name in schemas:
            name += "Value"
        moved[values] = name
        text = f"One of {', '.join(f'`{value}`' for value in schema['enum'])}."
        schemas[name] = {"type": "string", "enum": schema["enum"], "title": name, "description": text}
        if any(value.startswith("-") for value in schema["enum"]):
            schemas[name]["x-enum-varnames"] = [_variable(value) for value in schema["enum"]]
    rest = {key: value for key, value in schema.items() if key not in ("enum", "type", "title")}
    return {"$ref": REFERENCE + moved[values], **rest}


def _enumerations(node: Any, field: str) -> Iterator[tuple[Any, Any, Schema]]:
    """Find the enumerations within a schema: what holds each, under which key, and the enumeration."""
    if isinstance(node, dict):
        for part in _PARTS:
            inner = node.get(part)
            if part == "properties" and isinstance(inner, dict):
                for name, schema in inner.items():
                    if "enum" in schema:
                        yield inner, name, schema
                    else:
                        yield from _titled(_enumerations(schema, name), schema)
            elif isinstance(inner, dict):
                if "enum" in inner and part != "propertyNames":
                    yield node, part, inner
                else:
                    yield from _enumerations(inner, field)
            elif isinstance(inner, list):
                for number, schema in enumerate(inner):
                    if "enum" in schema:
                        yield inner, number, schema
                    else:
                        yield from _enumerations(schema, field)


def _titled(found: Iterator[tuple[Any, Any, Schema]], schema: Schema) -> Iterator[tuple[Any, Any, Schema]]:
    for place, field, enumeration in found:
        if "title" in schema:
            enumeration.setdefault("title", schema["title"])
        yield place, field, enumeration


def _variable(value: str) -> str:
    """Name a value of an enumeration for programs: `-sent_at` is `SENT_AT_DESCENDING`."""
    name = value.lstrip("-").replace("-", "_").upper()
    return f"{name}_DESCENDING" if value.startswith("-") else name


def _camel(words: str) -> str:
    return "".join(f"{word[:1].upper()}{word[1:]}" for word in re.split(r"[^A-Za-z0-9]+", words))


def _shape(schema: Schema, *, is_answer: bool) -> None:
    """Make a schema of pydantic's into one of the document."""
    for name, field in schema.get("properties", {}).items():
        default = field.pop("default", None)
        if not is_answer and default not in (None, "", [], {}) and not isinstance(default, dict):
            field["description"] = _with_default(field.get("description", ""), default)
        schema["properties"][name] = _merged_choices(field)


def _with_default(description: str, default: object) -> str:
    told = f"by default {', '.join(map(str, default)) if isinstance(default, list) else json.dumps(default)}"
    return f"{description}; {told}" if description else told


def _merged_choices(schema: Schema) -> Schema:
    """Make one enumeration of alternatives that are all fixed texts."""
    parts = schema.get("anyOf", [])
    if len(parts) < 2 or not all("enum" in part or isinstance(part.get("const"), str) for part in parts):
        return schema
    values = [value for part in parts for value in part.get("enum", [part.get("const")])]
    return {**{name: value for name, value in schema.items() if name != "anyOf"}, "type": "string", "enum": values}


def _without_null(schema: Schema) -> Schema:
    parts = [part for part in schema.get("anyOf", []) if part.get("type") != "null"]
    rest = {name: value for name, value in schema.items() if name != "anyOf"}
    if len(parts) == 1:
        return {**parts[0], **rest}
    return {**rest, "anyOf": parts} if parts else rest


def _leave_out_null(schema: Schema, model: type[BaseModel]) -> None:
    """Have a schema say that a field which would be null is left out."""
    schema["required"] = [name for name in schema["properties"] if model.model_fields[name].default is not None]
    schema["properties"] = {name: _without_null(field) for name, field in schema["properties"].items()}


def _reachable(definitions: Mapping[str, Schema], references: Iterable[Schema]) -> set[str]:
    """Return the names of the schemas that these references lead to, directly or not."""
    found, waiting = set[str](), [_name_of(reference) for reference in references]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += [_name_of(each) for each in _references(definitions[name])]
    return found


def _references(node: Any) -> Iterator[Schema]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node
        for value in node.values():
            yield from _references(value)
    elif isinstance(node, list):
        for value in node:
            yield from _references(value)


def resolved(document: Schema, node: Schema) -> Schema:
    """Follow references within a document to what they lead to."""
    while "$ref" in node:
        found: Any = document
        for step in node["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        node = found
    return node


def _name_of(reference: Schema) -> str:
    return str(reference["$ref"]).removeprefix(REFERENCE)


def _readable(name: str, definitions: Mapping[str, Schema]) -> str:
    """Name a schema for people: `Page_User_` is `UserPage`, `Reminder-Output` is `Reminder`."""
    if page := _PAGE.fullmatch(name):
        return f"{page[1]}Page"
    base, _, mode = name.partition("-")
    return f"{base}Input" if mode == "Input" and f"{base}-Output" in definitions else base


def _renamed(node: Any, names: Mapping[str, str]) -> Any:
    if isinstance(node, dict):
        reference = node.get("$ref")
        renamed = {key: _renamed(value, names) for key, value in node.items()}
        if isinstance(reference, str):
            renamed["$ref"] = REFERENCE + names[reference.removeprefix(REFERENCE)]
        return renamed
    return [_renamed(each, names) for each in node] if isinstance(node, list) else node
