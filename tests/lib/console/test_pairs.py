"""Pairs and named values as people type them."""

from __future__ import annotations

from typing import Any

import pytest

from lib.console.pairs import read_named, read_pairs, write_named, write_pairs


@pytest.mark.parametrize(
    "pairs",
    [
        [("INBOX", ""), ("INBOX/Deals", "opportunity/o1")],
        [("a => b", ""), ("a => b", "case/1"), ("=>", ""), ("x =>", "y")],
        [],
    ],
)
def test_pairs_are_read_as_they_were_written(pairs: list[tuple[str, str]]) -> None:
    assert read_pairs(write_pairs(pairs)) == pairs


def test_what_has_no_arrow_is_one_part() -> None:
    assert read_pairs("  INBOX \r\n\r\nSent Items\nA b  =>  case") == [
        ("INBOX", ""),
        ("Sent Items", ""),
        ("A b", "case"),
    ]


@pytest.mark.parametrize(
    "values",
    [
        {"title": "Call: at once", "due_in_hours": 24},
        {
            "text": "two\nlines",
            "user": "7",
            "emails": ["a@example.com"],
            "name": " spaced ",
            "none": None,
            "no": "true",
        },
        {"quoted": '"x"', "empty": "", "brace": "{x}"},
        {},
    ],
)
def test_named_values_are_read_as_they_were_written(values: dict[str, Any]) -> None:
    assert read_named(write_named(values)) == values
