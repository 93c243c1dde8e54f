"""The advice: when to send, by office hours or by the recipient's own habits, with a reason and a confidence.

Confidence is a number from 0 to 1. By habit it is the probability that the recipient has a habit by which the
suggested time is better than the one by office hours (see `habits`), at most 0.99; the place does not enter, as a wrong
place shifts observation and advice alike. By office hours it is the certainty of the place (see `places`) times the
probability that no time within a week is worth more: 0.7 where the recipient's mails do not tell, as only custom
says then that this recipient works in office hours. It is a seventh less where public holidays are not known. Without
advice it is 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from lib.organizations.settings import WorkHours
from lib.send_time import sentences
from lib.send_time.habits import weigh_times
from lib.send_time.office_hours import FARTHEST, OfficeHours, are_holidays_known, holidays_of, working_days_of
from lib.send_time.places import Place
from lib.send_time.reading import EarlierMail

BY_CUSTOM = 0.7
"""Probability that office hours are right for a recipient whose mails do not tell."""
_HOLIDAYS_UNKNOWN = 6 / 7
SUREST = 0.99


@dataclass(frozen=True, slots=True)
class Advice:
    """When to send a mail, and why."""

    because: str
    """A sentence for the salesperson."""
    suggested_at: datetime | None = None
    """UTC; None where no time can be advised."""
    zone: str | None = None
    """The recipient's time zone; None where it is not known."""
    confidence: float = 0.0
    """From 0 to 1."""


def advise(
    place: Place, work_hours: WorkHours, sender_zone: str, mails: Sequence[EarlierMail], now: datetime
) -> Advice:
    """Advise when to send to one recipient at a known place, who did this with earlier mails.

    In working time that is `now`, unless a habit says otherwise.

    The first question about a country's holidays takes some 0.1 s: call it in a thread.
    """
    now = now.astimezone(UTC)
    zone, sender = ZoneInfo(place.zone), ZoneInfo(sender_zone)
    local = now.astimezone(zone)
    office = office_hours_at(place, work_hours, local.date())
    suggested = office.next_working_moment(now)
    if suggested is None:
        return Advice(sentences.no_working_time(local, place.name, FARTHEST.days), zone=place.zone)
    weighed = weigh_times(mails, office, suggested, now)
    habit = weighed.advised if weighed else None
    if habit:
        gain = sentences.Gain(habit.mails, habit.share, habit.instead, suggested.astimezone(zone))
        because = sentences.habit(local, habit.moment.astimezone(zone), place.name, gain, sender)
        return Advice(because, habit.moment, place.zone, min(round(habit.probability, 2), SUREST))
    if suggested == now:
        because = sentences.working_time(local, place.name, sender)
    else:
        holiday = office.holiday(local.date())
        because = sentences.office_hours(local, suggested.astimezone(zone), place.name, holiday, sender)
    sure = weighed.office_hours if weighed else BY_CUSTOM
    sure *= place.certainty * (1 if are_holidays_known(place.country, local.year) else _HOLIDAYS_UNKNOWN)
    return Advice(because, suggested, place.zone, min(round(sure, 2), SUREST))


def office_hours_at(place: Place, work_hours: WorkHours, day: date) -> OfficeHours:
    """Apply an organization's work hours to a place, from `day` on.

    The work days are the organization's own, or else those of the place's country.
    """
    days = work_hours.days
    return OfficeHours(
        zone=ZoneInfo(place.zone),
        days=working_days_of(place.country, place.subdivision, day) if days is None else frozenset(days),
        start=time.fromisoformat(work_hours.start),
        end=time.fromisoformat(work_hours.end),
        holiday=holidays_of(place.country, place.subdivision),
    )
