"""Lessons from an organization's own mails: when mail has ripened, and how alike results of one person are. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from lib.clock import milliseconds
from lib.templates.people import MailMeasure, PersonCorrelation, Repeats, correlation, find_repeats
from lib.templates.shares import BUCKET, CountsByTemplate, TemplateCounts
from lib.templates.tallies import LATE_OPENS_HOURS, LATE_REPLIES_HOURS, Numbers, Tally, added_numbers

LONGEST_RIPENING = timedelta(days=7)
"""A mail has ripened after that in any case."""

_LITTLE = 0.03
"""The share of all opens, or replies, that may come after a mail has ripened: of a rate of 50 %, 1.5 points."""
_ENOUGH = 50
"""Opens, or replies, from which on their delays are believed; before that, the least ages hold."""

COUNTED: tuple[MailMeasure, ...] = ("opened", "clicked", "replied")


@dataclass(frozen=True, slots=True)
class Learned:
    """Ages from which mails count, and correlations of the results of one person."""

    opens_ripe_after: timedelta = timedelta(hours=LATE_OPENS_HOURS[0])
    replies_ripe_after: timedelta = timedelta(hours=LATE_REPLIES_HOURS[0])
    correlations: Mapping[MailMeasure, PersonCorrelation] = field(
        default_factory=lambda: dict.fromkeys(COUNTED, PersonCorrelation())
    )


def learn(counts: CountsByTemplate, now: datetime) -> Learned:
    """Learn from all mails of an organization."""
    old = Tally.from_numbers(
        _sum(numbers for each in counts.values() for _, numbers in ripe_cells(each, now, LONGEST_RIPENING))
    )
    return Learned(
        opens_ripe_after=_ripe_after(old, "opened", LATE_OPENS_HOURS),
        replies_ripe_after=_ripe_after(old, "replied", LATE_REPLIES_HOURS),
        correlations={measure: correlation(_repeats(counts, measure)) for measure in COUNTED},
    )


def ripe_cells(counts: TemplateCounts, now: datetime, age: timedelta) -> Iterable[tuple[str, Numbers]]:
    """Yield the cells of mails that are of that age at least, by key; mails of the same three hours ripen together."""
    first_fresh = milliseconds(now - age) // BUCKET
    fresh: dict[str, Numbers] = {}
    for at, some in counts.fresh.items():
        if at >= first_fresh:
            for key, numbers in some.items():
                fresh[key] = added_numbers(fresh.get(key, ()), numbers)
    for key, numbers in counts.cells.items():
        yield key, added_numbers(numbers, fresh[key], -1) if key in fresh else numbers


def _sum(some: Iterable[Numbers]) -> Numbers:
    found: Numbers = []
    for numbers in some:
        found = added_numbers(found, numbers)
    return found


def _ripe_after(old: Tally, measure: MailMeasure, hours: tuple[int, ...]) -> timedelta:
    """Return the first age after which little comes, as old mails show."""
    number: int = getattr(old, measure)
    if number < _ENOUGH:
        return timedelta(hours=hours[0])
    for each in hours:
        if getattr(old, f"{measure}_after_{each}h") <= _LITTLE * number:
            return timedelta(hours=each)
    return LONGEST_RIPENING


def _repeats(counts: CountsByTemplate, measure: MailMeasure) -> Iterable[Repeats]:
    for each in counts.values():
        for series in each.people:
            yield repeats_of(each, series, measure)


def repeats_of(counts: TemplateCounts, series: int, measure: MailMeasure) -> Repeats:
    """Return how the mails with one content are spread over people."""
    mails, hits = 0, 0
    for key, numbers in counts.cells.items():
        if key.startswith(f"{series}|"):
            tally = Tally.from_numbers(numbers)
            mails += tally.openable if measure == "opened" else tally.followed
            hits += getattr(tally, measure)
    return find_repeats(counts.sketch(series), measure, mails, hits)
