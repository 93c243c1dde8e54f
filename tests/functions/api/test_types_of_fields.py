"""What every field of every request refuses: times that are none, words in place of numbers, of true and of false."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from tests.support.described import Field, Operation, alternatives, fields, operations, told_errors
from tests.support.heed import Heed

NO_TIMES = [
    1798761600,
    1798761600.5,
    True,
    "1798761600",
    "20300101",
    "2030-01-01",
    "2030-01-01T00:00",
    "2030-01-01T00:00:00",
    "2030-01-01 00:00:00Z",
    "2030-01-01T00:00:00 02:00",
    "2030-13-01T00:00:00Z",
    "2030-W01-1T00:00:00Z",
    "٢٠٣٠-01-01T00:00:00Z",
    "tomorrow",
    "",
    "0001-01-01T00:00:00+14:00",
    "1969-12-31T23:59:59Z",
    "2201-01-01T00:00:00Z",
    "2200-12-31T23:59:59-00:01",
    "9999-12-31T23:30:00Z",
    "9999-12-31T23:59:59-01:00",
]
NO_FLAGS = ["true", "false", "1", 1, 0, "yes", "on", ""]
NO_NUMBERS = ["5", "5.0", "", True, "1e3"]

TIMES = [field for field in fields() if field.schema.get("format") == "date-time"]
FLAGS = [field for field in fields() if field.schema.get("type") == "boolean"]
NUMBERS = [field for field in fields() if field.schema.get("type") in ("integer", "number")]


def parameters(kind: str, name: str) -> list[tuple[Operation, str]]:
    return [
        (operation, each["name"])
        for operation in operations()
        for each in operation.parameters
        if any(schema.get(name) == kind for schema in alternatives(each["schema"]))
    ]


async def refused(heed: Heed, field: Field, value: Any) -> str:
    """What is said of that field."""
    answer = await field.operation.call(heed, field.body(value))
    said = [text for place, text in told_errors(answer) if tuple(place[: len(field.place)]) == field.place]
    assert said, (str(field), value, answer.body)
    return str(said[0])


def test_there_are_fields_of_each_kind() -> None:
    assert {str(field) for field in TIMES} >= {
        "make_message:deliver_at",
        "make_message:reminder.at",
        "put_schedule:deliver_at",
        "mark_sent:sent_at",
        "patch_attachment:expires_at",
        "snooze_card:until",
    }
    assert {str(field) for field in FLAGS} >= {"make_message:follow", "opt_in_users:opt_in"}
    assert {str(field) for field in NUMBERS} >= {"put_organization:settings.raw_days", "render_template:version"}
    assert {name for _, name in parameters("date-time", "format")} == {
        "now",
        "sent_after",
        "sent_before",
        "updated_since",
    }
    assert {name for _, name in parameters("integer", "type")} == {"limit", "version", "days"}


@pytest.mark.parametrize("field", TIMES, ids=str)
async def test_a_time_is_a_string_of_rfc_3339_within_the_years_that_are_taken(heed: Heed, field: Field) -> None:
    for value in NO_TIMES:
        said = await refused(heed, field, value)
        assert "RFC 3339" in said
        assert "1970-01-01T00:00:00Z" in said
        assert "2200-12-31T23:59:59Z" in said


@pytest.mark.parametrize("field", TIMES, ids=str)
async def test_a_good_time_is_taken_wherever_a_time_is(heed: Heed, field: Field) -> None:
    for value in ("1970-01-01T00:00:00Z", "2200-12-31T23:59:59.999Z", "2201-01-01t00:30:00.5+01:00"):
        answer = await field.operation.call(heed, field.body(value))
        errors = answer.json.get("errors", []) if answer.status == 422 else []
        assert not [each for each in errors if "RFC 3339" in each["msg"]], answer.body


@pytest.mark.parametrize("field", FLAGS, ids=str)
async def test_true_and_false_are_no_words_and_no_numbers(heed: Heed, field: Field) -> None:
    for value in NO_FLAGS:
        await refused(heed, field, value)


@pytest.mark.parametrize("field", NUMBERS, ids=str)
async def test_a_number_is_no_text(heed: Heed, field: Field) -> None:
    for value in NO_NUMBERS + ([5.0] if field.schema["type"] == "integer" else []):
        await refused(heed, field, value)


@pytest.mark.parametrize(
    ("values", "kind", "name"),
    [
        ([each for each in NO_TIMES if each != ""], "date-time", "format"),
        (["True", "1", "0", "yes", "on", "t"], "boolean", "type"),
        (["5.0", " 5", "+5", "1_0", "five", "0x5", "٥", "9" * 5000], "integer", "type"),
    ],
)
async def test_a_query_string_says_it_in_one_way_alone(heed: Heed, values: list[Any], kind: str, name: str) -> None:
    for operation, parameter in parameters(kind, name):
        for value in values:
            answer = await operation.call(heed, query=f"?{parameter}={quote(str(value))}")
            locs = [each["loc"] for each in answer.json["errors"]]
            assert (answer.status, ["query", parameter] in locs) == (422, True), (operation.name, value, answer.body)


@pytest.mark.parametrize(
    ("method", "path", "body", "places"),
    [
        ("GET", "/messages?sort=size", None, [["query", "sort"]]),
        ("GET", "/messages?view=mine", None, [["query", "view"]]),
        ("POST", "/users/opt-in", {"users": "some", "opt_in": True}, [["users"], ["users"]]),
        ("POST", "/users/opt-in", {"users": ["rep1", 5], "opt_in": True}, [["users", 1], ["users"]]),
        (
            "PUT",
            "/rules/r1",
            {"when": {"subject": "x"}, "create": {"type": "task", "fields": {"due": 5}}},
            [["create", "fields", "due"]],
        ),
        ("POST", "/messages", {"from": "rep1", "to": [{"email": "a@b.example", "list[x]": 1}]}, [["to", 0, "list[x]"]]),
    ],
)
async def test_a_place_names_fields_alone_and_no_type_of_them(
    heed: Heed, method: str, path: str, body: Any, places: list[list[str | int]]
) -> None:
    answer = await heed.api(method, path, body)

    assert answer.status == 422
    assert [each["loc"] for each in answer.json["errors"]] == places
    assert "constrained" not in answer.json["detail"]
    assert "Extra inputs" not in answer.json["detail"]
