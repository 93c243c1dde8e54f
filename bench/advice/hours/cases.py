"""Cases of the benchmark: readers, the hours at which mail is sent to them, and what else opens their mail."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from zoneinfo import ZoneInfo

from bench.advice.hours import readers
from bench.advice.hours.readers import Reader
from lib.send_time.office_hours import OfficeHours, holidays_of
from lib.send_time.reading import EarlierAct, EarlierMail

MIX: Mapping[int, int] = {0: 8, 5: 8, 8: 5, 12: 3, 20: 2, 40: 1}
"""How many recipients of a case have read so many mails, for one who has read the most: few people read many. All cases
are equally frequent."""
MAILS = tuple(mails for mails in MIX if mails)
"""Numbers of mails that were read."""

_FIRST = datetime(2026, 1, 5)  # noqa: DTZ001
_DAYS = 120
_WORK_DAYS = frozenset(range(1, 6))
_ZONES = (("Europe/Vienna", "AT"), ("America/New_York", "US"), ("Australia/Lord_Howe", "AU"), ("Asia/Kolkata", "IN"))


@dataclass(frozen=True)
class Case:
    """One kind of reader, and how mail gets there."""

    name: str
    reader: Callable[[Random], Reader]
    hours: Sequence[float] = ()
    """Hours at which mail is sent on work days, each with an even chance within the half hour after it; without any,
    mail is sent at any time of the working day."""
    opened_by_machine: float = 0.0
    """Share of mails that a machine opens, taken for a person, within ten minutes."""
    scanned_at_night: bool = False
    """Whether a scanner opens each mail at night, taken for a person."""
    away: bool = False
    """Whether the reader is on holiday for two weeks, and reads all of its mail on the first morning."""
    clicked: float = 0.2
    """Share of mails in which the reader follows a link."""


@dataclass(frozen=True)
class Question:
    """One recipient, with earlier mail and the time for which advice is asked."""

    reader: Reader
    mails: list[EarlierMail]
    now: datetime
    suggested: datetime
    """The time by office hours, in UTC."""
    office: OfficeHours

    @property
    def suggested_there(self) -> datetime:
        """The time by office hours on the reader's clock, without a zone."""
        return self.suggested.astimezone(self.office.zone).replace(tzinfo=None)


def question(case: Case, random: Random, mails: int) -> Question:
    """Make a recipient of this case who has read so many mails."""
    zone, country = random.choice(_ZONES)
    reader = case.reader(random)
    office = OfficeHours(ZoneInfo(zone), _WORK_DAYS, time(8), time(17), holidays_of(country, None))
    read = list[EarlierMail]()
    for _ in range(40 * mails):
        if len(read) == mails:
            break
        mail = _mail(case, random, reader, office)
        read += [mail] if mail else []
    day = datetime(2026, 5, 11) + timedelta(days=random.randrange(140))  # noqa: DTZ001
    hour = random.choice((7.5, 9.25, 11.0, 13.75, 16.0, 20.5))
    now = (day + timedelta(hours=hour)).replace(tzinfo=ZoneInfo(zone))
    suggested = office.next_working_moment(now.astimezone(UTC))
    assert suggested is not None, "every zone here has a work day within two weeks"
    return Question(reader, read, now, suggested, office)


def _mail(case: Case, random: Random, reader: Reader, office: OfficeHours) -> EarlierMail | None:
    sent = _sent(case, random)
    done = list[EarlierAct]()
    at = reader.read(random, sent)
    if at and case.away and 40 <= (at - _FIRST).days < 54:
        at = _FIRST + timedelta(days=56, hours=8.5 + random.random())
    if at and _is_holiday(office, at.date()) and case.away:
        at = None
    if at:
        done.append(EarlierAct("open", at, 0.95))
        if random.random() < case.clicked:
            done.append(EarlierAct("click", at + timedelta(minutes=random.uniform(0.2, 4)), 0.97))
    if random.random() < case.opened_by_machine:
        done.append(EarlierAct("open", sent + timedelta(minutes=random.uniform(0.1, 10)), 0.7))
    if case.scanned_at_night:
        midnight = (sent + timedelta(days=1)).replace(hour=0, minute=0)
        done.append(EarlierAct("open", midnight + timedelta(hours=random.uniform(1, 4)), 0.7))
    return EarlierMail(sent, done) if done else None


def _sent(case: Case, random: Random) -> datetime:
    while True:
        day = _FIRST + timedelta(days=random.randrange(_DAYS))
        if day.weekday() < 5:
            break
    hour = random.choice(case.hours) + random.random() / 2 if case.hours else random.uniform(8, 17)
    return day + timedelta(hours=hour)


def _is_holiday(office: OfficeHours, day: date) -> bool:
    return office.holiday(day) is not None


NO_HABIT = (
    Case("any hour alike", readers.evenly),
    Case("any hour alike, mail at 9", readers.evenly, (9,)),
    Case("any waking hour alike", readers.when_awake),
    Case("any waking hour alike, mail at 19", readers.when_awake, (19,)),
    Case("office hours", readers.in_the_office),
    Case("office hours, mail at 7 and at 11", readers.in_the_office, (7, 11)),
    Case("office hours, away two weeks", readers.in_the_office, away=True),
    Case("office hours, scanned at night", readers.in_the_office, scanned_at_night=True),
    Case("office hours, 1 of 5 mails opened by a machine", readers.in_the_office, opened_by_machine=0.2),
)

SENDERS_HOUR = (
    Case("within the hour, mail at 7", readers.within_the_hour, (7,)),
    Case("within the hour, mail at 9", readers.within_the_hour, (9,)),
    Case("within the hour, mail at 19", readers.within_the_hour, (19,)),
    Case("within the hour, mail at 7, 12 and 19", readers.within_the_hour, (7, 12, 19)),
    Case("within the hour, mail in office hours", readers.within_the_hour),
    Case("half an hour, more or less, mail at 7", readers.soon, (7,)),
    Case("half an hour, more or less, mail at 19", readers.soon, (19,)),
    Case("minutes or days, mail at 9", readers.sooner_or_later, (9,)),
    Case("minutes or days, mail at 7 and at 19", readers.sooner_or_later, (7, 19)),
    Case("at no hour: a nightly scanner alone", lambda _: readers.Looking((0.0,) * 168), scanned_at_night=True),
)

HABITS = (
    Case("in the morning", readers.in_the_morning),
    Case("in the evening", readers.in_the_evening),
    Case("at the weekend", readers.at_the_weekend),
    Case("on one work day", readers.on_one_day),
    Case("at lunch", readers.at_lunch),
    Case("in the morning, scanned at night", readers.in_the_morning, scanned_at_night=True),
    Case("in the evening, 1 of 10 mails opened by a machine", readers.in_the_evening, opened_by_machine=0.1),
    Case("at the weekend, never a click", readers.at_the_weekend, clicked=0.0),
)

CASES = (*NO_HABIT, *SENDERS_HOUR, *HABITS)
