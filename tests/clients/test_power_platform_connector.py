"""The connector for Power Automate: all that it says of the API is so, and Microsoft's own schemas take it."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import jsonschema_rs
import pytest

from infra.local.child import ROOT
from tests.clients.test_generated_clients import HERE, TOOLS, run
from tests.support.described import Schema, alternatives, document
from tests.support.heed import Heed

CONNECTOR = ROOT / "connectors" / "power-platform"
DEFINITION = CONNECTOR / "apiDefinition.swagger.json"
SWAGGER: Schema = json.loads(DEFINITION.read_text(encoding="utf-8"))
PROPERTIES: Schema = json.loads((CONNECTOR / "apiProperties.json").read_text(encoding="utf-8"))["properties"]
MICROSOFT = os.environ.get("HEED_TEST_CONNECTOR_SCHEMAS")
"""Folder `schemas` of Microsoft's repository PowerPlatformConnectors, which is not part of this one."""

LISTED = sorted((path, method) for path, item in SWAGGER["paths"].items() for method in item if method[:2] != "x-")
IDS = [f"{method} {path}" for path, method in LISTED]


class Named(NamedTuple):
    """An operation of the connector, and the API's own."""

    connector: Schema
    own: Schema


def operation(path: str, method: str) -> Named:
    """Find the API's own operation, where the policies of the connector lead."""
    found = SWAGGER["paths"][path][method]
    for policy in PROPERTIES["policyTemplateInstances"]:
        parameters = policy["parameters"]
        if found["operationId"] in parameters.get("x-ms-apimTemplate-operationName", []):
            path = parameters["x-ms-apimTemplateParameter.newPath"]
    return Named(found, document()["paths"][f"/api/orgs/{{org}}{path}"][method])


def own_parameters(own: Schema) -> dict[tuple[str, str], Schema]:
    shared = document()["components"]["parameters"]
    found = [shared[each["$ref"].rpartition("/")[2]] if "$ref" in each else each for each in own["parameters"]]
    return {(each["in"], each["name"]): each for each in found}


def resolved(schema: Schema) -> Schema:
    return SWAGGER["definitions"][schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema


def differences(shown: Schema, own: Schema, place: str, *, is_request: bool) -> Iterator[str]:
    """Tell where what the connector says of a value is not so."""
    shown, kinds = resolved(shown), alternatives(own)
    types = {kind.get("type", "object") for kind in kinds}
    if shown["type"] not in types and not (shown["type"] == "number" and "integer" in types):
        yield f"{place}: {shown['type']} instead of {types}"
    if words := {word for kind in kinds for word in kind.get("enum", [])}:
        yield from (f"{place}: {word} is none of its words" for word in {*shown.get("enum", [])} - words)
    if shown.get("x-nullable") and not is_request and {"type": "null"} not in own.get("anyOf", []):
        yield f"{place}: it is never null"
    if "items" in shown:
        [listed] = [kind for kind in kinds if "items" in kind]
        yield from differences(shown["items"], listed["items"], f"{place}.0", is_request=is_request)
    fields = {name: field for kind in kinds for name, field in kind.get("properties", {}).items()}
    for name, field in shown.get("properties", {}).items():
        if name not in fields:
            yield f"{place}.{name}: there is no such field"
        else:
            yield from differences(field, fields[name], f"{place}.{name}", is_request=is_request)
    if is_request and shown["type"] == "object":
        needed = {name for kind in kinds for name in kind.get("required", [])}
        yield from (f"{place}.{name}: it is needed" for name in needed - set(shown.get("required", [])))


@pytest.mark.parametrize(("path", "method"), LISTED, ids=IDS)
def test_each_operation_is_one_of_the_api(path: str, method: str) -> None:
    shown, own = operation(path, method)
    known = own_parameters(own)

    for parameter in shown["parameters"]:
        if parameter["in"] == "body":
            schema = own["requestBody"]["content"]["application/json"]["schema"]
            assert list(differences(parameter["schema"], schema, "body", is_request=True)) == []
        else:
            found = known[parameter["in"], parameter["name"]]
            assert list(differences(parameter, found["schema"], parameter["name"], is_request=True)) == []
    given = {(each["in"], each["name"]) for each in shown["parameters"]}
    needed = {key for key, each in known.items() if each.get("required")} - {("path", "org")}
    assert needed <= given
    for status, answer in shown["responses"].items():
        if status != "default":
            content = own["responses"][status].get("content", {})
            if "schema" in answer:
                schema = content["application/json"]["schema"]
                assert list(differences(answer["schema"], schema, status, is_request=False)) == []


def test_flows_get_what_webhooks_get() -> None:
    for path, item in SWAGGER["paths"].items():
        content = item.get("x-ms-notification-content")
        if content is not None:
            [body] = item["post"]["parameters"]
            for name in body["schema"]["properties"]["events"]["default"]:
                request = document()["webhooks"][name]["post"]["requestBody"]
                own = request["content"]["application/cloudevents+json"]["schema"]
                assert list(differences(content["schema"], own, path, is_request=False)) == []


async def test_heed_takes_the_subscription_of_each_trigger_and_ends_it_where_location_says() -> None:
    heed = await Heed().start()
    triggers = [item["post"] for item in SWAGGER["paths"].values() if "x-ms-notification-content" in item]
    for trigger in triggers:
        [body] = trigger["parameters"]
        fields = body["schema"]["properties"]
        [url] = [name for name, field in fields.items() if field.get("x-ms-notification-url")]
        given = {name: field["default"] for name, field in fields.items() if name != url}
        made = await heed.api("POST", "/webhooks", {url: "https://flows.example.com/7f3a", **given})
        assert made.status == 201
        location = re.sub(r"^https://[^/]+", "", made.headers["location"])
        assert location.removeprefix("/api/orgs/acme/webhooks/") == made.json["id"]
        assert (await heed.request("DELETE", location, key=heed.key)).status == 200
    assert len(triggers) == 3


def test_everything_that_a_maker_of_flows_sees_has_a_name_and_a_description() -> None:
    names = [SWAGGER["paths"][path][method]["operationId"] for path, method in LISTED]
    assert len(names) == len(set(names))
    for path, method in LISTED:
        shown = SWAGGER["paths"][path][method]
        assert shown["summary"]
        assert shown["description"].endswith(".")
        for parameter in shown["parameters"]:
            assert parameter["x-ms-summary"]
            assert parameter["description"].endswith(".")
    assert all(f"{{{each['name']}}}" in path for path, method in LISTED
               for each in SWAGGER["paths"][path][method]["parameters"] if each["in"] == "path")  # fmt: skip


def test_policies_and_the_test_of_the_connection_name_operations_that_there_are() -> None:
    names = {SWAGGER["paths"][path][method]["operationId"] for path, method in LISTED}
    for policy in PROPERTIES["policyTemplateInstances"]:
        assert set(policy["parameters"].get("x-ms-apimTemplate-operationName", [])) <= names
    assert SWAGGER["x-ms-capabilities"]["testConnection"]["operationId"] in names
    [key] = PROPERTIES["connectionParameters"]
    assert [*SWAGGER["securityDefinitions"]] == [key]
    assert f"connectionParameters('{key}')" in json.dumps(PROPERTIES["policyTemplateInstances"])


def test_spectral_finds_nothing_but_tags_which_connectors_do_not_show() -> None:
    ruleset = HERE / "spectral_connector.yaml"
    run(TOOLS / "spectral", "lint", DEFINITION, "--ruleset", ruleset, "--fail-severity", "hint")


@pytest.mark.parametrize(
    ("schema", "file"),
    [
        ("apiDefinition.swagger.schema.json", "apiDefinition.swagger.json"),
        ("paconn-apiProperties.schema.json", "apiProperties.json"),
    ],
)
def test_the_published_schemas_take_it(schema: str, file: str) -> None:
    if MICROSOFT is None:
        pytest.skip("HEED_TEST_CONNECTOR_SCHEMAS names no folder with Microsoft's schemas")
    found = published_schema(Path(MICROSOFT) / schema)
    errors = jsonschema_rs.validator_for(found).iter_errors(json.loads((CONNECTOR / file).read_text(encoding="utf-8")))
    assert [(list(error.instance_path), error.message) for error in errors] == []


def published_schema(path: Path) -> Any:
    """Read a schema without its comments. Names with `<` are no references, as RFC 3986 has them."""
    text = re.sub(r'("(?:[^"\\]|\\.)*")|//[^\n]*', lambda part: part[1] or "", path.read_text(encoding="utf-8"))
    return json.loads(text.replace("<", "(").replace(">", ")"))
