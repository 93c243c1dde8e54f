"""The one clock. Code that needs the time takes a `Clock`, so that tests can set it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """The time, aware and in UTC."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class SetClock:
    """A clock that stands still until it is moved."""

    def __init__(self, start: datetime) -> None:
        self._now = start.astimezone(UTC)

    def now(self) -> datetime:
        return self._now

    def move(self, **by: float) -> None:
        """Go forward (or back) by a timedelta's keyword arguments: `move(minutes=3)`."""
        self._now += timedelta(**by)


def milliseconds(moment: datetime) -> int:
    """Milliseconds since 1970, the unit of every sort key."""
    return int(moment.timestamp() * 1000)


def moment(value: int) -> datetime:
    """The inverse of `milliseconds`."""
    return datetime.fromtimestamp(value / 1000, UTC)


def rfc3339(value: datetime) -> str:
    """UTC with `Z` and milliseconds, as every answer of the API writes times."""
    return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def month_of(value: datetime) -> str:
    """The month as a text such as `2026-05`, in UTC."""
    return f"{value.astimezone(UTC):%Y-%m}"


def wall_time(at: datetime, zone: ZoneInfo) -> datetime:
    """The time that a clock of that zone shows, without the zone."""
    return at.astimezone(zone).replace(tzinfo=None)


def in_zone(value: datetime, zone: str) -> datetime:
    """The time on a clock of that zone; unchanged where that clock would leave the calendar (years 1 to 9999)."""
    try:
        return value.astimezone(ZoneInfo(zone))
    except OverflowError:
        return value
