"""Times in words, on the clock of the person who reads them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from lib.clock import in_zone
from lib.languages import clock_time

_NEAR = {0: "today", 1: "tomorrow", -1: "yesterday"}
_UNITS = ((timedelta(days=1), "day"), (timedelta(hours=1), "hour"), (timedelta(minutes=1), "minute"))


@dataclass(frozen=True, slots=True)
class Times:
    """Words for times as they are now, in a zone of the IANA database."""

    now: datetime
    zone: str

    def local(self, at: datetime) -> datetime:
        """Return the time on the clock of the zone."""
        return in_zone(at, self.zone)

    def day(self, at: datetime) -> str:
        """Name the day: `today`, `Tue 3 Mar`, or with the year where that is another one."""
        local, today = self.local(at), self.local(self.now)
        days = (local.date() - today.date()).days
        if days in _NEAR:
            return _NEAR[days]
        return f"{local:%a} {local.day} {local:%b}" + (f" {local.year}" if local.year != today.year else "")

    def clock(self, at: datetime) -> str:
        """Write the time of day: `9:05`."""
        return clock_time(self.local(at))

    def moment(self, at: datetime) -> str:
        """Write day and time: `yesterday at 16:02`, `Tue 3 Mar, 16:02`."""
        day = self.day(at)
        return f"{day} at {self.clock(at)}" if day in _NEAR.values() else f"{day}, {self.clock(at)}"

    def begun(self, at: datetime) -> str:
        """Write day and time as the beginning of a line: `Yesterday, 16:02`."""
        day = self.day(at)
        return f"{day[0].upper()}{day[1:]}, {self.clock(at)}"

    def age_of(self, month: str) -> str:
        """Write how long ago a month was, which is written as `2026-05`, with or without a day: `2 months`."""
        year, number, *_ = (int(part) for part in month.split("-"))
        months = (self.now.year - year) * 12 + self.now.month - number
        return counted(months, "month") if months > 0 else "this month"

    def exact(self, at: datetime) -> str:
        """Write the time in full with its zone, for readers who ask: `Tue 3 Mar 2026, 16:02:07 (Europe/Vienna)`."""
        local = self.local(at)
        return f"{local:%a} {local.day} {local:%b} {local.year}, {clock_time(local)}:{local:%S} ({self.zone})"


def duration(length: timedelta) -> str:
    """Write a length of time in one unit, such as `6 seconds` or `3 days`."""
    for unit, name in _UNITS:
        if length >= unit:
            return counted(length // unit, name)
    return counted(max(0, round(length.total_seconds())), "second")


def counted(number: int, noun: str, plural: str = "") -> str:
    """Write a number with its noun: `1 open`, `2,000 opens`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"
