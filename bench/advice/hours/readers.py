"""Simulated readers, whose true shares of mail read in time are known. All times are the reader's, without a zone."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Protocol

from lib.send_time.reading import LONGEST_WAIT, spans_of

_ALL_DAYS, _WORK_DAYS, _WEEKEND = range(7), range(5), (5, 6)


class Reader(Protocol):
    """Someone who reads mail."""

    def read(self, random: Random, sent: datetime) -> datetime | None:
        """Return the time at which a mail is read; None if later than a week."""

    def share(self, sent: datetime, within: timedelta) -> float:
        """True probability that a mail sent then is read in time."""


@dataclass(frozen=True)
class Looking:
    """Looks at the inbox at a rate that depends on the hour of the week, and reads all that is there."""

    rates: tuple[float, ...]
    """Looks an hour, by hour of the week."""

    def read(self, random: Random, sent: datetime) -> datetime | None:
        left = random.expovariate(1)
        for span in spans_of(sent, sent + LONGEST_WAIT):
            looks = self.rates[span.hour_of_week] * span.hours(ages=False)
            if left < looks:
                return span.start + timedelta(hours=left / self.rates[span.hour_of_week])
            left -= looks
        return None

    def share(self, sent: datetime, within: timedelta) -> float:
        spans = spans_of(sent, sent + within)
        return 1 - math.exp(-sum(self.rates[span.hour_of_week] * span.hours(ages=False) for span in spans))


@dataclass(frozen=True)
class OnceADay:
    """Reads once on each of some days, at an even chance in some hours, and misses a few mails."""

    days: Collection[int]
    start: float
    length: float
    """Hours."""
    missed: float

    def read(self, random: Random, sent: datetime) -> datetime | None:
        midnight = sent.replace(hour=0, minute=0, second=0, microsecond=0)
        for ahead in range(8):
            day = midnight + timedelta(days=ahead)
            at = day + timedelta(hours=self.start + self.length * random.random())
            if day.weekday() in self.days and at >= sent and random.random() >= self.missed:
                return at
        return None

    def share(self, sent: datetime, within: timedelta) -> float:
        if sent.weekday() not in self.days:
            return 0.0
        begin = sent.hour + sent.minute / 60
        until = min(begin + within / timedelta(hours=1), self.start + self.length)
        return (1 - self.missed) * max(until - max(begin, self.start), 0.0) / self.length


@dataclass(frozen=True)
class WhenItComes:
    """Reads a mail after a delay that no hour changes."""

    delay: Callable[[Random], float]
    """Draws hours."""

    def read(self, random: Random, sent: datetime) -> datetime | None:
        at = sent + timedelta(hours=self.delay(random))
        return at if at - sent <= LONGEST_WAIT else None

    def share(self, sent: datetime, within: timedelta) -> float:
        return 0.5  # any number will do: all times are the same


def _week(rate: float, elsewhere: float, days: Collection[int], hours: Collection[int]) -> Looking:
    return Looking(
        tuple(rate if day in days and hour in hours else elsewhere for day in range(7) for hour in range(24))
    )


def evenly(random: Random) -> Reader:
    """Someone who looks at the inbox at any hour of the week alike, every half an hour to every 30 hours."""
    rate = 10 ** random.uniform(-1.5, 0.3)
    return _week(rate, rate, (), ())


def when_awake(random: Random) -> Reader:
    """Someone who looks at any waking hour alike."""
    return _week(10 ** random.uniform(-1.3, 0.3), 0.001, _ALL_DAYS, range(7, 22))


def in_the_office(random: Random) -> Reader:
    """Someone who reads in office hours, at any of them alike."""
    rate = 10 ** random.uniform(-0.7, 0.5)
    return _week(rate, 0.01 * rate, _WORK_DAYS, range(8, 17))


def _habit(random: Random, days: Collection[int], start: int, length: int) -> Reader:
    """Someone who reads mostly in these hours: by looks, or once a day."""
    if random.random() < 0.5:
        return OnceADay(days, start, length, random.uniform(0, 0.3))
    rate = random.uniform(1, 3)
    return _week(rate, rate * random.uniform(0, 0.01), days, range(start, start + length))


def in_the_morning(random: Random) -> Reader:
    return _habit(random, random.choice((_WORK_DAYS, _ALL_DAYS)), random.choice((6, 7)), random.choice((1, 2)))


def in_the_evening(random: Random) -> Reader:
    return _habit(random, random.choice((_WORK_DAYS, _ALL_DAYS)), random.choice((18, 19)), random.choice((1, 2, 3)))


def at_the_weekend(random: Random) -> Reader:
    return _habit(random, _WEEKEND, random.choice((9, 10, 11, 14)), random.choice((1, 2, 3)))


def on_one_day(random: Random) -> Reader:
    """Someone who reads on one work day, in one or two hours."""
    return _habit(random, (random.randrange(5),), random.choice((9, 11, 14, 16)), random.choice((1, 2)))


def at_lunch(random: Random) -> Reader:
    return _habit(random, _WORK_DAYS, 12, 1)


def within_the_hour(random: Random) -> Reader:
    return WhenItComes(lambda random: random.random())


def soon(random: Random) -> Reader:
    """Someone who reads after half an hour, as often sooner as later, at times much later."""
    return WhenItComes(lambda random: random.lognormvariate(math.log(0.5), 1.2))


def sooner_or_later(random: Random) -> Reader:
    """Someone who reads within minutes or after days."""
    return WhenItComes(lambda random: random.lognormvariate(0, 1.7))
