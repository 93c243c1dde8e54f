"""When a message is looked at once more because other mails may tell more of its hits."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from lib.assessment.looks import late_look_time
from lib.clock import milliseconds
from lib.storage.sort_keys import LARGEST

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
MONTH = timedelta(days=30)


def late(
    *hits: datetime, now: datetime | None = None, asked: datetime | None = None, is_busy: bool = False
) -> datetime | None:
    """The time of the look, seconds after the last of the hits where no other time is given."""
    then = now or max(hits, default=NOON) + timedelta(seconds=1)
    return late_look_time([milliseconds(hit) for hit in hits], asked, then, is_busy=is_busy)


@pytest.mark.parametrize(
    ("hit", "look"),
    [
        (NOON, datetime(2026, 5, 5, 12, tzinfo=UTC)),
        (NOON + timedelta(milliseconds=1), datetime(2026, 5, 5, 18, tzinfo=UTC)),
        (NOON - timedelta(milliseconds=1), datetime(2026, 5, 5, 12, tzinfo=UTC)),
        (NOON + timedelta(hours=11, minutes=59), datetime(2026, 5, 6, tzinfo=UTC)),
    ],
)
def test_it_comes_a_day_after_the_hit_at_a_whole_six_hours(hit: datetime, look: datetime) -> None:
    assert late(hit) == look


def test_it_comes_after_the_last_hit_in_whatever_order_they_are() -> None:
    assert late(NOON + MONTH, NOON) == late(NOON, NOON + MONTH) == late(NOON + MONTH)


def test_hits_of_the_same_hours_ask_for_the_same_look() -> None:
    looks = {late(NOON + timedelta(minutes=minutes)) for minutes in range(1, 360)}

    assert len(looks) == 1


def test_a_look_that_is_to_come_is_waited_for() -> None:
    asked = late(NOON)

    assert late(NOON, NOON + timedelta(hours=20), asked=asked) == asked


def test_once_it_has_come_nothing_is_asked_for_without_new_hits() -> None:
    asked = late(NOON)
    assert asked

    assert late(NOON, now=asked, asked=asked) == asked
    assert late(NOON, now=asked - timedelta(seconds=2), asked=asked) == asked
    assert late(NOON, now=asked + MONTH, asked=asked) == asked


def test_hits_that_came_meanwhile_ask_for_the_next_one() -> None:
    asked, again = late(NOON), NOON + timedelta(hours=20)
    assert asked

    for early in (0, 30):
        assert late(NOON, again, now=asked - timedelta(seconds=early), asked=asked) == late(again)


def test_a_busy_message_gets_one() -> None:
    assert late(NOON, is_busy=True) == late(NOON)
    assert late(NOON + MONTH, asked=late(NOON), is_busy=True) == late(NOON)


def test_old_hits_that_come_late_ask_for_none() -> None:
    assert late(NOON, now=NOON + MONTH) is None


def test_without_hits_none_is_asked_for() -> None:
    assert late() is None


def test_a_time_that_lies_ahead_is_now() -> None:
    assert late(NOON + MONTH, now=NOON) == late(NOON)
    assert late_look_time([LARGEST], None, NOON, is_busy=False) == late(NOON)


def test_at_the_end_of_time_none_is_asked_for_and_nothing_fails() -> None:
    end = datetime(9999, 12, 31, 23, tzinfo=UTC)

    assert late(end, now=end) is None


# A week later


def week(*undecided: datetime, hits: tuple[datetime, ...], now: datetime, asked: datetime | None) -> datetime | None:
    """The time of the look where these opens are undecided."""
    times = [milliseconds(each) for each in undecided]
    return late_look_time([milliseconds(hit) for hit in hits], asked, now, is_busy=False, undecided=times)


def test_an_undecided_open_is_looked_at_a_week_later_once_the_look_of_the_next_day_has_come() -> None:
    day = late(NOON)
    assert day
    then = week(NOON, hits=(NOON,), now=day, asked=day)

    assert week(NOON, hits=(NOON,), now=NOON, asked=None) == day
    assert then == NOON + timedelta(days=7)
    assert week(NOON, hits=(NOON,), now=then, asked=then) == then
    assert week(hits=(NOON,), now=day, asked=day) == day


def test_a_hit_before_the_look_of_the_week_is_looked_at_on_the_next_day_first() -> None:
    again, weekly = NOON + timedelta(days=3), NOON + timedelta(days=7)
    day = week(NOON, hits=(NOON, again), now=again, asked=weekly)

    assert day == NOON + timedelta(days=4)
    assert week(NOON, hits=(NOON, again), now=day, asked=day) == weekly


def test_a_look_is_never_asked_for_more_than_a_week_ahead() -> None:
    """Storage queues hide a message for seven days at most."""
    for hours in range(200):
        now = NOON + timedelta(hours=hours)
        look = week(NOON, hits=(NOON,), now=now, asked=None)
        assert look is None or look - now < timedelta(days=7)
