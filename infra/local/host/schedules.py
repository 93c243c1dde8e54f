"""Schedules of timers: NCRONTAB expressions of six or five fields, or an interval; in UTC, as in Azure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from croniter import croniter  # type: ignore[import-untyped]

from infra.local.errors import StartError
from infra.local.host.host_json import parse_time_span


class TimerSchedule(Protocol):
    """A schedule that tells the first moment after another at which a timer is due."""

    def next_after(self, moment: datetime) -> datetime: ...


@dataclass(frozen=True, slots=True)
class CronSchedule:
    """An NCRONTAB expression: `{second} {minute} {hour} {day} {month} {day of week}`, the second optional."""

    expression: str

    def next_after(self, moment: datetime) -> datetime:
        """Return the first moment after another that the expression names."""
        # NCRONTAB wants the day of the month and the day of the week both to match; cron wants either.
        iterator = croniter(self.expression, moment, second_at_beginning=True, day_or=False)
        due: datetime = iterator.get_next(datetime)
        return due


@dataclass(frozen=True, slots=True)
class IntervalSchedule:
    """An interval, counted from the last run."""

    interval: timedelta

    def next_after(self, moment: datetime) -> datetime:
        return moment + self.interval


def parse_schedule(function_name: str, text: str) -> TimerSchedule:
    """Read a timer's schedule. Raises StartError naming the function when it is neither form."""
    interval = parse_time_span(text)
    if interval:
        return IntervalSchedule(interval)
    if len(text.split()) in (5, 6) and croniter.is_valid(text, second_at_beginning=True):
        return CronSchedule(text)
    raise StartError(f'Function {function_name}: "{text}" is no NCRONTAB expression, such as "0 */5 * * * *".')


def is_monitored_by_default(schedule: TimerSchedule, now: datetime) -> bool:
    """Return whether a timer runs at most once a minute; the Functions host keeps the status of those alone."""
    first = schedule.next_after(now)
    return schedule.next_after(first) - first >= timedelta(minutes=1)
