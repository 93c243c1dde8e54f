"""Nothing in a request is without end, and what is refused costs little."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from functions.api.endpoint import LARGEST_BODY
from functions.api.json_bodies import MOST_VALUES
from tests.support.described import Field, Schema, alternatives, fields, operations, told_errors
from tests.support.heed import ADMIN_KEY, Heed, Response

LISTS = [field for field in fields() if field.schema.get("type") == "array"]
STRINGS = [field for field in fields() if field.schema.get("type") == "string"]
OBJECTS = [
    field
    for field in fields()
    # What a rule makes has the fields of that type, which are checked as a whole.
    if field.schema.get("type") == "object" and field.schema.get("additionalProperties") is not True
]


def is_bounded(schema: Schema) -> bool:
    if {"maxLength", "enum", "const", "format"} & schema.keys():
        return True
    # `*`, `+` and `{3,}` have no end.
    return not re.search(r"(?<!\\)[*+]|,\}", re.sub(r"\[[^\]]*\]", "", schema.get("pattern", "*")))


async def post(heed: Heed, path: str, body: bytes) -> Response:
    return await heed.api("POST", path, body, x_heed_user="rep1")


@pytest.mark.parametrize("field", LISTS, ids=str)
async def test_every_list_has_a_most(heed: Heed, field: Field) -> None:
    most = field.schema["maxItems"]

    answer = await field.operation.call(heed, field.body([None] * (most + 1)))

    assert any(tuple(place[: len(field.place)]) == field.place for place, _ in told_errors(answer))


@pytest.mark.parametrize("field", STRINGS, ids=str)
def test_every_string_has_a_longest(field: Field) -> None:
    assert is_bounded(field.schema), field.schema


@pytest.mark.parametrize("field", OBJECTS, ids=str)
async def test_every_object_says_which_keys_it_has(heed: Heed, field: Field) -> None:
    answer = await field.operation.call(heed, field.body({"nonsense": 1}))

    assert [*field.place, "nonsense"] in [place for place, _ in told_errors(answer)]


def test_every_string_of_a_query_has_a_longest() -> None:
    unbounded = [
        (operation.name, each["name"])
        for operation in operations()
        for each in operation.parameters
        for schema in alternatives(each["schema"])
        if schema.get("type") == "string" and not is_bounded(schema)
    ]
    assert unbounded == []


async def test_the_first_fifty_errors_are_told_and_how_many_more_there_are(heed: Heed) -> None:
    body = json.dumps({f"x{number}": 0 for number in range(3_000)}).encode()

    answer = await post(heed, "/messages", body)

    assert answer.status == 422
    assert len(answer.json["errors"]) == 50
    assert "(2950 more)" not in answer.json["detail"]
    assert "(3000 more)" in answer.json["detail"]  # `from` is missing, too
    assert len(answer.body) < 10_000


@pytest.mark.parametrize("count", [MOST_VALUES + 10, 300_000])
async def test_of_very_many_unknown_keys_the_first_fifty_are_told(heed: Heed, count: int) -> None:
    body = json.dumps({f"x{number}": 0 for number in range(count)}).encode()

    answer = await post(heed, "/messages", body)

    assert answer.status == 422
    assert "20,000 values" in answer.json["detail"]
    assert [each["loc"] for each in answer.json["errors"]] == [[f"x{number}"] for number in range(50)]


@pytest.mark.parametrize(
    "body",
    [
        b'{"to":[' + b",".join([b'{"email":"ada@example.com","name":"Ada"}'] * 30_000) + b"]}",
        b'{"to":[' + b"1," * 100_000 + b"1]}",
        b"[" * 100_000,
        b'{"a":' * 30_000,
        b'{"a":[' + b"{}," * 60_000 + b"{}]}",
        b"{" + b'"a":1,' * 60_000 + b'"a":1}',
        b"{" + b'"\\\\":1,' * 60_000 + b'"a":1}',
        b'{"subject":"' + b'","' * 100_000 + b'"}',
        b"1," * 100_000,
    ],
    ids=lambda body: body[:12].decode(),
)
async def test_very_many_values_are_refused_whatever_they_are(heed: Heed, body: bytes) -> None:
    answer = await post(heed, "/messages", body)

    assert answer.status == 422
    assert "20,000 values" in answer.json["detail"]
    assert 1 <= len(answer.json["errors"]) <= 50
    assert len(answer.body) < 10_000


async def test_what_stands_in_strings_is_not_counted(heed: Heed) -> None:
    html = '<p style="a:b,c">[{,:\\" \\\\ NaN Infinity é 🦀</p>\n' * 10_000

    message = await heed.draft(html=html, text="\\" * 50_001 + '"')

    assert (await heed.get(f"/messages/{message}"))["html"] == html


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        (b'{"from":"rep1","subject":"\\ud800"}', 400, "not JSON"),
        (b'{"from":"rep1","subject":"\\udc00x"}', 400, "not JSON"),
        (b'{"from":"rep1","subject":"x\\ud83dx"}', 400, "not JSON"),
        (b'{"from":"rep1","\\ud800":1}', 400, "not JSON"),
        (b'{"from":"rep1","subject":"\xed\xa0\x80"}', 400, "not JSON"),
        (b'{"from":"rep1","subject":"\xff"}', 400, "not JSON"),
        (b'{"from":NaN}', 400, "NaN"),
        (b'{"from":"rep1","follow":-Infinity}', 400, "Infinity"),
        (b"[" * 500 + b"]" * 500, 400, "not JSON"),
        (b'{"from":' + b"9" * 5_000 + b"}", 400, "not JSON"),
        (b"\xef\xbb\xbf\xef\xbb\xbf{}", 400, "not JSON"),
        (b"nul", 400, "not JSON"),
        (b"[]", 422, "object"),
        (b"null", 422, "object"),
        (b'"x"', 422, "object"),
    ],
)
async def test_what_is_no_json_or_no_text_is_named(heed: Heed, body: bytes, status: int, said: str) -> None:
    answer = await post(heed, "/messages", body)

    assert (answer.status, said in answer.json["detail"]) == (status, True), answer.body


async def test_a_pair_of_surrogates_is_one_character(heed: Heed) -> None:
    answer = await post(heed, "/messages", b'{"from":"rep1","subject":"\\ud83e\\udd80"}')

    assert (answer.status, answer.json["subject"]) == (201, "🦀")


async def test_a_long_key_is_not_sent_back_whole(heed: Heed) -> None:
    answer = await post(heed, "/messages", json.dumps({"k" * 100_000: 1}).encode())

    assert answer.status == 422
    assert len(answer.body) < 2_000


async def test_a_body_is_as_large_as_its_endpoint_needs(heed: Heed) -> None:
    long = "x" * LARGEST_BODY

    refused = await heed.api("PUT", "/users/rep1", {"email": "rep@acme.example", "name": long})
    assert (refused.status, f"{LARGEST_BODY}" in refused.json["detail"]) == (413, True)
    assert (await heed.api("POST", "/messages", {"from": "rep1", "html": long})).status == 201
    whole = {"name": "T", "language": "en", "html": "\u0416" * 200_000, "text": "\u0416" * 50_000}
    assert (await heed.api("PUT", "/templates/t1", whole)).status == 201


async def test_as_many_users_as_a_call_takes_can_opt_in(heed: Heed) -> None:
    users = [f"{number:03d}" * 33 for number in range(1000)]

    assert (await heed.post("/users/opt-in", {"users": users, "opt_in": True}))["changed"] == 0
    assert (await heed.api("POST", "/users/opt-in", {"users": [*users, "x"], "opt_in": True})).status == 422


@pytest.mark.parametrize("body", [b"{", b"x" * (LARGEST_BODY + 1), b'{"a":1,' * 1000, b"\xff"])
@pytest.mark.parametrize("key", [None, "x", "acme." + "0" * 32 + "." + "A" * 43])
async def test_the_key_is_looked_at_before_the_body(heed: Heed, key: str | None, body: bytes) -> None:
    async def status(method: str, path: str, key: str | None) -> Any:
        return (await heed.request(method, path, body, key=key, headers={"x-heed-user": "rep1"})).status

    assert await status("POST", "/api/orgs/acme/messages", key) == 401
    assert await status("PUT", "/api/orgs/acme", key) == 401
    assert await status("POST", "/api/orgs/acme/messages", ADMIN_KEY) == 403
