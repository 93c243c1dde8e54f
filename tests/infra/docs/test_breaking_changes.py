"""Changes of the API's document that would break a client."""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from infra.docs.breaking_changes import breaking_changes, unknown_changes

THING = {
    "type": "object",
    "additionalProperties": False,
    "properties": {"name": {"type": "string", "maxLength": 10}, "kind": {"$ref": "#/components/schemas/Kind"}},
    "required": ["name"],
}
READ = {
    "type": "object",
    "properties": {"id": {"type": "string"}, "parts": {"type": "array", "items": {"type": "integer"}}},
    "required": ["id", "parts"],
}
DOCUMENT: dict[str, Any] = {
    "paths": {
        "/things": {
            "post": {
                "operationId": "make_thing",
                "parameters": [{"name": "dry", "in": "query", "required": False, "schema": {"type": "boolean"}}],
                "requestBody": {
                    "required": True,
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}},
                },
                "responses": {
                    "201": {
                        "description": "Made.",
                        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Read"}}},
                    }
                },
            }
        }
    },
    "components": {"schemas": {"Thing": THING, "Read": READ, "Kind": {"type": "string", "enum": ["a", "b"]}}},
}

Change = Callable[[Any, Any, Any], object]


def changes(change: Change) -> list[str]:
    """List what breaks after a change of the operation, the body or the answer."""
    now = deepcopy(DOCUMENT)
    schemas = now["components"]["schemas"]
    change(now["paths"]["/things"].get("post"), schemas["Thing"], schemas["Read"])
    return breaking_changes(DOCUMENT, now)


@pytest.mark.parametrize(
    "change",
    [
        lambda *_: None,
        lambda operation, *_: operation["parameters"].append(
            {"name": "new", "in": "query", "required": False, "schema": {"type": "string"}}
        ),
        lambda _, body, __: body["properties"].update(more={"type": "string"}),
        lambda _, __, read: read["properties"].update(more={"type": "string"}),
        lambda _, body, __: body["properties"]["name"].update(maxLength=20),
        lambda _, body, __: body.update(required=[]),
        lambda _, body, __: body["properties"].update(name={"anyOf": [{"type": "string"}, {"type": "null"}]}),
    ],
)
def test_what_is_added_breaks_nothing(change: Change) -> None:
    assert changes(change) == []


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda operation, *_: operation.update(operationId="x"), "is called x, not make_thing"),
        (lambda operation, *_: operation["parameters"].clear(), "takes the parameter dry no longer"),
        (lambda operation, *_: operation["parameters"][0].update(required=True), "needs the parameter dry"),
        (lambda operation, *_: operation["responses"].clear(), "is no longer answered with 201"),
        (lambda _, body, __: body["properties"].pop("kind"), "body.kind: is gone"),
        (lambda _, body, __: body.update(required=["name", "kind"]), "body.kind: is needed"),
        (lambda _, body, __: body["properties"]["name"].update(maxLength=5), "body.name: maxLength is 5"),
        (lambda _, body, __: body["properties"]["name"].update(type="integer"), "body.name: may no longer be string"),
        (
            lambda _, body, __: body["properties"].update(kind={"type": "string", "enum": ["b"]}),
            "body.kind: takes no longer a",
        ),
        (lambda _, __, read: read["properties"].pop("id"), "201.id: is gone"),
        (lambda _, __, read: read.update(required=["parts"]), "201.id: may be left out"),
        (
            lambda _, __, read: read["properties"].update(id={"anyOf": [{"type": "string"}, {"type": "null"}]}),
            "201.id: may be null",
        ),
        (
            lambda _, __, read: read["properties"]["parts"].update(items={"type": "string"}),
            "201.parts[]: may be string",
        ),
    ],
)
def test_what_a_client_counts_on_is_told_when_it_changes(change: Change, told: str) -> None:
    assert changes(change) == [f"POST /things: {told}"]


def test_an_operation_that_is_gone_is_told() -> None:
    assert breaking_changes(DOCUMENT, {**DOCUMENT, "paths": {}}) == ["POST /things: is gone"]


def test_a_change_that_is_known_is_not_told(tmp_path: Path) -> None:
    released = tmp_path / "released.json"
    released.write_text(json.dumps(DOCUMENT).replace('"id"', '"from"'))
    nullable = '"from": {"anyOf": [{"type": "string"}, {"type": "null"}]}'
    now = json.dumps(DOCUMENT).replace('"id": {"type": "string"}', nullable)

    assert unknown_changes(released, now.replace('"id"', '"from"').encode()) == []
    assert unknown_changes(released, json.dumps({**DOCUMENT, "paths": {}}).encode()) == ["POST /things: is gone"]
