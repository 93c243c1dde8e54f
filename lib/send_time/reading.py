"""Waits: how long each mail waited before its recipient read it.

An hour at which much mail is read may only be the hour at which mail comes. So a time of reading counts together with
the hours before it at which the mail was there and was not read.

Answers, clicks and viewed attachments count more than opens: where a mail has some that a person surely did, the first
of these is the time of reading. An open may be a machine's that passed for a person. At night opens
never count, as scanners work at night, too; sure acts do for a recipient who has had them with `ACTS_AT_NIGHT` mails.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

DAY_BEGINS, DAY_ENDS = 6, 22
"""Hours of the day between which mail may be sent; the rest is night, the recipient's quiet hours."""

ACTS_AT_NIGHT = 3
"""Mails with which a person surely did something at night, from which on the recipient has no quiet hours."""

LONGEST_WAIT = timedelta(days=7)
"""A mail that waited longer met an absence, and says nothing about the hours of a week."""

_ACTS = frozenset({"click", "attachment_view", "reply", "calendar_answer"})
_OPENS = frozenset({"open", "read_receipt"})
_SURE_ACT = 0.9
"""Probability of a person from which an act is sure."""
_WEIGHT_OF_AN_OPEN = 0.75
"""Weight of a mail that was only opened, in mails with a sure act: an estimate of the opens that a person made and that
are the first look at the mail."""

_AGING = 1.0
"""Hours after which a mail that is read when it comes is read at half the rate."""

_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class EarlierAct:
    """One thing that a person did with a mail, by all that is known."""

    kind: str
    """The kind of its fact, such as `open` or `reply`."""
    local: datetime
    """Local time of the person, without a zone."""
    probability: float = 1.0
    """Probability that it was a person, from 0 to 1."""

    @property
    def is_sure_act(self) -> bool:
        return self.kind in _ACTS and self.probability >= _SURE_ACT


@dataclass(frozen=True, slots=True)
class EarlierMail:
    """A mail to the recipient, and what the recipient did with it."""

    sent: datetime
    """Local time of the recipient, without a zone."""
    engagements: Sequence[EarlierAct]


@dataclass(frozen=True, slots=True)
class Wait:
    """The time for which a mail waited to be read."""

    sent: datetime
    """Local time of the recipient, without a zone."""
    until: datetime
    """The time of reading, or else the time until which the mail is known to be unread; as `sent`."""
    is_read: bool
    weight: float
    """Number of mails for which this one counts, from 0 to 1."""


@dataclass(frozen=True, slots=True)
class Waits:
    """The waits of all mails to one recipient."""

    each: tuple[Wait, ...]
    has_quiet_hours: bool
    """Whether nights count for nothing."""
    sittings: int
    """Number of times at which mails were read, one or several at a time."""

    @property
    def mails_read(self) -> int:
        return sum(wait.is_read for wait in self.each)


def is_at_night(local: datetime) -> bool:
    """Whether a local time lies in quiet hours."""
    return not DAY_BEGINS <= local.hour < DAY_ENDS


def waits_of(mails: Iterable[EarlierMail]) -> Waits:
    """Find the time of reading of each mail, and leave out mails that were not read within `LONGEST_WAIT`.

    Mails that were read at one sitting, as on the first morning after an absence, tell of one time at which the
    recipient reads. They count as one mail together.
    """
    mails = list(mails)
    at_night = sum(any(each.is_sure_act and is_at_night(each.local) for each in mail.engagements) for mail in mails)
    has_quiet_hours = at_night < ACTS_AT_NIGHT
    waits = [wait for wait in (_wait_of(mail, has_quiet_hours) for mail in mails) if wait]
    sittings = _sittings_of([wait for wait in waits if wait.is_read])
    counted = [wait for wait in waits if not wait.is_read]
    counted += [replace(wait, weight=wait.weight / len(some)) for some in sittings for wait in some]
    return Waits(tuple(counted), has_quiet_hours, len(sittings))


def _sittings_of(read: Sequence[Wait]) -> list[list[Wait]]:
    """Put mails together that were read within an hour of the first of them."""
    sittings = list[list[Wait]]()
    for wait in sorted(read, key=lambda wait: wait.until):
        if sittings and wait.until - sittings[-1][0].until < _HOUR:
            sittings[-1].append(wait)
        else:
            sittings.append([wait])
    return sittings


def _wait_of(mail: EarlierMail, has_quiet_hours: bool) -> Wait | None:
    after = sorted((each for each in mail.engagements if each.local >= mail.sent), key=lambda each: each.local)
    done = [each for each in after if each.kind in _ACTS | _OPENS]
    counted = [each for each in done if not is_at_night(each.local) or (each.is_sure_act and not has_quiet_hours)]
    acts = [each for each in counted if each.is_sure_act]
    first = next(iter(acts or counted or done), None)
    if first is None or first.local - mail.sent > LONGEST_WAIT:
        return None
    return Wait(mail.sent, first.local, bool(counted), 1.0 if acts else _WEIGHT_OF_AN_OPEN)


@dataclass(frozen=True, slots=True)
class WaitSpan:
    """A part of a wait within one hour of the clock."""

    start: datetime
    hour_of_week: int
    """From 0, Monday from 0:00, to 167."""
    age: float
    """Hours since the mail was sent, at the start."""
    until_age: float
    """Hours since the mail was sent, at the end."""

    def hours(self, *, ages: bool) -> float:
        """Length in hours; if the mail `ages`, the integral of `freshness`."""
        if not ages:
            return self.until_age - self.age
        return _AGING * math.log((_AGING + self.until_age) / (_AGING + self.age))


def freshness(age: float) -> float:
    """Relative rate at which mail of an age, in hours, is read by people who read it when it comes."""
    return _AGING / (_AGING + age)


def spans_of(sent: datetime, until: datetime) -> Iterator[WaitSpan]:
    """Cut a time into the hours of the clock, all in local time."""
    at = sent
    while at < until:
        end = min(at.replace(minute=0, second=0, microsecond=0) + _HOUR, until)
        yield WaitSpan(at, hour_of_week(at), (at - sent) / _HOUR, (end - sent) / _HOUR)
        at = end


def hour_of_week(local: datetime) -> int:
    """Number the hours of a week from Monday, 0:00 to 1:00, which is 0."""
    return local.weekday() * 24 + local.hour
