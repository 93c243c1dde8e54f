"""When a recipient reads mail: enough of their own doings beat office hours, little does not."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from lib.send_time.habits import EngagedMoment, Habit, count_mails, digamma, habit_of, office_hours_shares, trigamma
from lib.send_time.office_hours import OfficeHours, holidays_of

VIENNA = ZoneInfo("Europe/Vienna")
FRIDAY_EVENING = datetime(2026, 5, 8, 20, 0, tzinfo=VIENNA)
MONDAY_AT_8 = datetime(2026, 5, 11, 8, 0, tzinfo=VIENNA)
OFFICE = OfficeHours(VIENNA, frozenset({1, 2, 3, 4, 5}), time(8), time(17), holidays_of("AT", None))


def work_days_at(hour: int, mails: int, kind: str = "open") -> list[EngagedMoment]:
    """As many mails, each engaged with on another work day of April at this hour."""
    days = [day for day in range(1, 31) if datetime(2026, 4, day).isoweekday() <= 5]  # noqa: DTZ001
    return [
        EngagedMoment(f"{kind}{hour}-{day}", kind, datetime(2026, 4, day, hour, 5))  # noqa: DTZ001
        for day in days[:mails]
    ]


def advised(
    own: Sequence[EngagedMoment],
    similar: Sequence[EngagedMoment] = (),
    *,
    suggested: datetime = MONDAY_AT_8,
    now: datetime = FRIDAY_EVENING,
) -> Habit | None:
    return habit_of(own, similar, OFFICE, suggested.astimezone(UTC), now.astimezone(UTC))


def test_mails_read_early_bring_the_advice_forward() -> None:
    habit = advised(work_days_at(7, 10))

    assert habit is not None
    assert habit.moment.astimezone(VIENNA) == datetime(2026, 5, 11, 7, 0, tzinfo=VIENNA)
    assert habit.probability > 0.9
    assert habit.mails == 10


def test_more_mails_make_it_surer() -> None:
    few, many = advised(work_days_at(7, 6)), advised(work_days_at(7, 20))

    assert few is not None
    assert many is not None
    assert few.probability < many.probability


def test_four_mails_are_no_habit() -> None:
    assert advised(work_days_at(7, 4)) is None


def test_a_mail_counts_once_however_often_it_is_opened() -> None:
    reopened = [EngagedMoment("m1", "open", datetime(2026, 4, 1, 7, minute)) for minute in range(50)]  # noqa: DTZ001

    assert advised(reopened) is None
    assert count_mails(reopened).hours[7] == pytest.approx(1.0)


def test_a_mail_opened_at_two_hours_is_shared_between_them() -> None:
    week = count_mails([*work_days_at(7, 1), EngagedMoment("open7-1", "reply", datetime(2026, 4, 2, 9, 0))])  # noqa: DTZ001

    assert (week.hours[7], week.hours[9]) == (0.5, 0.5)
    assert (week.days[2], week.days[3]) == (0.5, 0.5)


def test_replies_count_and_what_is_no_doing_of_a_person_does_not() -> None:
    assert advised(work_days_at(7, 10, kind="reply")) is not None
    assert advised(work_days_at(7, 10, kind="bounce")) is None


def test_mails_read_all_over_the_week_leave_office_hours_as_they_are() -> None:
    spread = [work_days_at(hour, place + 1)[place] for place, hour in enumerate(range(8, 17))]

    assert advised(spread) is None


def test_mails_read_when_office_hours_begin_leave_them_as_they_are() -> None:
    assert advised(work_days_at(8, 15)) is None


def test_someone_who_reads_on_saturdays_is_written_to_on_saturday() -> None:
    saturdays = [
        EngagedMoment(f"m{week}", "open", datetime(2026, 3, 7, 10, 0) + timedelta(weeks=week))  # noqa: DTZ001
        for week in range(8)
    ]

    habit = advised(saturdays)

    assert habit is not None
    assert habit.moment.astimezone(VIENNA) == datetime(2026, 5, 9, 10, 0, tzinfo=VIENNA)


def test_within_the_recipients_hour_it_is_now() -> None:
    now = datetime(2026, 5, 11, 7, 20, tzinfo=VIENNA)

    habit = advised(work_days_at(7, 10), now=now)

    assert habit is not None
    assert habit.moment == now


def test_nobody_is_kept_waiting_for_the_same_day_of_the_next_week() -> None:
    mondays = [
        EngagedMoment(f"m{week}", "open", datetime(2026, 3, 2, 7, 0) + timedelta(weeks=week))  # noqa: DTZ001
        for week in range(8)
    ]
    monday_morning = datetime(2026, 5, 11, 9, 0, tzinfo=VIENNA)

    assert advised(mondays, suggested=monday_morning, now=monday_morning) is None


def test_a_public_holiday_is_passed_over() -> None:
    # 25 May 2026 is Whit Monday.
    evening = datetime(2026, 5, 22, 20, 0, tzinfo=VIENNA)
    habit = advised(work_days_at(7, 20), suggested=datetime(2026, 5, 26, 8, 0, tzinfo=VIENNA), now=evening)

    assert habit is not None
    assert habit.moment.astimezone(VIENNA) == datetime(2026, 5, 26, 7, 0, tzinfo=VIENNA)


def test_similar_recipients_who_do_otherwise_hold_the_advice_back() -> None:
    own = work_days_at(7, 5)

    assert advised(own) is not None
    assert advised(own, work_days_at(8, 20)) is None


def test_an_hour_that_clocks_leave_out_is_never_advised() -> None:
    sundays = [
        EngagedMoment(f"m{week}", "open", datetime(2026, 1, 4, 2, 0) + timedelta(weeks=week))  # noqa: DTZ001
        for week in range(12)
    ]
    monday = datetime(2026, 3, 30, 8, 0, tzinfo=VIENNA)

    habit = advised(sundays, suggested=monday, now=datetime(2026, 3, 28, 20, 0, tzinfo=VIENNA))

    # Sunday it is; but on the day on which 2:00 to 3:00 is left out, by what else is expected.
    assert habit is not None
    assert habit.moment.astimezone(VIENNA) == datetime(2026, 3, 29, 8, 0, tzinfo=VIENNA)


def test_office_hours_leave_a_tenth_to_other_times() -> None:
    week = office_hours_shares(OFFICE)

    assert sum(week.days) == pytest.approx(1)
    assert sum(week.hours) == pytest.approx(1)
    assert sum(week.hours[8:17]) == pytest.approx(0.9 + 0.1 * 9 / 24)
    assert week.days[5] == pytest.approx(0.1 / 7)


def test_digamma_and_trigamma_have_their_known_values() -> None:
    assert digamma(1) == pytest.approx(-0.5772156649015329, abs=1e-9)
    assert digamma(0.5) == pytest.approx(-0.5772156649015329 - 2 * math.log(2), abs=1e-9)
    assert trigamma(1) == pytest.approx(math.pi**2 / 6, abs=1e-9)
    assert trigamma(0.5) == pytest.approx(math.pi**2 / 2, abs=1e-9)
