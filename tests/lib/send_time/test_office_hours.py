"""Working time at a place: zones, days, holidays, and clocks that are set forward and back."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import pytest

from lib.send_time.office_hours import OfficeHours, are_holidays_known, holidays_of, moments_of, working_days_of

VIENNA = ZoneInfo("Europe/Vienna")


def office(
    zone: str,
    *,
    days: tuple[int, ...] = (1, 2, 3, 4, 5),
    start: str = "08:00",
    end: str = "17:00",
    country: str | None = None,
    subdivision: str | None = None,
) -> OfficeHours:
    holiday = holidays_of(country, subdivision)
    return OfficeHours(ZoneInfo(zone), frozenset(days), time.fromisoformat(start), time.fromisoformat(end), holiday)


def next_start(hours: OfficeHours, now: str) -> str | None:
    found = hours.next_working_moment(datetime.fromisoformat(now))
    return found.astimezone(UTC).isoformat() if found else None


@pytest.mark.parametrize(
    ("zone", "now", "expected"),
    [
        ("Asia/Kolkata", "2026-05-02T21:40:00+00:00", "2026-05-04T02:30:00+00:00"),
        ("Asia/Kathmandu", "2026-05-03T21:00:00+00:00", "2026-05-04T02:15:00+00:00"),
        ("Pacific/Kiritimati", "2026-05-03T09:00:00+00:00", "2026-05-03T18:00:00+00:00"),
        ("Pacific/Pago_Pago", "2026-05-04T09:00:00+00:00", "2026-05-04T19:00:00+00:00"),
        ("Pacific/Kiritimati", "2026-05-08T03:00:00+00:00", "2026-05-10T18:00:00+00:00"),
        ("Pacific/Pago_Pago", "2026-05-09T04:00:00+00:00", "2026-05-11T19:00:00+00:00"),
        ("Europe/Vienna", "2026-03-27T20:00:00+00:00", "2026-03-30T06:00:00+00:00"),
        ("Europe/Vienna", "2026-10-23T20:00:00+00:00", "2026-10-26T07:00:00+00:00"),
    ],
)
def test_office_hours_begin_by_the_clocks_of_the_place(zone: str, now: str, expected: str) -> None:
    assert next_start(office(zone), now) == expected


@pytest.mark.parametrize("now", ["2026-05-04T06:00:00+00:00", "2026-05-04T14:59:59.999000+00:00"])
def test_within_working_time_the_next_moment_is_now(now: str) -> None:
    assert next_start(office("Europe/Vienna"), now) == now


def test_the_end_of_work_is_no_working_time_any_more() -> None:
    assert next_start(office("Europe/Vienna"), "2026-05-04T15:00:00+00:00") == "2026-05-05T06:00:00+00:00"


def test_a_week_can_run_from_sunday_to_thursday() -> None:
    hours = office("Asia/Jerusalem", days=(7, 1, 2, 3, 4))

    assert next_start(hours, "2026-05-07T18:00:00+00:00") == "2026-05-10T05:00:00+00:00"
    assert next_start(hours, "2026-05-10T07:00:00+00:00") == "2026-05-10T07:00:00+00:00"


def test_work_that_begins_in_a_gap_begins_when_clocks_are_set_forward() -> None:
    hours = office("Europe/Vienna", days=(7,), start="02:30", end="10:00")

    assert next_start(hours, "2026-03-28T20:00:00+00:00") == "2026-03-29T01:00:00+00:00"


def test_hours_that_a_gap_swallows_whole_are_left_out() -> None:
    hours = office("Europe/Vienna", days=(7,), start="02:10", end="02:50")

    assert next_start(hours, "2026-03-28T20:00:00+00:00") == "2026-04-05T00:10:00+00:00"


def test_a_time_that_comes_twice_counts_at_both_times() -> None:
    hours = office("Europe/Vienna", days=(7,), start="02:30", end="10:00")

    assert next_start(hours, "2026-10-24T20:00:00+00:00") == "2026-10-25T00:30:00+00:00"
    # 2:10 for the second time: work has begun once, and clocks show that it begins again at 2:30.
    assert next_start(hours, "2026-10-25T01:10:00+00:00") == "2026-10-25T01:30:00+00:00"


def test_clocks_show_a_time_once_twice_or_not_at_all() -> None:
    def shown(day: date, at: time, zone: ZoneInfo) -> list[str]:
        return [f"{moment:%d %H:%M}" for moment in moments_of(day, at, zone)]

    assert shown(date(2026, 3, 29), time(2, 30), VIENNA) == ["29 01:00"]
    assert shown(date(2026, 10, 25), time(2, 30), VIENNA) == ["25 00:30", "25 01:30"]
    assert shown(date(2026, 5, 4), time(2, 30), VIENNA) == ["04 00:30"]
    # Samoa had no 30 December 2011: it went over to the other side of the date line.
    assert shown(date(2011, 12, 30), time(8), ZoneInfo("Pacific/Apia")) == ["30 10:00"]


def test_a_day_that_a_country_left_out_is_no_working_day() -> None:
    assert next_start(office("Pacific/Apia"), "2011-12-30T05:00:00+00:00") == "2012-01-01T18:00:00+00:00"


@pytest.mark.parametrize(
    ("country", "subdivision", "day", "name"),
    [
        ("US", None, date(2026, 11, 26), "Thanksgiving Day"),
        ("DE", None, date(2026, 12, 25), "Christmas Day"),
        ("DE", None, date(2026, 1, 6), None),
        ("DE", "BY", date(2026, 1, 6), "Epiphany"),
        ("DE", "no such part", date(2026, 12, 25), "Christmas Day"),
        ("XX", None, date(2026, 12, 25), None),
        (None, None, date(2026, 12, 25), None),
    ],
)
def test_public_holidays_are_those_of_the_place(
    country: str | None, subdivision: str | None, day: date, name: str | None
) -> None:
    assert holidays_of(country, subdivision)(day) == name


MONDAY_TO_FRIDAY, SUNDAY_TO_THURSDAY = {1, 2, 3, 4, 5}, {7, 1, 2, 3, 4}


@pytest.mark.parametrize(
    ("country", "subdivision", "day", "days"),
    [
        ("DE", "BY", date(2027, 1, 1), MONDAY_TO_FRIDAY),
        ("SA", None, date(2027, 1, 1), SUNDAY_TO_THURSDAY),
        ("SA", None, date(2010, 1, 1), {6, 7, 1, 2, 3}),  # until 2013 the weekend was Thursday and Friday
        ("IL", None, date(2027, 1, 1), SUNDAY_TO_THURSDAY),
        ("EG", None, date(2027, 1, 1), SUNDAY_TO_THURSDAY),
        ("AE", None, date(2021, 6, 1), SUNDAY_TO_THURSDAY),
        ("AE", None, date(2027, 1, 1), MONDAY_TO_FRIDAY),
        ("BN", None, date(2027, 1, 1), {1, 2, 3, 4, 6}),
        ("MY", None, date(2027, 1, 1), MONDAY_TO_FRIDAY),
        ("MY", "03", date(2027, 1, 1), SUNDAY_TO_THURSDAY),  # Kelantan
        ("SA", "no such part", date(2027, 1, 1), SUNDAY_TO_THURSDAY),
        ("XX", None, date(2027, 1, 1), MONDAY_TO_FRIDAY),
        (None, None, date(2027, 1, 1), MONDAY_TO_FRIDAY),
    ],
)
def test_the_weekend_is_that_of_the_place(
    country: str | None, subdivision: str | None, day: date, days: set[int]
) -> None:
    assert working_days_of(country, subdivision, day) == days


def test_it_is_known_whether_holidays_are_known() -> None:
    assert are_holidays_known("DE", 2026)
    assert not are_holidays_known("XX", 2026)
    assert not are_holidays_known(None, 2026)


def test_a_holiday_is_passed_over() -> None:
    thursday = "2026-11-26T15:00:00+00:00"

    assert next_start(office("America/New_York", country="US"), thursday) == "2026-11-27T13:00:00+00:00"
    assert next_start(office("America/New_York"), thursday) == thursday


def test_without_work_days_there_is_no_working_moment() -> None:
    assert next_start(office("Europe/Vienna", days=()), "2026-05-04T09:00:00+00:00") is None
