"""Codes of errors: stable words, in every problem and for every field, which the catalogue explains."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from functions.api.field_errors import SENTENCES
from functions.api.problem_kinds import FIELD_KINDS, PROBLEM_KINDS, FieldCode, ProblemCode
from functions.endpoints import ENDPOINTS
from tests.support.described import Field, fields, operations
from tests.support.heed import ADMIN_KEY, BASE_URL, Heed, Response

_ERRORS_OF = {
    "any": set[str](),
    "bool": {"bool_type", "bool_parsing"},
    "default": set[str](),
    "definition-ref": set[str](),
    "definitions": set[str](),
    "dict": {"dict_type", "too_short", "too_long"},
    "float": {"float_type", "float_parsing", "finite_number"},
    "function-after": {"value_error"},
    "function-before": {"value_error"},
    "function-plain": {"value_error"},
    "function-wrap": {"value_error"},
    "int": {"int_type", "int_parsing", "int_from_float", "int_parsing_size"},
    "list": {"list_type", "too_short", "too_long"},
    "literal": {"literal_error"},
    "model": {"model_type", "model_attributes_type"},
    "model-field": {"missing"},
    "model-fields": {"extra_forbidden"},
    "no-info": set[str](),
    "nullable": set[str](),
    "str": {"string_type", "string_unicode", "string_too_short", "string_too_long", "string_pattern_mismatch"},
    "union": set[str](),
    "with-info": set[str](),
}
"""The errors that each node of pydantic's schemas can raise. Source: pydantic's "Validation Errors"."""

_BOUNDS = {"ge": "greater_than_equal", "gt": "greater_than", "le": "less_than_equal", "lt": "less_than"}

_NONSENSE: tuple[Any, ...] = (
    None,
    5,
    5.5,
    -1,
    10**30,
    "",
    "x",
    "x" * 3000,
    True,
    [],
    [5],
    ["x"] * 3000,
    {},
    {"nonsense": 1},
)
_OF_PYDANTIC = re.compile(r"[Ii]nput|valid (string|list|integer|boolean|dictionary)|[Ff]ield required|Extra|pydantic")


def _errors_in(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        kind = node.get("type")
        if isinstance(kind, str):
            yield from _ERRORS_OF[kind]
            yield from (error for bound, error in _BOUNDS.items() if bound in node)
        inner = {"metadata", "serialization", "default", "config", "expected", "cls", "ref", "type"}
        for name, value in node.items():
            if name not in inner:
                yield from _errors_in(value)
    elif isinstance(node, list):
        for each in node:
            yield from _errors_in(each)


def _models() -> set[type[BaseModel]]:
    return {model for each in ENDPOINTS.values() for model in (each.body, each.query) if model is not None}


@pytest.mark.parametrize("model", sorted(_models(), key=str), ids=str)
def test_every_error_that_a_model_can_raise_has_a_sentence_of_ours(model: type[BaseModel]) -> None:
    assert set(_errors_in(model.__pydantic_core_schema__)) <= set(SENTENCES)


def _looked_at() -> list[Field]:
    """One field for each shape: the same field of several endpoints is checked by the same model."""
    by_shape = {json.dumps([each.place[-1], each.schema], sort_keys=True, default=str): each for each in fields()}
    return list(by_shape.values())


@pytest.mark.parametrize("field", _looked_at(), ids=str)
async def test_no_value_of_a_field_is_answered_in_the_words_of_a_library(heed: Heed, field: Field) -> None:
    for value in _NONSENSE:
        answer = await field.operation.call(heed, field.body(value))
        if answer.status == 422:
            for each in answer.json["errors"]:
                assert not _OF_PYDANTIC.search(each["msg"]), (value, each)
                assert each["code"] in FIELD_KINDS


async def test_no_parameter_is_answered_in_the_words_of_a_library(heed: Heed) -> None:
    for operation in operations():
        for parameter in operation.parameters:
            for value in ("", "x", "5", "99999999999999999999", "x" * 3000, "%00", "true"):
                answer = await operation.call(heed, query=f"?{parameter['name']}={value}")
                for each in answer.json.get("errors", []) if answer.status == 422 else []:
                    assert not _OF_PYDANTIC.search(each["msg"]), (operation.name, value, each)


@pytest.mark.parametrize(
    ("body", "loc", "code", "message"),
    [
        ({}, ["from"], "missing", "this field is needed"),
        ({"from": 5}, ["from"], "wrong_type", "a text is needed here"),
        ({"from": "rep1", "follow": "yes"}, ["follow"], "wrong_type", "true or false is needed here"),
        ({"from": "rep1", "to": {}}, ["to"], "wrong_type", "a list is needed here"),
        ({"from": "rep1", "to": [5]}, ["to", 0], "wrong_type", "an object is needed here"),
        ({"from": "r" * 200}, ["from"], "wrong_format", None),
        ({"from": "rep1", "subject": "s" * 999}, ["subject"], "too_long", "the text has at most 998 characters"),
        (
            {"from": "rep1", "metadata": {"a b": "c"}},
            ["metadata", "a b"],
            "wrong_format",
            "dots, hyphens and underscores",
        ),
        ({"from": "rep1", "template": "../x"}, ["template"], "wrong_format", "begins with a letter or a digit"),
        ({"from": "rep1", "in_reply_to": "x"}, ["in_reply_to"], "wrong_format", "32 digits and letters from a to f"),
        (
            {"from": "rep1", "attachments": [{"filename": "", "content": "QQ=="}]},
            ["attachments", 0, "filename"],
            "too_short",
            "the text has at least 1 character",
        ),
        ({"from": "rep1", "subjet": "s"}, ["subjet"], "unknown_field", "there is no such field; did you mean subject?"),
        ({"from": "rep1", "deliverAt": None}, ["deliverAt"], "unknown_field", "did you mean deliver_at?"),
        ({"sendr": "rep1"}, ["sendr"], "unknown_field", "did you mean send?"),
        ({"from": "rep1", "to": [{"mail": "a@b.example"}]}, ["to", 0, "mail"], "unknown_field", "mean email?"),
        ({"from": "rep1", "nothing_like_it": 1}, ["nothing_like_it"], "unknown_field", "there is no such field"),
        (
            {"from": "rep1", "reminder": {"titel": "T", "condition": "sometimes", "at": "2026-05-20T09:00:00Z"}},
            ["reminder", "titel"],
            "unknown_field",
            "did you mean title?",
        ),
    ],
)
async def test_a_field_says_what_is_wrong_with_it(
    heed: Heed, body: Any, loc: list[str | int], code: str, message: str | None
) -> None:
    answer = await heed.api("POST", "/messages", body)

    [error] = [each for each in answer.json["errors"] if each["loc"] == loc]
    assert error["code"] == code
    assert message is None or error["msg"].endswith(message)


async def test_an_unknown_parameter_gets_a_suggestion_too(heed: Heed) -> None:
    answer = await heed.api("GET", "/messages?limits=5")

    assert answer.json["detail"] == "query.limits: there is no such field; did you mean limit?"


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b"", "A body in JSON is needed here."),
        (b'{"from": ', "The body is not JSON: it ends before it is complete, at line 1 column 9."),
    ],
)
async def test_a_body_that_is_cut_off_or_missing_is_answered_in_plain_words(
    heed: Heed, body: bytes, detail: str
) -> None:
    assert (await heed.api("POST", "/messages", body)).json["detail"] == detail


async def test_a_text_of_several_lines_that_is_too_long_is_told_in_characters(heed: Heed) -> None:
    user = {"email": "rep@acme.example", "signature": "s" * 2001}
    [error] = (await heed.api("PUT", "/users/rep1", user)).json["errors"]

    assert error == {"loc": ["signature"], "code": "too_long", "msg": "the text has at most 2000 characters"}


async def test_metadata_that_are_too_long_are_named(heed: Heed) -> None:
    answer = await heed.api("POST", "/messages", {"from": "rep1", "metadata": {"deal": "17", "notes": "x" * 501}})

    assert answer.json["detail"] == "metadata: a value has at most 500 characters, and that of notes has more"


async def test_a_time_of_day_is_asked_for_by_an_example(heed: Heed) -> None:
    answer = await heed.api("PUT", "/users/rep1/alerts", {"digest": {"at": "8:00"}})

    assert answer.json["detail"] == "digest.at: hours and minutes are needed here, such as 08:30"


async def test_a_choice_names_what_is_taken(heed: Heed) -> None:
    answer = await heed.api("GET", "/cards?status=closed", x_heed_user="rep1")

    assert answer.json["errors"] == [
        {
            "loc": ["query", "status"],
            "code": "not_one_of",
            "msg": "one of these is needed here: 'open', 'snoozed' or 'done'",
        }
    ]


async def _problems(heed: Heed) -> dict[str, Response]:
    message = await heed.draft()
    large = b'"' + b"x" * 300_000 + b'"'
    await heed.api("POST", "/messages", {"from": "rep1"}, idempotency_key="k")
    return {
        "unknown_cursor": await heed.api("GET", "/users?cursor=x"),
        "malformed_body": await heed.api("PUT", "/users/u", b"{"),
        "malformed_header": await heed.api("GET", "/users/rep1", if_match="x"),
        "acting_user_missing": await heed.api("GET", "/cards"),
        "key_missing": await heed.request("GET", "/api/orgs/acme"),
        "key_unknown": await heed.request("GET", "/api/orgs/acme", key="wrong"),
        "token_refused": await heed.request("GET", "/api/orgs/acme", key="eyJhbGciOiJSUzI1NiJ9.e30.c2ln"),
        "forbidden": await heed.request("GET", "/api/orgs/acme/users", key=ADMIN_KEY),
        "not_found": await heed.api("GET", "/users/unknown"),
        "unknown_path": await heed.api("GET", "/nothing"),
        "method_not_allowed": await heed.request("POST", "/api/health"),
        "wrong_state": await heed.api("POST", f"/messages/{message}/resolve", {"as": "sent"}),
        "version_mismatch": await heed.api("PATCH", "/users/rep1", {}, if_match='"x"'),
        "too_large": await heed.api("PUT", "/users/u", large),
        "not_json": await heed.api("PUT", "/users/u", {}, content_type="text/plain"),
        "invalid": await heed.api("PUT", "/users/u", {}),
        "idempotency_key_reused": await heed.api(
            "POST", "/messages", {"from": "rep1", "subject": "S"}, idempotency_key="k"
        ),
    }


async def test_every_problem_has_the_code_of_its_kind_and_leads_to_the_catalogue(heed: Heed) -> None:
    page = (await heed.request("GET", "/api/errors")).body.decode()

    for code, answer in (await _problems(heed)).items():
        body = answer.json
        kind = PROBLEM_KINDS[body["code"]]
        assert (body["code"], answer.status) == (code, kind.status), body
        assert body["type"] == f"{BASE_URL}/api/errors#{code}"
        assert f'id="{code}"' in page


async def test_the_catalogue_explains_every_code_and_loads_nothing_but_its_styles(heed: Heed) -> None:
    answer = await heed.request("GET", "/api/errors")
    page = answer.body.decode()

    for code in get_args(ProblemCode):
        assert PROBLEM_KINDS[code].title in page
    for code in get_args(FieldCode):
        assert FIELD_KINDS[code] in page
    assert answer.headers["content-type"].startswith("text/html")
    assert "<script" not in page
    assert "<style" not in page
    [style] = re.findall(r'<link [^>]*href="([^"]+)"', page)
    assert "unsafe-inline" not in answer.headers["content-security-policy"]
    assert (await heed.request("GET", style)).headers["content-type"].startswith("text/css")


async def test_a_replayed_answer_says_so(heed: Heed) -> None:
    first, again = [await heed.api("POST", "/messages", {"from": "rep1"}, idempotency_key="k") for _ in range(2)]

    assert "idempotency-replayed" not in first.headers
    assert (again.headers["idempotency-replayed"], again.body) == ("true", first.body)


@pytest.mark.parametrize("name", ["x" * 10_000, "a\r\nb: c", "é" * 5000, "{error}", "%s", "<script>"])
async def test_a_hostile_name_of_a_field_does_no_harm(heed: Heed, name: str) -> None:
    answer = await heed.api("POST", "/messages", {"from": "rep1", name: 1})

    assert (answer.status, answer.json["errors"][0]["code"]) == (422, "unknown_field")
    assert len(answer.body) < 2000


@pytest.mark.parametrize("name", ["x" * 10_000, "a%0d%0aSet-Cookie:b", "é" * 3000, "..", "%00"])
async def test_a_hostile_id_is_not_found_and_not_told_back(heed: Heed, name: str) -> None:
    answer = await heed.api("GET", f"/users/{name}")

    assert (answer.status, answer.json["code"] in ("not_found", "unknown_path")) == (404, True)
    assert len(answer.body) < 1000
    assert "set-cookie" not in answer.headers
