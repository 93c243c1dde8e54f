"""Estimate when one recipient reads mail: from the recipient's own engagement, drawn towards that of similar ones.

The model: engagement falls on a day of the week and on an hour of the day independently of each other, each with
shares of a Dirichlet distribution (7 and 24 of them: 168 hours of the week would need far more mails than one recipient
gets). A mail counts once, however often it is opened. The prior is what similar recipients do, worth `PRIOR_MAILS`
mails; theirs is what office hours suggest, worth as much. Posterior: prior + counts (Gelman et al., Bayesian Data
Analysis, 3rd edition, section 3.4).

The probability that one hour is better than another: the logarithm of the ratio of two Dirichlet shares a and b has
mean digamma(a) - digamma(b) and variance trigamma(a) + trigamma(b), and is taken as normal (Aitchison and Shen,
Biometrika 67, 1980). The terms for day and hour add up.

Blind spot: mail is opened after it is sent, so a sender who always sends at one hour sees many opens then.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from lib.send_time.office_hours import OfficeHours, moments_of

ENGAGING = frozenset({"open", "click", "reply"})
"""Kinds of events that show a person reading mail. A click counts, as some people never load images."""

FEWEST_MAILS = 5
PRIOR_MAILS = 10.0
SURE_ENOUGH = 0.9
"""Probability that the recipient's own hour is better, from which the advice uses it."""
_DAYS = 7
"""Days that are considered, today included: after a week the same weekdays would come again."""
_OUTSIDE = 0.1
"""Share of engagement outside office hours, and on days that are no work days: an estimate."""

_LARGE = 10.0
"""Argument from which the series for digamma and trigamma are exact enough."""


@dataclass(frozen=True, slots=True)
class EngagedMoment:
    """A moment at which a person engaged with a mail."""

    message: str
    kind: str
    local: datetime
    """Local time of the person, without a zone."""


@dataclass(frozen=True, slots=True)
class Week:
    """Weights of the days (Monday first) and of the hours of the day: mails counted, or shares that add up to one."""

    days: tuple[float, ...]
    hours: tuple[float, ...]

    def plus(self, other: Week, weight: float) -> Week:
        """Add the other week's weights, each times `weight`."""
        return Week(
            tuple(mine + weight * its for mine, its in zip(self.days, other.days, strict=True)),
            tuple(mine + weight * its for mine, its in zip(self.hours, other.hours, strict=True)),
        )

    def shares(self) -> Week:
        """Scale days and hours so that each add up to one."""
        return Week(
            tuple(weight / sum(self.days) for weight in self.days),
            tuple(weight / sum(self.hours) for weight in self.hours),
        )


@dataclass(frozen=True, slots=True)
class Habit:
    """A time to send that follows from the recipient's own engagement."""

    moment: datetime
    """UTC."""
    probability: float
    """Probability that it is better than office hours, from 0 to 1."""
    mails: int
    """Mails that the recipient engaged with."""


def mails_of(engagements: Iterable[EngagedMoment]) -> dict[str, set[tuple[int, int]]]:
    """The (weekday, hour) pairs of engagement with each message, each pair once. Monday is 0."""
    mails: dict[str, set[tuple[int, int]]] = {}
    for each in engagements:
        if each.kind in ENGAGING:
            mails.setdefault(each.message, set()).add((each.local.weekday(), each.local.hour))
    return mails


def count_mails(engagements: Iterable[EngagedMoment]) -> Week:
    """Count mails by weekday and hour. A mail counts one, spread evenly over its (weekday, hour) pairs."""
    days, hours = [0.0] * 7, [0.0] * 24
    for moments in mails_of(engagements).values():
        for day, hour in moments:
            days[day] += 1 / len(moments)
            hours[hour] += 1 / len(moments)
    return Week(tuple(days), tuple(hours))


def office_hours_shares(office: OfficeHours) -> Week:
    """Shares that follow from office hours alone."""
    on_days = {day - 1 for day in office.days}
    first, last = office.start.hour, office.end.hour if office.end.minute else office.end.hour - 1
    return Week(_mostly(on_days, 7), _mostly(range(first, last + 1), 24))


def _mostly(usual: Collection[int], of: int) -> tuple[float, ...]:
    return tuple(((1 - _OUTSIDE) / len(usual) if each in usual else 0.0) + _OUTSIDE / of for each in range(of))


def habit_of(
    own: Sequence[EngagedMoment],
    similar: Iterable[EngagedMoment],
    office: OfficeHours,
    suggested: datetime,
    now: datetime,
) -> Habit | None:
    """Find the first coming day whose best hour beats `suggested`, the advice by office hours; None if none does.

    None, too, with fewer than `FEWEST_MAILS` mails. Public holidays are skipped.
    """
    mails = len(mails_of(own))
    if mails < FEWEST_MAILS:
        return None
    expected = count_mails(similar).plus(office_hours_shares(office), PRIOR_MAILS).shares()
    posterior = count_mails(own).plus(expected, PRIOR_MAILS)
    baseline = suggested.astimezone(office.zone)
    for moment in _best_hours(posterior, office, now):
        probability = _beats(posterior, moment.astimezone(office.zone), baseline)
        if probability >= SURE_ENOUGH:
            return Habit(moment, probability, mails)
    return None


def _best_hours(posterior: Week, office: OfficeHours, now: datetime) -> Iterator[datetime]:
    """The beginning of the best hour of each coming day, or `now` within that hour."""
    first = now.astimezone(office.zone).date()
    for ahead in range(_DAYS):
        day = first + timedelta(days=ahead)
        moments = [] if office.holiday(day) else list(_hours_left(day, office.zone, now))
        if moments:
            yield max(moments, key=lambda moment: posterior.hours[moment.astimezone(office.zone).hour])


def _hours_left(day: date, zone: ZoneInfo, now: datetime) -> Iterator[datetime]:
    """The beginnings of a day's hours that are not over yet; `now` for the current hour.

    An hour that clocks skip is represented by the moment of the change, whose local hour is another one.
    """
    for hour in range(24):
        for start in moments_of(day, time(hour), zone):
            if now < start + timedelta(hours=1):
                yield max(start, now)


def _beats(posterior: Week, moment: datetime, baseline: datetime) -> float:
    """Probability that engagement is likelier at `moment` than at `baseline`, both local."""
    pairs = []
    if moment.weekday() != baseline.weekday():
        pairs.append((posterior.days[moment.weekday()], posterior.days[baseline.weekday()]))
    if moment.hour != baseline.hour:
        pairs.append((posterior.hours[moment.hour], posterior.hours[baseline.hour]))
    if not pairs:
        return 0.5
    mean = sum(digamma(one) - digamma(other) for one, other in pairs)
    variance = sum(trigamma(one) + trigamma(other) for one, other in pairs)
    return 0.5 * (1 + math.erf(mean / math.sqrt(2 * variance)))


def digamma(x: float) -> float:
    """The digamma function for x > 0, to 10 digits: upwards by DLMF 5.5.2, then 5.11.2 (https://dlmf.nist.gov/5.11)."""
    below = 0.0
    while x < _LARGE:
        below += 1 / x
        x += 1
    square = 1 / (x * x)
    return math.log(x) - 1 / (2 * x) - square * (1 / 12 - square * (1 / 120 - square / 252)) - below


def trigamma(x: float) -> float:
    """The trigamma function for x > 0, to 9 digits: upwards by DLMF 5.15.5, then 5.15.8 (https://dlmf.nist.gov/5.15)."""
    below = 0.0
    while x < _LARGE:
        below += 1 / (x * x)
        x += 1
    square = 1 / (x * x)
    return 1 / x + square / 2 + square / x * (1 / 6 - square * (1 / 30 - square / 42)) + below
