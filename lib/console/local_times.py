"""Times as forms of a page hold them: the clock of a person's zone, without the zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from lib.clock import in_zone
from lib.fields import FIRST_TIME, LAST_TIME

_DAY = timedelta(days=1)


def local_text(at: datetime | None, zone: str) -> str:
    """Write a time for `<input type="datetime-local">`, in whole minutes; empty where there is none."""
    return f"{in_zone(at, zone):%Y-%m-%dT%H:%M}" if at else ""


def read_local(text: str, zone: str) -> datetime | None:
    """Read a time that such a field holds; None where it is empty. Raises ValueError with a sentence.

    Of an hour that comes twice when clocks are put back, the first is meant. An hour that is left out when clocks are
    put forward is read by the clock of before.
    """
    if not text:
        return None
    try:
        wall = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("not a day and a time, such as 2026-05-04T09:30") from None
    if wall.tzinfo is not None:
        raise ValueError("the time is on your own clock: leave the zone out")
    # A day less than what is taken elsewhere, so that no zone leads out of it.
    if not FIRST_TIME.replace(tzinfo=None) + _DAY <= wall <= LAST_TIME.replace(tzinfo=None) - _DAY:
        raise ValueError(f"a time between {FIRST_TIME.year} and {LAST_TIME.year} is needed")
    return wall.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
