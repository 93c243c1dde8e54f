"""Patterns of reading: at which hours of the week one recipient reads, and how probable each pattern is.

The model: a recipient who has a mail unread reads it at a rate, in readings an hour, that depends on the hour of the
week. A pattern says in which ratio the rates of the hours stand: a base, with or without a habit. A habit is one span
of one to five hours on some days, at which the rate is 5 to 25 times as high as the base says elsewhere. The rate
itself is unknown, with a Gamma prior. The probability of what was seen is then a closed expression, for N readings
and an exposure of E hours, each weighted with the pattern's ratio of its hour: b^a / (b + E)^(a + N), times the
ratios at the readings. All patterns are weighed against each other, and against having no habit; the prior shares one
half among all the spans, so that many spans do not make one of them probable by chance.

Two more things explain readings without a habit, and are weighed as well: the sender's hours (exposure: an hour at
which no mail waited tells nothing), and mail that is read when it comes (the rate then falls with the age of the
mail).

Source of the method: Neill, Moore, Cooper: A Bayesian spatial scan statistic, NIPS 18, 2005, whose regions are spans
of the week here.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import time
from functools import lru_cache
from itertools import accumulate

from lib.send_time.office_hours import OfficeHours
from lib.send_time.reading import DAY_BEGINS, DAY_ENDS, Waits, WaitSpan, freshness, hour_of_week, spans_of

HOURS_OF_WEEK = 168

_NO_HABIT = 0.5
"""Prior probability that a recipient has no habit. Chosen with the benchmark's seeds for tuning, as all below."""

_LENGTHS: Mapping[int, float] = {1: 0.3, 2: 0.3, 3: 0.25, 5: 0.15}
"""Prior shares of the lengths of a habit, in hours."""

_ALL_DAYS, _WORK_DAYS, _DAYS_OFF, _ONE_DAY = 0.35, 0.25, 0.25, 0.15
"""Prior shares of the days of a habit."""

_OUTSIDE = (0.04, 0.2)
"""Rates outside of a habit's hours, in those of the habit, before the base: equally probable."""

_LOGS_OUTSIDE = tuple(math.log(outside) for outside in _OUTSIDE)

_SHAPE, _RATE = 0.5, 0.5
"""The Gamma prior of the rate, wide enough for minutes of waiting and for days: half a reading in half an hour."""

_BASES = ((1.0, 1.0), (0.35, 0.2), (0.05, 0.05))
"""Rates outside of office hours on work days and on other days, in those of office hours: equally probable."""

_LEAST_LOG = 20.0
"""Patterns less probable than the most probable one by this logarithm are left out."""

_KEPT = 0.98
"""Probability of the patterns that are kept, the most probable first."""


@dataclass(frozen=True, slots=True)
class _Habit:
    hours: frozenset[int]
    prior: float
    """Logarithm of the probability of these hours, if there is a habit."""


@dataclass(frozen=True, slots=True, eq=False)
class Base:
    """Rates without a habit. Two of them are equal only if they are the same."""

    rates: tuple[float, ...]
    """Relative rate by hour of the week."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """One way of reading, with its posterior distribution of the rate."""

    probability: float
    """Posterior, from 0 to 1."""
    ages: bool
    """Whether the rate falls with the age of a mail."""
    base: Base
    habit: frozenset[int]
    """Hours of the week of the habit; empty without one."""
    outside: float
    """Relative rate outside of the habit."""
    shape: float
    rate: float
    """Shape and rate (in hours) of the Gamma distribution of the rate of reading."""

    def exposure(self, waited: Sequence[tuple[int, float]]) -> float:
        """Add up (hour of the week, hours of waiting), each weighted with the relative rate of its hour."""
        total = 0.0
        for hour, hours in waited:
            relative = hours * self.base.rates[hour]
            total += relative if hour in self.habit else self.outside * relative
        return total

    def share_read(self, exposure: float) -> float:
        """Probability that a mail is read in an exposure: one minus the Laplace transform of the Gamma distribution."""
        return 1 - math.pow(self.rate / (self.rate + exposure), self.shape)


@lru_cache(2048)
def starts_of(habit: frozenset[int]) -> list[int]:
    """Return the hours of the week at which a habit begins."""
    return [hour for hour in habit if (hour - 1) % HOURS_OF_WEEK not in habit]


def patterns_of(waits: Waits, office: OfficeHours) -> list[Pattern]:
    """Weigh all patterns by the waits. The most probable comes first; their probabilities add up to one."""
    possible = _possible(office.days, office.start, office.end, waits.has_quiet_hours)
    shape, rates, logs = _weighed(waits, office, possible)
    highest = max(logs)
    weights = [math.exp(log - highest) if log > highest - _LEAST_LOG else 0.0 for log in logs]
    order = sorted((place for place, weight in enumerate(weights) if weight), key=weights.__getitem__, reverse=True)
    sums = list(accumulate(map(weights.__getitem__, order)))
    most = bisect_left(sums, _KEPT * sum(weights))
    return [
        Pattern(weights[place] / sums[most], *possible.each[place], shape, rates[place]) for place in order[: most + 1]
    ]


def _weighed(waits: Waits, office: OfficeHours, possible: _Possible) -> tuple[float, list[float], list[float]]:
    """Return the shape of all patterns, and each one's rate and logarithm of its probability, up to a constant."""
    counted = [
        (wait, [span for span in spans_of(wait.sent, wait.until) if _counts(span, waits, office)])
        for wait in waits.each
    ]
    read = [wait for wait in waits.each if wait.is_read and office.holiday(wait.until.date()) is None]
    readings = [0.0] * HOURS_OF_WEEK
    for wait in read:
        readings[hour_of_week(wait.until)] += wait.weight
    shape = _SHAPE + sum(readings)
    priors = _priors_with_readings(readings, possible.habits)
    logs, rates = list[float](), list[float]()
    for ages in (False, True):
        aged = sum(wait.weight * math.log(freshness((wait.until - wait.sent).total_seconds() / 3600)) for wait in read)
        waited = [0.0] * HOURS_OF_WEEK
        for wait, spans in counted:
            for span in spans:
                waited[span.hour_of_week] += wait.weight * span.hours(ages=ages)
        for base in possible.bases:
            exposure = [hours * relative for hours, relative in zip(waited, base.rates, strict=True)]
            at_base = sum(count * math.log(base.rates[hour]) for hour, count in enumerate(readings) if count)
            its_rates = _rates(exposure, possible.habits)
            constant = at_base + (aged if ages else 0.0)
            logs += [constant + prior - shape * math.log(rate) for prior, rate in zip(priors, its_rates, strict=True)]
            rates += its_rates
    return shape, rates, logs


def _priors_with_readings(readings: Sequence[float], habits: Sequence[_Habit]) -> list[float]:
    """Return the logarithms of the priors of one base's patterns, times the habits' ratios at the readings."""
    total = sum(readings)
    priors = [math.log(_NO_HABIT)]
    constant = math.log((1 - _NO_HABIT) / len(_OUTSIDE))
    for habit in habits:
        elsewhere = total - sum(map(readings.__getitem__, habit.hours))
        for log in _LOGS_OUTSIDE:
            priors.append(constant + habit.prior + elsewhere * log)
    return priors


def _rates(exposure: Sequence[float], habits: Sequence[_Habit]) -> list[float]:
    """Return the rates of the Gamma distributions of one base's patterns."""
    everywhere = sum(exposure)
    rates = [_RATE + everywhere]
    for habit in habits:
        within = sum(map(exposure.__getitem__, habit.hours))
        for outside in _OUTSIDE:
            rates.append(_RATE + within + outside * (everywhere - within))
    return rates


@dataclass(frozen=True, slots=True)
class _Possible:
    """All patterns that are weighed."""

    bases: list[Base]
    habits: list[_Habit]
    each: list[tuple[bool, Base, frozenset[int], float]]
    """Fields of each pattern, up to `outside`. Of each base the one without a habit comes first."""


@lru_cache(8)
def _possible(days: frozenset[int], start: time, end: time, has_quiet_hours: bool) -> _Possible:
    """All patterns with these office hours. `days` are numbered from 1, Monday."""
    bases, habits = _bases(days, start, end), _habits(days, has_quiet_hours)
    kinds = [(frozenset[int](), 1.0), *((habit.hours, outside) for habit in habits for outside in _OUTSIDE)]
    each = [(ages, base, *kind) for ages in (False, True) for base in bases for kind in kinds]
    return _Possible(bases, habits, each)


def _counts(span: WaitSpan, waits: Waits, office: OfficeHours) -> bool:
    """Whether not reading then says anything: nothing is expected on public holidays, nor in quiet hours."""
    at_night = not DAY_BEGINS <= span.hour_of_week % 24 < DAY_ENDS
    return not (at_night and waits.has_quiet_hours) and office.holiday(span.start.date()) is None


def _bases(days: frozenset[int], start: time, end: time) -> list[Base]:
    last = end.hour if end.minute else end.hour - 1
    return [
        Base(
            tuple(
                days_off if day + 1 not in days else 1.0 if start.hour <= hour <= last else others
                for day in range(7)
                for hour in range(24)
            )
        )
        for others, days_off in _BASES
    ]


def _habits(work_days: frozenset[int], has_quiet_hours: bool) -> list[_Habit]:
    """All habits that are considered, in quiet hours or not. `work_days` are numbered from 1, Monday."""
    on, off = {day - 1 for day in work_days}, set(range(7)) - {day - 1 for day in work_days}
    days = [(set(range(7)), _ALL_DAYS), (on, _WORK_DAYS), (off, _DAYS_OFF)]
    days += [({day}, _ONE_DAY / 7) for day in range(7)]
    first, end = (DAY_BEGINS, DAY_ENDS) if has_quiet_hours else (0, 24)
    return [
        _Habit(
            frozenset(day * 24 + hour for day in some for hour in range(start, start + length)),
            math.log(share * of_length / (end - length + 1 - first)),
        )
        for some, share in days
        for length, of_length in _LENGTHS.items()
        for start in range(first, end - length + 1)
        if some
    ]
