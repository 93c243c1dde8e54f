"""Rival: the former model, which took the first coming day whose best hour was likelier than office hours' hour.

Readings fall on days and on hours independently of each other, with Dirichlet shares; two shares are compared by the
normal approximation to the logarithm of their ratio.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

_PRIOR_MAILS = 10.0
_OFFICE_HOURS = range(8, 17)


def former_advice(read: Sequence[datetime], suggested: datetime, now: datetime) -> tuple[datetime, float] | None:
    """Return a time and its stated confidence; None for office hours. All times are the recipient's, without a zone."""
    if len(read) < 5:
        return None
    days = [_PRIOR_MAILS * share for share in _mostly(range(5), 7)]
    hours = [_PRIOR_MAILS * share for share in _mostly(_OFFICE_HOURS, 24)]
    for at in read:
        days[at.weekday()] += 1
        hours[at.hour] += 1
    for ahead in range(7):
        midnight = (now + timedelta(days=ahead)).replace(hour=0, minute=0)
        left = [max(now, midnight + timedelta(hours=hour)) for hour in range(24) if ahead or hour >= now.hour]
        moment = max(left, key=lambda at: hours[at.hour])
        sure = _beats(days, hours, moment, suggested)
        if sure >= 0.9:
            return moment, min(round(sure, 2), 0.99)
    return None


def _mostly(usual: Collection[int], of: int) -> list[float]:
    return [(0.9 / len(usual) if each in usual else 0.0) + 0.1 / of for each in range(of)]


def _beats(days: Sequence[float], hours: Sequence[float], moment: datetime, other: datetime) -> float:
    pairs = []
    if moment.weekday() != other.weekday():
        pairs.append((days[moment.weekday()], days[other.weekday()]))
    if moment.hour != other.hour:
        pairs.append((hours[moment.hour], hours[other.hour]))
    if not pairs:
        return 0.5
    mean = sum(_digamma(one) - _digamma(two) for one, two in pairs)
    variance = sum(_trigamma(one) + _trigamma(two) for one, two in pairs)
    return 0.5 * (1 + math.erf(mean / math.sqrt(2 * variance)))


def _digamma(x: float) -> float:
    below = 0.0
    while x < 10:
        below, x = below + 1 / x, x + 1
    return math.log(x) - 1 / (2 * x) - (1 / 12 - (1 / 120 - 1 / (252 * x * x)) / (x * x)) / (x * x) - below


def _trigamma(x: float) -> float:
    below = 0.0
    while x < 10:
        below, x = below + 1 / (x * x), x + 1
    return 1 / x + 1 / (2 * x * x) + (1 / 6 - (1 / 30 - 1 / (42 * x * x)) / (x * x)) / x**3 + below
