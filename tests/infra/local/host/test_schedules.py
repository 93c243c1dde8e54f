"""When timers are due."""

from datetime import UTC, datetime, timedelta

import pytest

from infra.local.errors import StartError
from infra.local.host.schedules import is_monitored_by_default, parse_schedule

SUNDAY_NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "due"),
    [
        ("*/15 * * * * *", datetime(2026, 3, 1, 12, 0, 15, tzinfo=UTC)),
        ("0 */5 * * * *", datetime(2026, 3, 1, 12, 5, tzinfo=UTC)),
        ("30 9 * * *", datetime(2026, 3, 2, 9, 30, tzinfo=UTC)),
        ("0 0 8 * * Mon-Fri", datetime(2026, 3, 2, 8, tzinfo=UTC)),
        # Both the day of the month and the day of the week must match, unlike in cron.
        ("0 0 0 13 * 5", datetime(2026, 3, 13, tzinfo=UTC)),
        ("00:00:30", datetime(2026, 3, 1, 12, 0, 30, tzinfo=UTC)),
    ],
)
def test_the_next_tick(expression: str, due: datetime) -> None:
    assert parse_schedule("sweep", expression).next_after(SUNDAY_NOON) == due


@pytest.mark.parametrize("text", ["", "often", "* * * *", "0 99 * * * *", "* * * * * * *", "00:00:00"])
def test_what_is_no_schedule_stops_the_start(text: str) -> None:
    with pytest.raises(StartError, match="Function sweep"):
        parse_schedule("sweep", text)


def test_timers_are_monitored_from_once_a_minute_on() -> None:
    assert is_monitored_by_default(parse_schedule("sweep", "0 * * * * *"), SUNDAY_NOON)
    assert not is_monitored_by_default(parse_schedule("sweep", "*/30 * * * * *"), SUNDAY_NOON)


def test_the_next_tick_lies_after_the_moment_even_within_its_second() -> None:
    due = parse_schedule("sweep", "* * * * * *").next_after(SUNDAY_NOON + timedelta(milliseconds=1))
    assert due == SUNDAY_NOON + timedelta(seconds=1)
