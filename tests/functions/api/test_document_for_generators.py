"""The OpenAPI document as a generator of clients needs it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Literal

import jsonschema_rs
import pytest
from pydantic import ValidationError

from functions.endpoints import ENDPOINTS
from tests.support.described import document
from tests.support.heed import ADMIN_KEY, BASE_URL, Heed

SCHEMAS = document()["components"]["schemas"]
OPERATIONS = [
    (f"{method.upper()} {path}", operation)
    for path, methods in document()["paths"].items()
    for method, operation in methods.items()
]


def reachable(schema: Any, found: set[str] | None = None) -> set[str]:
    """Name the schemas that a schema leads to."""
    found = set() if found is None else found
    if isinstance(schema, dict):
        name = str(schema.get("$ref", "")).removeprefix("#/components/schemas/")
        if name in SCHEMAS and name not in found:
            found.add(name)
            reachable(SCHEMAS[name], found)
        for value in schema.values():
            reachable(value, found)
    elif isinstance(schema, list):
        for each in schema:
            reachable(each, found)
    return found


def media_of(kind: Literal["request", "answer"]) -> Iterator[tuple[str, Any]]:
    for name, operation in OPERATIONS:
        holders = [operation.get("requestBody", {})] if kind == "request" else operation["responses"].values()
        for holder in holders:
            for media in holder.get("content", {}).values():
                if "$ref" in media.get("schema", {}):
                    yield name, media


ANSWERS = reachable([media["schema"] for _, media in media_of("answer")])
REQUESTS = reachable([media["schema"] for _, media in media_of("request")])


def test_an_answer_has_all_its_fields_and_may_get_more() -> None:
    for name in ANSWERS:
        schema = SCHEMAS[name]
        if "properties" in schema:
            assert schema["required"] == list(schema["properties"]), name
            assert schema.get("additionalProperties", True) is not False, name


def test_a_request_has_to_give_only_what_has_no_default() -> None:
    assert SCHEMAS["NewMessage"]["required"] == ["from"]
    assert SCHEMAS["RecipientInput"]["required"] == ["email"]
    assert "required" not in SCHEMAS["UserPatch"]
    for name in REQUESTS:
        assert not [field for field, schema in SCHEMAS[name].get("properties", {}).items() if "default" in schema], name
    assert "by default true" in SCHEMAS["NewMessage"]["properties"]["follow"]["description"]


def test_null_may_be_sent_only_where_it_means_something() -> None:
    assert {"type": "null"} in SCHEMAS["NewMessage"]["properties"]["deliver_at"]["anyOf"]
    assert SCHEMAS["UserPatch"]["properties"]["opt_in"]["type"] == "boolean"
    for _, operation in OPERATIONS:
        for parameter in operation["parameters"]:
            assert {"type": "null"} not in parameter.get("schema", {}).get("anyOf", [])


async def test_every_answer_is_as_whole_as_the_document_says(heed: Heed) -> None:
    message = await heed.sent()
    answers = {
        "MessageRead": await heed.get(f"/messages/{message}"),
        "MessageItemPage": await heed.get("/messages"),
        "UserPage": await heed.get("/users"),
        "OrganizationRead": (await heed.request("GET", "/api/orgs/acme", key=ADMIN_KEY)).json,
        "ProblemDocument": (await heed.api("GET", "/messages/x")).json,
    }

    for name, answer in answers.items():
        schema = {"$ref": f"#/components/schemas/{name}", "components": {"schemas": SCHEMAS}}
        assert jsonschema_rs.is_valid(schema, answer), name


@pytest.mark.parametrize("kind", ["request", "answer"])
def test_every_body_has_an_example_that_fits_it(kind: Literal["request", "answer"]) -> None:
    for name, media in media_of(kind):
        schema = {**media["schema"], "components": {"schemas": SCHEMAS}}
        errors = [error.message for error in jsonschema_rs.iter_errors(schema, media["example"])]
        assert errors == [], name


def test_heed_takes_the_example_of_every_request() -> None:
    bodies = {endpoint.name: endpoint.body for endpoint in ENDPOINTS.values()}
    refused = {}
    for name, operation in OPERATIONS:
        body = bodies.get(operation["operationId"])
        if body is not None:
            example = operation["requestBody"]["content"]["application/json"]["example"]
            try:
                body.model_validate_json(json.dumps(example), strict=True)
            except ValidationError as error:
                refused[name] = str(error)
    assert refused == {}


def test_everything_is_described() -> None:
    for name, schema in SCHEMAS.items():
        assert schema["description"], name
        for field, inner in schema.get("properties", {}).items():
            assert inner.get("description") or "$ref" in inner, (name, field)
    for name, operation in OPERATIONS:
        assert operation["description"], name
        for parameter in operation["parameters"]:
            assert "$ref" in parameter or (parameter["description"] and "example" in parameter), (name, parameter)


def test_each_operation_names_the_key_that_it_takes() -> None:
    named = {operation["operationId"]: [*{key for each in operation["security"] for key in each}]
             for _, operation in OPERATIONS}  # fmt: skip

    assert named["make_message"] == ["organizationKey"]
    assert named["put_organization"] == ["administratorKey"]
    assert set(named["get_organization"]) == {"organizationKey", "administratorKey"}
    assert named["health"] == named["pixel_get"] == []
    assert "keyInQuery" in named["take_delivery_reports"]


def test_parts_of_paths_have_the_form_that_ids_have() -> None:
    [parameters] = [
        each["parameters"] for name, each in OPERATIONS if name == "GET /api/orgs/{org}/records/{type}/{id}"
    ]
    patterns = {each["name"]: each["schema"]["pattern"] for each in parameters if each.get("in") == "path"}

    assert patterns["org"] == "^[a-z][a-z0-9]{2,31}$"
    assert patterns["type"] == "^[a-z0-9][a-z0-9_-]{0,39}$"
    assert patterns.keys() == {"org", "type", "id"}


def test_a_problem_of_each_status_has_its_headers_and_an_example_with_its_code() -> None:
    responses = document()["components"]["responses"]
    used = {each["$ref"].rpartition("/")[2] for _, operation in OPERATIONS
            for each in operation["responses"].values() if "$ref" in each}  # fmt: skip

    assert used == set(responses)
    assert "Retry-After" in responses["Problem429"]["headers"]
    assert "WWW-Authenticate" in responses["Problem401"]["headers"]
    example = responses["Problem412"]["content"]["application/problem+json"]["example"]
    assert (example["code"], example["type"]) == ("version_mismatch", f"{BASE_URL}/api/errors#version_mismatch")


def test_enumerations_are_named_once() -> None:
    values = [tuple(schema["enum"]) for schema in SCHEMAS.values() if "enum" in schema]

    assert len(values) == len(set(values))
    assert SCHEMAS["MessageRead"]["properties"]["status"]["$ref"] == "#/components/schemas/MessageStatus"
    assert not [name for name in SCHEMAS if not name.isalnum()]
