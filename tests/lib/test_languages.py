"""Times of day as each language writes them, and lists of names that cannot be misread."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from lib.languages import LANGUAGES, clock_time, enumerated, side_by_side

MORNING, MIDNIGHT = datetime(2026, 5, 4, 9, 5, tzinfo=UTC), datetime(2026, 5, 4, tzinfo=UTC)


@pytest.mark.parametrize("language", LANGUAGES)
def test_hours_have_a_zero_in_front_where_the_language_writes_one(language: str) -> None:
    expected = {"de": "09:05", "fr": "09:05", "it": "09:05"}.get(language, "9:05")

    assert clock_time(MORNING, language) == expected  # type: ignore[arg-type]
    assert clock_time(MORNING.replace(hour=19), language) == "19:05"  # type: ignore[arg-type]


def test_a_day_begins_at_nought() -> None:
    assert clock_time(MIDNIGHT) == "0:00"


@pytest.mark.parametrize(
    ("names", "most", "text"),
    [
        ([], None, ""),
        (["Meier, Anna"], None, "Meier, Anna"),
        (["Ada", "Bob", "Eve"], None, "Ada, Bob and Eve"),
        (["Ada", "Bob", "Eve"], 1, "Ada and 2 more"),
        (["Meier, Anna", "Bob"], None, "Meier, Anna; and Bob"),
        (["Meier, Anna", "Bob", "Eve"], 2, "Meier, Anna; Bob; and 1 more"),
        (["Anna; Bob", "Eve"], None, "“Anna; Bob”; and Eve"),
    ],
)
def test_no_name_of_a_list_reads_as_two(names: list[str], most: int | None, text: str) -> None:
    assert enumerated(names, most) == text


def test_names_side_by_side_have_commas_between_them_only_where_none_holds_one() -> None:
    assert side_by_side(["Ada", "Bob"]).separator == ", "
    assert side_by_side(["Ada", "Acme, Inc."]).separator == "; "
