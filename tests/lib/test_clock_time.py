"""Times of day, as each language writes them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from lib.languages import LANGUAGES, clock_time

MORNING, MIDNIGHT = datetime(2026, 5, 4, 9, 5, tzinfo=UTC), datetime(2026, 5, 4, tzinfo=UTC)


@pytest.mark.parametrize("language", LANGUAGES)
def test_hours_have_a_zero_in_front_where_the_language_writes_one(language: str) -> None:
    expected = {"de": "09:05", "fr": "09:05", "it": "09:05"}.get(language, "9:05")

    assert clock_time(MORNING, language) == expected  # type: ignore[arg-type]
    assert clock_time(MORNING.replace(hour=19), language) == "19:05"  # type: ignore[arg-type]


def test_a_day_begins_at_nought() -> None:
    assert clock_time(MIDNIGHT) == "0:00"
