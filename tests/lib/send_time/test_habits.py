"""When a recipient reads mail: a habit beats office hours, and what looks like one does not."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from lib.send_time.habits import SURE_ENOUGH, TimeComparison, WeighedTimes, weigh_times
from lib.send_time.office_hours import OfficeHours, holidays_of
from lib.send_time.reading import EarlierAct, EarlierMail

VIENNA = ZoneInfo("Europe/Vienna")
FRIDAY_EVENING = datetime(2026, 5, 8, 20, 0, tzinfo=VIENNA)
MONDAY_AT_8 = datetime(2026, 5, 11, 8, 0, tzinfo=VIENNA)
OFFICE = OfficeHours(VIENNA, frozenset({1, 2, 3, 4, 5}), time(8), time(17), holidays_of("AT", None))
WORK_DAYS = [day for day in (date(2026, 4, 8) + timedelta(days=ahead) for ahead in range(60)) if day.isoweekday() <= 5]
SATURDAYS = [date(2026, 1, 10) + timedelta(weeks=week) for week in range(12)]


def at(day: date, hour: int, minute: int = 5) -> datetime:
    return datetime.combine(day, time(hour, minute))


def read_at(
    hour: int, mails: int, days: Sequence[date] = WORK_DAYS, *, kind: str = "open", ahead: int = 1
) -> list[EarlierMail]:
    """Mails that each came in office hours, this number of days ahead, and were read at this hour of another day."""
    return [
        EarlierMail(at(day - timedelta(days=ahead), 9 + number % 7), [EarlierAct(kind, at(day, hour))])
        for number, day in enumerate(days[:mails])
    ]


def read_after(minutes: int, hours: Sequence[int], mails: int) -> list[EarlierMail]:
    """Mails that came at one of these hours and were read so many minutes later."""
    sent = [at(day, hours[number % len(hours)]) for number, day in enumerate(WORK_DAYS[:mails])]
    return [EarlierMail(each, [EarlierAct("open", each + timedelta(minutes=minutes))]) for each in sent]


def advised(
    mails: Sequence[EarlierMail], *, suggested: datetime = MONDAY_AT_8, now: datetime = FRIDAY_EVENING
) -> TimeComparison | None:
    found = weigh_times(mails, OFFICE, suggested.astimezone(UTC), now.astimezone(UTC))
    return found.advised if found else None


def weighed(
    mails: Sequence[EarlierMail], suggested: datetime = MONDAY_AT_8, now: datetime = FRIDAY_EVENING
) -> WeighedTimes:
    found = weigh_times(mails, OFFICE, suggested, now)
    assert found is not None
    return found


def time_of(advice: TimeComparison | None) -> datetime | None:
    """The advised time on Vienna's clocks."""
    return advice.moment.astimezone(VIENNA).replace(tzinfo=None) if advice else None


def test_mails_read_early_bring_the_advice_forward() -> None:
    advice = advised(read_at(7, 12))

    assert advice is not None
    assert time_of(advice) == datetime(2026, 5, 11, 7, 0)  # noqa: DTZ001
    assert advice.probability >= SURE_ENOUGH
    assert advice.share > advice.instead + 0.1
    assert advice.mails == 12


def test_evenings_are_found() -> None:
    monday_morning = datetime(2026, 5, 11, 9, 0, tzinfo=VIENNA)

    advice = advised(read_at(19, 12), suggested=monday_morning, now=monday_morning)

    assert time_of(advice) == datetime(2026, 5, 11, 19, 0)  # noqa: DTZ001


def test_hour_and_day_are_chosen_together() -> None:
    weekends = [day + timedelta(days=ahead) for day in SATURDAYS[:6] for ahead in (0, 1)]
    monday_evening = datetime(2026, 5, 11, 20, 0, tzinfo=VIENNA)

    advice = advised(read_at(10, 12, weekends, ahead=2), suggested=MONDAY_AT_8 + timedelta(days=1), now=monday_evening)

    assert time_of(advice) == datetime(2026, 5, 16, 10, 0)  # noqa: DTZ001


def read_all_over_office_hours(mails: int) -> list[EarlierMail]:
    return [read_at(8 + place % 9, place + 1)[place] for place in range(mails)]


def test_more_mails_make_office_hours_surer() -> None:
    few, many = (weighed(read_all_over_office_hours(mails)).office_hours for mails in (5, 20))

    assert few < many


def test_office_hours_are_doubted_where_the_recipient_seems_to_have_another_hour() -> None:
    """Four mails of ten at seven in the evening are not enough for a habit, and speak against the morning."""
    seldom = [*read_all_over_office_hours(6), *read_at(19, 4)]

    assert advised(seldom) is None
    assert weighed(seldom).office_hours < weighed(read_all_over_office_hours(10)).office_hours - 0.1


def test_four_mails_are_no_habit() -> None:
    assert advised(read_at(7, 4)) is None


def test_a_mail_counts_once_however_often_it_is_opened() -> None:
    reopened = [EarlierAct("open", at(WORK_DAYS[0], 7, minute)) for minute in range(50)]

    assert advised([EarlierMail(at(WORK_DAYS[0], 2), reopened)]) is None


@pytest.mark.parametrize("hours", [(7,), (9,), (19,), (7, 12, 19)])
@pytest.mark.parametrize(("minutes", "mails"), [(25, 20), (50, 12), (50, 30)])
def test_the_senders_hour_is_not_the_readers(hours: Sequence[int], minutes: int, mails: int) -> None:
    assert advised(read_after(minutes, hours, mails)) is None


def test_mails_read_all_over_office_hours_leave_them_as_they_are() -> None:
    assert advised(read_all_over_office_hours(20)) is None


def test_mails_read_when_office_hours_begin_leave_them_as_they_are() -> None:
    assert advised(read_at(8, 15)) is None


def test_waiting_for_days_has_to_be_worth_it() -> None:
    """A reader of Saturdays alone is waited for; one who reads at any other hour as well is not."""
    monday = datetime(2026, 5, 11, 9, 0, tzinfo=VIENNA)
    also = read_after(40, (8, 11, 14, 16), 16)

    only_then = advised(read_at(10, 12, SATURDAYS, ahead=2), suggested=monday, now=monday)

    assert time_of(only_then) == datetime(2026, 5, 16, 10)  # noqa: DTZ001
    assert advised([*read_at(10, 3, SATURDAYS, ahead=2), *also], suggested=monday, now=monday) is None


def test_opens_at_night_are_no_habit_and_acts_are() -> None:
    opened, clicked = read_at(3, 15), read_at(3, 15, kind="click")

    assert advised(opened) is None
    assert time_of(advised(clicked)) == datetime(2026, 5, 11, 3, 0)  # noqa: DTZ001


def test_a_scanner_at_night_stays_one_for_a_recipient_who_has_clicked_at_night() -> None:
    """Three clicks late in the evening, and a scanner that passed for a person at three with each of thirty mails."""
    clicked = read_at(23, 3, kind="click")
    scanned = [
        EarlierMail(at(day, 15), [EarlierAct("open", at(day + timedelta(days=1), 3), 0.7)]) for day in WORK_DAYS[:30]
    ]

    assert advised([*clicked, *scanned]) is None


def test_a_click_that_may_be_a_machines_does_not_open_the_night() -> None:
    doubtful = [
        EarlierMail(mail.sent, [EarlierAct("click", mail.engagements[0].local, 0.8)])
        for mail in read_at(3, 15, kind="click")
    ]

    assert advised(doubtful) is None


def test_a_scanner_at_night_does_not_hide_a_morning() -> None:
    scanned = [
        EarlierMail(mail.sent, [EarlierAct("open", mail.engagements[0].local.replace(hour=2)), *mail.engagements])
        for mail in read_at(7, 12)
    ]

    assert time_of(advised(scanned)) == datetime(2026, 5, 11, 7, 0)  # noqa: DTZ001


def test_answers_go_before_opens() -> None:
    """Something opens each mail at noon; the recipient answers at seven in the evening."""
    answered = [
        EarlierMail(mail.sent, [EarlierAct("open", mail.engagements[0].local.replace(hour=12)), *mail.engagements])
        for mail in read_at(19, 12, kind="reply")
    ]
    morning = datetime(2026, 5, 11, 9, 0, tzinfo=VIENNA)

    assert time_of(advised(answered, suggested=morning, now=morning)) == datetime(2026, 5, 11, 19, 0)  # noqa: DTZ001


@pytest.mark.parametrize("mails", [5, 12, 30])
@pytest.mark.parametrize("day", [date(2026, 4, 10), date(2026, 4, 12)], ids=["Friday", "Sunday"])
def test_mails_read_at_one_sitting_are_no_habit(mails: int, day: date) -> None:
    """As after an absence: all of them within minutes."""
    sent = [at(day - timedelta(days=1 + number % 3), 9 + number % 7) for number in range(mails)]
    read = [EarlierMail(each, [EarlierAct("open", at(day, 19, number))]) for number, each in enumerate(sent)]

    assert advised(read) is None


def test_a_morning_after_an_absence_does_not_hide_an_evening() -> None:
    morning = at(WORK_DAYS[30], 9, 0)
    away = [EarlierMail(morning - timedelta(days=2, hours=n), [EarlierAct("open", morning)]) for n in range(10)]
    monday = datetime(2026, 5, 11, 9, 0, tzinfo=VIENNA)

    advice = advised([*read_at(19, 12), *away], suggested=monday, now=monday)

    assert time_of(advice) == datetime(2026, 5, 11, 19, 0)  # noqa: DTZ001


def test_what_no_person_does_counts_for_nothing() -> None:
    assert advised(read_at(7, 12, kind="bounce")) is None


def test_within_the_recipients_hour_it_is_now() -> None:
    now = datetime(2026, 5, 11, 7, 20, tzinfo=VIENNA)

    advice = advised(read_at(7, 12), now=now)

    assert advice is not None
    assert advice.moment == now


def test_a_public_holiday_is_passed_over() -> None:
    # 25 May 2026 is Whit Monday.
    evening = datetime(2026, 5, 22, 20, 0, tzinfo=VIENNA)

    advice = advised(read_at(7, 20), suggested=datetime(2026, 5, 26, 8, 0, tzinfo=VIENNA), now=evening)

    assert time_of(advice) == datetime(2026, 5, 26, 7, 0)  # noqa: DTZ001


def test_an_hour_that_clocks_leave_out_is_never_compared() -> None:
    sundays = [day + timedelta(days=1) for day in SATURDAYS]
    read = read_at(2, 11, sundays, kind="click", ahead=2)
    saturday = datetime(2026, 3, 28, 20, 0, tzinfo=VIENNA)

    best = weighed(read, datetime(2026, 3, 30, 8, 0, tzinfo=VIENNA), saturday).promising[0]

    # Clocks go from 2:00 to 3:00 on that Sunday.
    assert time_of(best) == datetime(2026, 3, 29, 3, 0)  # noqa: DTZ001
