"""Quiet hours and digests go by the user's own clock."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from lib.alerts.times import next_digest, quiet_until
from lib.people.alert_choices import DigestChoice, QuietHours

NIGHT = QuietHours(start="20:00", end="07:00")


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "until"),
    [
        ("2026-05-04T17:59", None),  # 19:59 in Vienna
        ("2026-05-04T18:00", "2026-05-05T05:00"),
        ("2026-05-05T04:59", "2026-05-05T05:00"),
        ("2026-05-05T05:00", None),
        ("2026-03-28T22:00", "2026-03-29T05:00"),  # clocks are set forward in that night
        ("2026-10-24T22:00", "2026-10-25T06:00"),  # and back in this one
    ],
)
def test_quiet_hours_end_in_the_morning_of_the_users_zone(now: str, until: str | None) -> None:
    assert quiet_until(NIGHT, "Europe/Vienna", utc(now)) == (utc(until) if until else None)


def test_quiet_hours_may_lie_within_a_day_and_may_be_none() -> None:
    noon = QuietHours(start="12:00", end="13:00")

    assert quiet_until(noon, "UTC", utc("2026-05-04T12:30")) == utc("2026-05-04T13:00")
    assert quiet_until(noon, "UTC", utc("2026-05-04T13:00")) is None
    assert quiet_until(None, "UTC", utc("2026-05-04T12:30")) is None


@pytest.mark.parametrize(
    ("now", "at"),
    [
        ("2026-05-04T05:59", "2026-05-04T06:00"),  # Monday, 8:00 in Vienna
        ("2026-05-04T06:00", "2026-05-05T06:00"),
        ("2026-05-08T06:00", "2026-05-11T06:00"),  # Friday: Monday is next
        ("2026-03-27T07:00", "2026-03-30T06:00"),  # summer time begins between the two
    ],
)
def test_a_digest_comes_on_the_days_that_were_chosen(now: str, at: str) -> None:
    assert next_digest(DigestChoice(at="08:00"), "Europe/Vienna", utc(now)) == utc(at)


def test_a_digest_at_an_hour_that_clocks_show_twice_comes_once() -> None:
    twice = DigestChoice(at="02:30", days=[7])
    first = next_digest(twice, "Europe/Vienna", utc("2026-10-24T12:00"))

    assert first == utc("2026-10-25T00:30")
    assert next_digest(twice, "Europe/Vienna", first) == utc("2026-11-01T01:30")


def test_a_digest_at_an_hour_that_clocks_skip_comes_when_they_are_set() -> None:
    skipped = DigestChoice(at="02:30", days=[7])

    assert next_digest(skipped, "Europe/Vienna", utc("2026-03-28T12:00")) == utc("2026-03-29T01:00")
