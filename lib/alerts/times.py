"""Times of alerts on a user's own clock: the end of quiet hours, and the next digest."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from lib.people.alert_choices import DigestChoice, QuietHours
from lib.send_time.office_hours import moments_of

_A_DAY = timedelta(days=1)
_DAYS_AHEAD = 9
"""Days within which every weekday comes at least once after today."""


def quiet_until(quiet: QuietHours | None, zone: str, now: datetime) -> datetime | None:
    """Return the end of the quiet hours that `now` lies in, in UTC; None outside of them."""
    if quiet is None:
        return None
    (start, end), local = quiet.times, now.astimezone(ZoneInfo(zone))
    wall = local.time()
    is_quiet = start <= wall < end if start < end else wall >= start or wall < end
    if not is_quiet:
        return None
    day = local.date() if wall < end else local.date() + _A_DAY
    return next((each for each in moments_of(day, end, ZoneInfo(zone)) if each > now), now + timedelta(minutes=1))


def next_digest(digest: DigestChoice, zone: str, now: datetime) -> datetime:
    """Return the time of the next digest after `now`, in UTC. Clocks that are set back do not make it come twice."""
    at, place = time.fromisoformat(digest.at), ZoneInfo(zone)
    today = now.astimezone(place).date()
    days = (today + _A_DAY * ahead for ahead in range(_DAYS_AHEAD))
    moments = (moments_of(day, at, place)[0] for day in days if day.isoweekday() in digest.days)
    return next(moment for moment in moments if moment > now)


def local_day(zone: str, at: datetime) -> str:
    """Return the date on the user's clock, such as `2026-05-04`."""
    return f"{at.astimezone(ZoneInfo(zone)).date()}"
