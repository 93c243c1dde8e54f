"""Sentences of the advice, with the recipient's time and the sender's beside it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from lib.languages import clock_time

SEVERAL = "The message goes to several recipients, whose working hours can differ, so no time is suggested."
NO_RECIPIENT = "The message has no recipient yet, so no time is suggested."
NO_RECORD = "The recipient is not linked to a record that is known here, so the local time is not known."
AMBIGUOUS = (
    "Several records have the recipient's address, and they do not all have the same known time zone, so no time is "
    "suggested."
)

_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_WEEK = 7


def working_time(now: datetime, place: str, sender: ZoneInfo) -> str:
    """Say that it is working time. `now` is the recipient's local time, here and below."""
    return (
        f"It is {clock_time(now)} on {_weekday(now)} in {place}{_aside(now, sender)}, within office hours: send it now."
    )


def office_hours(now: datetime, at: datetime, place: str, holiday: str | None, sender: ZoneInfo) -> str:
    """Say when office hours begin at the place: at `at`, in the recipient's local time."""
    why = f", where it is {holiday}" if holiday else ""
    begin = f"office hours begin there {_when(at, now)}{_apposition(at, sender)}."
    return f"It is {clock_time(now)} on {_weekday(now)} in {place}{why}; {begin}"


def no_working_time(now: datetime, place: str, days: int) -> str:
    """Say that no office hours begin within so many days."""
    none = f"no office hours begin there in the next {days} days"
    return f"It is {clock_time(now)} on {_weekday(now)} in {place}, and {none}."


@dataclass(frozen=True, slots=True)
class Gain:
    """Expected gain of a time by habit over the one by office hours."""

    mails: int
    """Mails that the recipient read, from which the habit follows."""
    share: float
    """Share of mail that is read soon if sent at the time by habit, from 0 to 1."""
    instead: float
    """The same for the time by office hours."""
    office_hours: datetime
    """The time by office hours, in the recipient's local time."""


def habit(now: datetime, at: datetime, place: str, gain: Gain, sender: ZoneInfo) -> str:
    """Say that the moment `at` suits the recipient's habits better than office hours do, and what is gained."""
    known = f"By the {gain.mails} mails that the recipient has opened or answered"
    other = "if sent now" if gain.office_hours == now else f"if sent {_when(gain.office_hours, now)}"
    expected = f"about {gain.share:.0%} of mail is read within 3 hours then, instead of {gain.instead:.0%} {other}."
    if at == now:
        better = f"now is a better time than most: it is {clock_time(now)} on {_weekday(now)} in {place}"
        return f"{known}, {better}, and {expected}"
    better = "is a better time than office hours alone would suggest"
    return f"{known}, {_when(at, now).removeprefix('on ')} in {place}{_aside(at, sender)} {better}: {expected}"


def _when(at: datetime, now: datetime) -> str:
    """`today at 8:00`, `on Monday at 8:00`, `on Monday 11 May at 8:00` from a week ahead."""
    ahead = (at.date() - now.date()).days
    if ahead == 0:
        return f"today at {clock_time(at)}"
    day = f"{_weekday(at)} {at.day} {_MONTHS[at.month - 1]}" if ahead >= _WEEK else _weekday(at)
    return f"on {day} at {clock_time(at)}"


def _apposition(at: datetime, sender: ZoneInfo) -> str:
    theirs = _for_sender(at, sender)
    return f", which is {theirs}" if theirs else ""


def _aside(at: datetime, sender: ZoneInfo) -> str:
    theirs = _for_sender(at, sender)
    return f" ({theirs})" if theirs else ""


def _for_sender(at: datetime, sender: ZoneInfo) -> str:
    """`4:30 for you`, with the day where it is another; empty where the sender's clock shows the same."""
    theirs = at.astimezone(sender)
    if theirs.replace(tzinfo=None) == at.replace(tzinfo=None):
        return ""
    day = "" if theirs.date() == at.date() else f" on {_weekday(theirs)}"
    return f"{clock_time(theirs)}{day} for you"


def _weekday(at: datetime) -> str:
    return _WEEKDAYS[at.weekday()]
