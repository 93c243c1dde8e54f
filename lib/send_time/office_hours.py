"""Working time at a place: an organization's work hours on its work days, except public holidays of the place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from lib.clock import wall_time

FARTHEST = timedelta(days=14)
"""Limit of the search for working time."""

_MONDAY_TO_FRIDAY = frozenset(range(1, 6))

HolidayName = Callable[[date], str | None]


@dataclass(frozen=True, slots=True)
class OfficeHours:
    """Working time by the local time of a zone, from `start` until before `end`."""

    zone: ZoneInfo
    days: frozenset[int]
    """Weekdays; 1 is Monday."""
    start: time
    end: time
    holiday: HolidayName

    def is_working_day(self, day: date) -> bool:
        return day.isoweekday() in self.days and self.holiday(day) is None

    def is_working_time(self, moment: datetime) -> bool:
        local = moment.astimezone(self.zone)
        return self.is_working_day(local.date()) and self.start <= local.time() < self.end

    def next_working_moment(self, now: datetime) -> datetime | None:
        """The first moment of working time, in UTC: `now` or the beginning of a work day; None if none is near."""
        if self.is_working_time(now):
            return now
        first = now.astimezone(self.zone).date()
        for ahead in range(FARTHEST.days + 1):
            for moment in moments_of(first + timedelta(days=ahead), self.start, self.zone):
                if now <= moment <= now + FARTHEST and self.is_working_time(moment):
                    return moment
        return None


def moments_of(day: date, at: time, zone: ZoneInfo) -> list[datetime]:
    """The moments, in UTC, at which local clocks show this time: one, or two if clocks are set back over it.

    If clocks are set forward over it, the moment of the change: the first that is not before it (PEP 495 calls this a
    gap, and gives it one offset from either side).
    """
    wall = datetime.combine(day, at)
    moments = sorted({wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)})
    if all(wall_time(moment, zone) == wall for moment in moments):
        return moments
    return [_change_of_offset(moments[0], moments[-1], zone)]


def _change_of_offset(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """The second at which the zone's offset changes, by bisection."""
    old = before.astimezone(zone).utcoffset()
    while after - before > timedelta(seconds=1):
        middle = before + timedelta(seconds=(after - before) // timedelta(seconds=2))
        if middle.astimezone(zone).utcoffset() == old:
            before = middle
        else:
            after = middle
    return after


def holidays_of(country: str | None, subdivision: str | None) -> HolidayName:
    """A function that names the public holiday of a day there, in English if it has an English name, or gives None.

    Places without a country, and countries that `holidays` does not know, have none. Holidays of a subdivision are
    added if it is known.
    """

    def name(day: date) -> str | None:
        return _calendar(country, subdivision, day.year).get(day) if country else None

    return name


@lru_cache(256)
def working_days_of(country: str | None, subdivision: str | None, day: date) -> frozenset[int]:
    """Return the weekdays (1 is Monday) outside the weekend that is kept there in the seven days from `day` on.

    These are Monday to Friday for places without a country, and in countries that `holidays` does not know.
    """
    from holidays import country_holidays

    try:
        calendar = country_holidays(country or "", subdiv=subdivision)
    except NotImplementedError:
        return working_days_of(country, None, day) if subdivision else _MONDAY_TO_FRIDAY
    week = [day + timedelta(days=ahead) for ahead in range(7)]
    return frozenset(each.isoweekday() for each in week if not calendar.is_weekend(each))


def are_holidays_known(country: str | None, year: int) -> bool:
    """Whether a country's public holidays in a year are known."""
    return country is not None and bool(_calendar(country, None, year))


@lru_cache(256)
def _calendar(country: str, subdivision: str | None, year: int) -> Mapping[date, str]:
    """Holidays as a plain dict: the library's own object changes when it is read, which is not safe among threads."""
    from holidays import country_holidays

    try:
        return dict(country_holidays(country, subdiv=subdivision, years=year, language="en_US"))
    except NotImplementedError:
        return _calendar(country, None, year) if subdivision else {}
