from __future__ import annotations

from datetime import UTC, datetime

import pytest

from lib.console.local_times import local_text, read_local

VIENNA = "Europe/Vienna"


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2026-05-04T09:30", datetime(2026, 5, 4, 7, 30, tzinfo=UTC)),
        ("2026-01-04T09:30:15", datetime(2026, 1, 4, 8, 30, 15, tzinfo=UTC)),
        ("2026-10-25T02:30", datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),  # comes twice
        ("2026-03-29T02:30", datetime(2026, 3, 29, 1, 30, tzinfo=UTC)),  # does not come
    ],
)
def test_a_time_is_read_on_the_clock_of_the_zone(text: str, at: datetime) -> None:
    assert read_local(text, VIENNA) == at


def test_no_time_is_none() -> None:
    assert read_local("", VIENNA) is None
    assert local_text(None, VIENNA) == ""


@pytest.mark.parametrize(
    "text", ["tomorrow", "2026-05-04T09:30Z", "0001-01-01T00:00", "9999-12-31T23:59", "1970-01-01T00:00"]
)
def test_what_is_no_time_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w+ \w+"):
        read_local(text, VIENNA)


def test_what_is_written_is_read_again() -> None:
    at = datetime(2026, 5, 4, 7, 30, tzinfo=UTC)
    assert local_text(at, VIENNA) == "2026-05-04T09:30"
    assert read_local(local_text(at, "America/New_York"), "America/New_York") == at
