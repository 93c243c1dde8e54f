"""Find a time at which a mail to one recipient is read sooner than by office hours alone, if the recipient has a
habit; and tell how sure it is that there is none.

What a time is worth is the share of mail that is read within `READ_WITHIN` of being sent. Later in the week, that
share has to be higher: waiting costs. The probability of a habit's advice is that of all patterns with a habit (see
`patterns`) by which the time is better than the one by office hours. No pattern is chosen: what speaks for another
hour, or for none, takes from that probability. The probability of office hours is that of all patterns by which no
time is worth waiting for.

People's habits are not quite as the patterns have them. Both probabilities are therefore corrected by what came true
for simulated readers (`python -m bench.advice`).
"""

from __future__ import annotations

import heapq
import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from lib.chances import Correction
from lib.clock import wall_time
from lib.send_time.office_hours import OfficeHours, moments_of
from lib.send_time.patterns import HOURS_OF_WEEK, Base, Pattern, patterns_of, starts_of
from lib.send_time.reading import EarlierMail, Waits, hour_of_week, is_at_night, spans_of, waits_of

FEWEST_SITTINGS = 5
"""Times at which mail was read, below which there is no habit."""
SURE_ENOUGH = 0.97
"""Probability that the recipient's own hour is better, from which the advice uses it. Just below are recipients to whom
all mail comes at one hour: reading it when it comes explains their mails as well, whatever comes true for others."""
READ_WITHIN = timedelta(hours=3)
LEAST_GAIN = 0.1
"""Share of mail that has to be read in time in addition, for a time to be worth another advice."""
COST_OF_A_DAY = 0.05
"""Share of mail that has to be read in time in addition for each day of waiting after office hours' time."""

_DAYS = 7
"""Days that are considered, today included: after a week the same weekdays would come again."""
_CANDIDATES = 3
"""Days whose best hour is compared with the time by office hours."""
_SAME = 1.001
"""Ratio of exposures up to which two times are as good as each other."""


_COMPUTED = (
    *(0.001, 0.01, 0.05, 0.15, 0.25, 0.3, 0.35, 0.4, 0.45),
    *(0.55, 0.6, 0.65, 0.675, 0.7, 0.725, 0.75, 0.85, 0.95, 0.99, 0.999),
)
HABITS_CORRECTION = Correction(
    _COMPUTED,
    (
        *(0.0044, 0.0052, 0.0353, 0.0971, 0.2463, 0.2984, 0.3186, 0.3467, 0.3916),
        *(0.5429, 0.6287, 0.6989, 0.7, 0.8113, 0.8651, 0.9084, 0.964, 0.9929, 0.9981, 0.9996),
    ),
)
OFFICE_CORRECTION = Correction(
    _COMPUTED,
    (
        *(0.0005, 0.0027, 0.0103, 0.0373, 0.0993, 0.2446, 0.2977, 0.3401, 0.5046),
        *(0.7173, 0.8337, 0.8817, 0.8822, 0.9002, 0.9093, 0.9099, 0.9124, 0.9766, 0.9838, 0.9964),
    ),
)
"""Chosen by `python -m bench.advice.hours.tuning`, with seeds that no table reports."""


@dataclass(frozen=True, slots=True)
class TimeComparison:
    """A time to send, compared with the time by office hours."""

    moment: datetime
    """UTC."""
    probability: float
    """Probability that the recipient has a habit by which it is better, from 0 to 1."""
    share: float
    """Expected share of mail that is read within `READ_WITHIN` if sent then, from 0 to 1."""
    instead: float
    """The same for the time by office hours."""
    days: float
    """Days after the time by office hours; 0 if before."""
    mails: int
    """Mails that were read."""

    @property
    def is_advisable(self) -> bool:
        """Whether the habit is sure enough, and the gain in mails read is worth the days of waiting."""
        gain = self.share - self.instead
        return self.probability >= SURE_ENOUGH and gain >= LEAST_GAIN + COST_OF_A_DAY * self.days


@dataclass(frozen=True, slots=True)
class WeighedTimes:
    """Times of the coming week, weighed by a recipient's habits."""

    promising: tuple[TimeComparison, ...]
    """The times that promise most, the most promising first."""
    office_hours: float
    """Probability that no time within a week is worth more than the one by office hours, from 0 to 1."""

    @property
    def advised(self) -> TimeComparison | None:
        """The best time that beats the one by office hours; None if none does."""
        return next((each for each in self.promising if each.is_advisable), None)


def weigh_times(
    own: Sequence[EarlierMail], office: OfficeHours, suggested: datetime, now: datetime
) -> WeighedTimes | None:
    """Compare the times of a week with `suggested`, the advice by office hours.

    None where mail was read at fewer than `FEWEST_SITTINGS` times. Public holidays are skipped, and quiet hours unless
    the recipient was surely active in them. Takes some 8 milliseconds: call it in a thread.
    """
    waits = waits_of(own)
    if waits.sittings < FEWEST_SITTINGS:
        return None
    patterns = patterns_of(waits, office)
    local = wall_time(suggested, office.zone)
    instead = _waited(local, READ_WITHIN)
    against = [_Against.of(pattern, instead) for pattern in patterns]
    moments = _best_moments(_rates(patterns), waits, office, suggested, now)
    return WeighedTimes(
        tuple(_compare(against, moment, suggested, office.zone, waits.mails_read) for moment in moments),
        OFFICE_CORRECTION.apply(_probability_of_none_better(against, hour_of_week(local))),
    )


class _Against(NamedTuple):
    """A pattern, and what the time by office hours is worth by it."""

    pattern: Pattern
    exposure: float
    share: float
    """Of mail that is read in time."""

    @classmethod
    def of(cls, pattern: Pattern, instead: _Waited) -> _Against:
        exposure = pattern.exposure(instead[pattern.ages])
        return cls(pattern, exposure, pattern.share_read(exposure))


def _compare(
    against: Sequence[_Against], moment: datetime, suggested: datetime, zone: ZoneInfo, mails: int
) -> TimeComparison:
    then = _waited(wall_time(moment, zone), READ_WITHIN)
    probability = share = other_share = 0.0
    for pattern, other, its_share in against:
        exposure = pattern.exposure(then[pattern.ages])
        share += pattern.probability * pattern.share_read(exposure)
        other_share += pattern.probability * its_share
        if pattern.habit and exposure > other * _SAME:
            probability += pattern.probability
    sure = HABITS_CORRECTION.apply(probability)
    return TimeComparison(moment, sure, share, other_share, _days_after(moment, suggested), mails)


def _probability_of_none_better(against: Sequence[_Against], first: int) -> float:
    """Probability that no habit is worth waiting for, from the hour `first` of the week on."""
    return sum(each.pattern.probability for each in against if not _is_worth_waiting(each.pattern, each.share, first))


def _is_worth_waiting(pattern: Pattern, instead: float, first: int) -> bool:
    """Whether more is read of a mail at the beginning of the habit than the share `instead`, enough for the wait."""
    for start in starts_of(pattern.habit):
        gain = pattern.share_read(pattern.exposure(_waited_from(start)[pattern.ages])) - instead
        if gain >= LEAST_GAIN + COST_OF_A_DAY * ((start - first) % HOURS_OF_WEEK) / 24:
            return True
    return False


_Waited = Mapping[bool, Sequence[tuple[int, float]]]
_A_MONDAY = datetime(2001, 1, 1)  # noqa: DTZ001


def _waited(local: datetime, within: timedelta) -> _Waited:
    """The (hour of the week, hours of waiting) of a mail that is sent then, if it ages and if not."""
    return _waited_from(hour_of_week(local), local - local.replace(minute=0, second=0, microsecond=0), within)


@lru_cache(1024)
def _waited_from(hour: int, past: timedelta = timedelta(0), within: timedelta = READ_WITHIN) -> _Waited:
    local = _A_MONDAY + timedelta(hours=hour) + past
    spans = list(spans_of(local, local + within))
    return {ages: [(span.hour_of_week, span.hours(ages=ages)) for span in spans] for ages in (False, True)}


def _days_after(moment: datetime, suggested: datetime) -> float:
    return max((moment - suggested) / timedelta(days=1), 0.0)


_Rates = dict[bool, list[float]]
"""Expected rate of reading by hour of the week, of mail that ages and of mail that does not."""


def _rates(patterns: Sequence[Pattern]) -> _Rates:
    levels = defaultdict[tuple[bool, Base], float](float)
    rates = {ages: [0.0] * HOURS_OF_WEEK for ages in (False, True)}
    for pattern in patterns:
        rate = pattern.probability * pattern.shape / pattern.rate
        levels[pattern.ages, pattern.base] += rate * pattern.outside
        inside, at_base, its_rates = rate * (1 - pattern.outside), pattern.base.rates, rates[pattern.ages]
        for hour in pattern.habit:
            its_rates[hour] += inside * at_base[hour]
    for (ages, base), level in levels.items():
        rates[ages] = [rate + level * relative for rate, relative in zip(rates[ages], base.rates, strict=True)]
    return rates


def _best_moments(
    rates: _Rates, waits: Waits, office: OfficeHours, suggested: datetime, now: datetime
) -> list[datetime]:
    """The best moments of the days that promise most, the best one first."""
    first = now.astimezone(office.zone).date()
    best = list[tuple[float, datetime]]()
    for day in (first + timedelta(days=ahead) for ahead in range(_DAYS)):
        moments = [] if office.holiday(day) else list(_moments_left(day, office.zone, now))
        scored = [
            (_promise(rates, wall_time(moment, office.zone)) - COST_OF_A_DAY * _days_after(moment, suggested), moment)
            for moment in moments
            if moment != suggested and not (waits.has_quiet_hours and is_at_night(wall_time(moment, office.zone)))
        ]
        best += [max(scored, key=lambda each: each[0])] if scored else []
    return [moment for _, moment in heapq.nlargest(_CANDIDATES, best, key=lambda each: each[0])]


def _moments_left(day: date, zone: ZoneInfo, now: datetime) -> Iterator[datetime]:
    """The beginnings of a day's hours that are not over yet; `now` for the current hour.

    An hour that clocks skip is represented by the moment of the change, whose local hour is another one.
    """
    for hour in range(24):
        for start in moments_of(day, time(hour), zone):
            if now < start + timedelta(hours=1):
                yield max(start, now)


def _promise(rates: _Rates, local: datetime) -> float:
    """Share of mail sent then that is read in time, averaged with that of the first hour: the sooner the better."""
    return (_share(rates, local, READ_WITHIN) + _share(rates, local, timedelta(hours=1))) / 2


def _share(rates: _Rates, local: datetime, within: timedelta) -> float:
    waited = _waited(local, within)
    readings = sum(rates[ages][hour] * hours for ages, each in waited.items() for hour, hours in each)
    return 1 - math.exp(-readings)
