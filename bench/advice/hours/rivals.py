"""Policies that advise a time: Heed's own, and rivals. All times are the reader's, without a zone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bench.advice.hours.cases import Question
from bench.advice.hours.former import former_advice
from lib.send_time.advice import BY_CUSTOM
from lib.send_time.habits import weigh_times


@dataclass(frozen=True)
class Answer:
    """What a policy answers: a time, or that of office hours."""

    at: datetime
    """The time by habit that it finds best; that of office hours where it finds none."""
    is_advised: bool
    """Whether it advises that time, and not that of office hours."""
    confidence: float
    """Stated probability that the time is better than that of office hours, from 0 to 1."""
    office_hours: float = 0.0
    """Stated probability that no time is worth more than that of office hours, from 0 to 1."""
    is_computed: bool = False
    """Whether both probabilities follow from the recipient's mails; else these are too few to tell."""


Policy = Callable[[Question], Answer]


def heeds(question: Question) -> Answer:
    zone, suggested = question.office.zone, question.suggested
    weighed = weigh_times(question.mails, question.office, suggested, question.now.astimezone(UTC))
    if weighed is None:
        return _office_hours(question, BY_CUSTOM)
    if not weighed.promising:
        return Answer(question.suggested_there, False, 0.0, weighed.office_hours, is_computed=True)
    best = weighed.advised or weighed.promising[0]
    at = best.moment.astimezone(zone).replace(tzinfo=None)
    return Answer(at, best.is_advisable, best.probability, weighed.office_hours, is_computed=True)


def former(question: Question) -> Answer:
    found = former_advice(_reads(question), question.suggested_there, question.now.replace(tzinfo=None))
    return Answer(found[0], True, found[1]) if found else _office_hours(question)


def highest_hour(question: Question) -> Answer:
    """Advise the hour of the week at which most mails were opened, where five were."""
    reads = _reads(question)
    if len(reads) < 5:
        return _office_hours(question)
    [((weekday, hour), _)] = Counter((at.weekday(), at.hour) for at in reads).most_common(1)
    now = question.now.replace(tzinfo=None)
    day = now.replace(hour=hour, minute=0) + timedelta(days=(weekday - now.weekday()) % 7)
    return Answer(day if day >= now else day + timedelta(days=7), True, 1.0)


def office_hours(question: Question) -> Answer:
    return _office_hours(question)


def _office_hours(question: Question, sure: float = 0.0) -> Answer:
    return Answer(question.suggested_there, False, 0.0, sure)


def _reads(question: Question) -> list[datetime]:
    return [min(each.local for each in mail.engagements) for mail in question.mails]


POLICIES: Mapping[str, Policy] = {
    "Heed": heeds,
    "the former model": former,
    "highest hour": highest_hour,
    "office hours": office_hours,
}
