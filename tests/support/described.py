"""The fields of every request, as the OpenAPI document describes them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from functions import endpoints
from tests.support.heed import ADMIN_KEY, BASE_URL, Heed, Response

Schema = dict[str, Any]
Step = str | int

_PATH_VALUES = {"{org}": "acme", "{type}": "contact", "{email}": "ada@example.com"}


@dataclass(frozen=True)
class Operation:
    """One method of one path, with a path of the right shape that leads to nothing that is there."""

    name: str
    method: str
    path: str
    is_admins: bool
    body: Schema | None
    parameters: tuple[Schema, ...]

    async def call(self, heed: Heed, body: Any = None, query: str = "", **headers: str) -> Response:
        key = ADMIN_KEY if self.is_admins else heed.key
        named = {"x-heed-user": "rep1", **{name.replace("_", "-"): value for name, value in headers.items()}}
        return await heed.request(self.method, self.path + query, body, key=key, headers=named)


@dataclass(frozen=True)
class Field:
    """A place in a request's body; `schema` says what may stand there. 0 in the place is a list's first item."""

    operation: Operation
    place: tuple[Step, ...]
    schema: Schema

    def __str__(self) -> str:
        return f"{self.operation.name}:{'.'.join(map(str, self.place))}"

    def body(self, value: Any) -> Any:
        """A body in which nothing but the value stands."""
        for step in reversed(self.place):
            value = [value] if step == 0 else {step: value}
        return value


def told_errors(answer: Response) -> list[tuple[list[Step], str]]:
    """List (place, what is said) of each wrong field: those of the request, or those of a batch's items."""
    if answer.status == 422:
        return [(each["loc"], each["msg"]) for each in answer.json["errors"]]
    assert answer.status == 200, answer.body
    items = enumerate(answer.json["items"])
    return [(["items", number, *each["loc"]], each["msg"]) for number, item in items for each in item["errors"]]


@cache
def document() -> Schema:
    found: Schema = json.loads(endpoints.document(BASE_URL))
    return found


def _resolved(schema: Schema) -> Schema:
    while "$ref" in schema:
        schema = document()["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema


@cache
def operations() -> tuple[Operation, ...]:
    """Those of the CRM and the administrator."""
    return tuple(_operations())


def _operations() -> Iterator[Operation]:
    for route, methods in document()["paths"].items():
        if not route.startswith("/api/orgs") and not route.startswith("/api/ops"):
            continue
        path = route
        for part in route.split("/"):
            if part.startswith("{"):
                path = path.replace(part, _PATH_VALUES.get(part, "0" * 32))
        for method, operation in methods.items():
            content = operation.get("requestBody", {}).get("content", {})
            yield Operation(
                name=operation["operationId"],
                method=method.upper(),
                path=path,
                is_admins=operation["tags"][0] in ("Organizations", "Operations"),
                body=content["application/json"]["schema"] if "application/json" in content else None,
                parameters=tuple(each for each in operation["parameters"] if each.get("in") == "query"),
            )


@cache
def fields() -> tuple[Field, ...]:
    """Every place in every body, lists and objects too."""
    return tuple(
        each for operation in operations() if operation.body for each in _within(operation, (), operation.body)
    )


def _within(operation: Operation, place: tuple[Step, ...], schema: Schema) -> Iterator[Field]:
    for each in alternatives(schema):
        if place:
            yield Field(operation, place, each)
        for name, inner in each.get("properties", {}).items():
            yield from _within(operation, (*place, name), inner)
        if "items" in each:
            yield from _within(operation, (*place, 0), each["items"])


def alternatives(schema: Schema) -> list[Schema]:
    """What may stand there, null left out."""
    schema = _resolved(schema)
    if "anyOf" in schema:
        return [found for each in schema["anyOf"] for found in alternatives(each)]
    return [] if schema.get("type") == "null" else [schema]
