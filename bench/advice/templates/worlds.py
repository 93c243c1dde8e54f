"""Simulated worlds: templates with true open rates, and mails that are opened as readers are, late or never seen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import ceil
from random import Random

from lib.clock import milliseconds, month_of
from lib.templates.people import person_place
from lib.templates.shares import BUCKET, TemplateShare
from lib.templates.tallies import LATE_OPENS_HOURS, Contact, Tally

NOW = datetime(2026, 6, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail and its circumstances."""

    template: int
    sender: str = "s1"
    contact: Contact = "known"
    platform: str = ""
    age: timedelta = timedelta(days=20)
    person: int | None = None
    """The number of its recipient; None for one who gets no other mail."""
    apple: bool = False
    shift: float = 0.0
    """What its circumstances add to the true open rate, 0 to 1."""


@dataclass(frozen=True, slots=True)
class World:
    """A case of the benchmark: the true rates in equal circumstances, and how mail is sent."""

    name: str
    rates: Sequence[float]
    make_mails: Callable[[Random], Sequence[Mail]]
    reply_rates: Sequence[float] | None = None
    """Shares of all mails that are answered; None where replies cannot be seen."""
    people: int = 0
    """The number of recipients who get several mails."""
    likeness: float = 0.0
    """How alike results of mails to one person are: the correlation, 0 to 1."""


def play(world: World, chance: Random) -> list[tuple[int, TemplateShare]]:
    """Send the mails; return each one's template and share, as NOW sees them."""
    moods = [chance.random() for _ in range(world.people)]
    return [(mail.template, _share(world, mail, moods, chance)) for mail in world.make_mails(chance)]


def _share(world: World, mail: Mail, moods: Sequence[float], chance: Random) -> TemplateShare:
    sent_at = NOW - mail.age
    rate = min(1.0, max(0.0, world.rates[mail.template] + mail.shift))
    # With the correlation's probability a mail does as its reader always does.
    drawn = chance.random()
    if mail.person is not None and chance.random() < world.likeness**0.5:
        drawn = moods[mail.person]
    delay = timedelta(hours=chance.lognormvariate(_LOG_MEDIAN, _SPREAD))
    is_opened = drawn < rate and delay <= mail.age
    answered = world.reply_rates is not None and chance.random() < world.reply_rates[mail.template]
    tally = Tally(sent=1, followed=1, unknown=int(mail.apple), opened=int(is_opened and not mail.apple))
    tally.replied = int(answered)
    if tally.opened:
        for hours in LATE_OPENS_HOURS:
            setattr(tally, f"opened_after_{hours}h", int(delay > timedelta(hours=hours)))
    person = f"person {mail.person}" if mail.person is not None else f"{chance.random()}"
    return TemplateShare(
        sender=mail.sender,
        contact=mail.contact,
        platform=mail.platform,
        month=month_of(sent_at),
        bucket=milliseconds(sent_at) // BUCKET,
        person=person_place(person),
        numbers=tally.numbers(),
    )


_LOG_MEDIAN, _SPREAD = 1.0986, 1.4
"""Of the log-normal delay of a first open, whose median is 3 hours: 93 % come within 24 hours, 99 % within 72."""


def spread_evenly(templates: int, each: int) -> Callable[[Random], Sequence[Mail]]:
    """Mail as a team sends it: two senders, known and new contacts, two platforms, two months; `each` of a template."""

    def make_mails(chance: Random) -> list[Mail]:
        mails = []
        for template in range(templates):
            for _ in range(each):
                sender, contact = chance.choice(_SENDERS), chance.choice(_CONTACTS)
                platform, age = chance.choice(_PLATFORMS), timedelta(days=chance.uniform(8, 60))
                shift = _SHIFT[sender] + _SHIFT[contact]
                mails.append(Mail(template, sender, contact, platform, age, shift=shift))
        return mails

    return make_mails


_SENDERS = ("s1", "s2")
_CONTACTS: tuple[Contact, ...] = ("new", "known")
_PLATFORMS = ("google-workspace", "microsoft-365")
_SHIFT = {"s1": -0.03, "s2": 0.03, "new": -0.05, "known": 0.05}


def whole(share: float, number: int) -> int:
    """Return a share of a number, rounded up."""
    return ceil(share * number)
