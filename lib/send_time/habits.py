"""Find a time at which a mail to one recipient is read sooner than by office hours alone, if the recipient has a
habit.

What a time is worth is the share of mail that is read within `READ_WITHIN` of being sent. Later in the week, that
share has to be higher: waiting costs. The probability of a habit's advice is that of all patterns with a habit (see
`patterns`) by which the time is better than the one by office hours. No pattern is chosen: what speaks for another
hour, or for none, takes from that probability.
"""

from __future__ import annotations

import heapq
import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from lib.clock import wall_time
from lib.send_time.office_hours import OfficeHours, moments_of
from lib.send_time.patterns import HOURS_OF_WEEK, Base, Pattern, patterns_of
from lib.send_time.reading import EarlierMail, Waits, is_at_night, spans_of, waits_of

FEWEST_MAILS = 5
"""Mails that were read, below which there is no habit."""
SURE_ENOUGH = 0.9
"""Probability that the recipient's own hour is better, from which the advice uses it."""
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
        gain = self.share - self.instead
        return self.probability >= SURE_ENOUGH and gain >= LEAST_GAIN + COST_OF_A_DAY * self.days


def habit_of(
    own: Sequence[EarlierMail], office: OfficeHours, suggested: datetime, now: datetime
) -> TimeComparison | None:
    """Find the best time within a week that beats `suggested`, the advice by office hours; None if none does.

    None, too, with fewer than `FEWEST_MAILS` mails that were read. Public holidays are skipped, and quiet hours unless
    the recipient was surely active in them. Takes some milliseconds.
    """
    return next((found for found in comparisons(own, office, suggested, now) if found.is_advisable), None)


def comparisons(
    own: Sequence[EarlierMail], office: OfficeHours, suggested: datetime, now: datetime
) -> Iterator[TimeComparison]:
    """Compare the times that promise most with `suggested`, the most promising first."""
    waits = waits_of(own)
    if waits.mails_read < FEWEST_MAILS:
        return
    patterns = patterns_of(waits, office)
    rates = _rates(patterns)
    for moment in _best_moments(rates, waits, office, suggested, now):
        yield _compare(patterns, moment, suggested, office.zone, waits.mails_read)


def _compare(
    patterns: Sequence[Pattern], moment: datetime, suggested: datetime, zone: ZoneInfo, mails: int
) -> TimeComparison:
    then, instead = (_waited(wall_time(at, zone), READ_WITHIN) for at in (moment, suggested))
    probability = share = other_share = 0.0
    for pattern in patterns:
        exposure, other = pattern.exposure(then[pattern.ages]), pattern.exposure(instead[pattern.ages])
        share += pattern.probability * pattern.share_read(exposure)
        other_share += pattern.probability * pattern.share_read(other)
        if pattern.habit and exposure > other * _SAME:
            probability += pattern.probability
    return TimeComparison(moment, probability, share, other_share, _days_after(moment, suggested), mails)


def _waited(local: datetime, time: timedelta) -> dict[bool, list[tuple[int, float]]]:
    """The (hour of the week, hours of waiting) of a mail that is sent then, if it ages and if not."""
    spans = list(spans_of(local, local + time))
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
