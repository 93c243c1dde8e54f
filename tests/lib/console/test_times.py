"""Times are told as people do, on the clock of the one who reads."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from lib.console.times import Times, counted, duration

NOW = datetime(2026, 5, 5, 22, 30, tzinfo=UTC)
VIENNA = Times(NOW, "Europe/Vienna")
"""Where it is half past midnight already, on Wednesday."""


@pytest.mark.parametrize(
    ("before", "told"),
    [
        (timedelta(), "today at 0:30"),
        (timedelta(hours=1), "yesterday at 23:30"),
        (-timedelta(days=1), "tomorrow at 0:30"),
        (timedelta(days=7), "Wed 29 Apr, 0:30"),
        (timedelta(days=400), "Tue 1 Apr 2025, 0:30"),
    ],
)
def test_days_are_those_of_the_readers_clock(before: timedelta, told: str) -> None:
    assert VIENNA.moment(NOW - before) == told


def test_the_exact_time_names_its_zone() -> None:
    assert VIENNA.exact(NOW) == "Wed 6 May 2026, 0:30:00 (Europe/Vienna)"


def test_lengths_have_one_unit() -> None:
    lengths = [timedelta(seconds=1), timedelta(seconds=90), timedelta(hours=5), timedelta(days=3)]
    assert [duration(each) for each in lengths] == ["1 second", "1 minute", "5 hours", "3 days"]


def test_the_age_of_a_month_is_told_in_months() -> None:
    assert [VIENNA.age_of(month) for month in ("2026-05", "2026-04-30", "2025-05")] == [
        "this month",
        "1 month",
        "12 months",
    ]


def test_numbers_have_their_noun() -> None:
    assert [counted(1, "reply", "replies"), counted(2, "reply", "replies")] == ["1 reply", "2 replies"]
    assert counted(1200, "open") == "1,200 opens"
