"""The mails of the demo: those of the benchmark's play that lie in the last 90 days, with what became of each.

The play has a calendar of its own. It is moved by whole weeks, so that its working days stay working days, and ends
within a week after now.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from bench.traces.organizations import DAYS
from bench.traces.organizations.copies import Answer
from bench.traces.organizations.play import PlayedMail
from bench.traces.organizations.world import START
from bench.traces.timing import DAY, HOUR
from bench.traces.trace import Request
from demo.cast import Cast, Contact, Seller
from demo.texts import TEMPLATES, DemoTemplate
from lib.clock import milliseconds, moment

HISTORY = timedelta(days=90)
_WEEK = 7 * DAY
_ANSWERED = 3.0
"""Factor by which a mail with an answer is taken more often than others: the play has one answer in thirty mails."""
_LATELY = 2.0
"""Factor by which a mail of the last week is taken more often, so that the first screens have news."""

_AGAIN = 0.05
"""Factor for a template that the recipient has got before."""


@dataclass(frozen=True, slots=True)
class Letter:
    """One mail of the demo."""

    number: int
    sent_at: datetime
    sender: Seller
    recipients: tuple[Contact, ...]
    template: DemoTemplate
    opportunity: int
    """Which of the company's two sales the mail is about: 0 or 1."""
    played: PlayedMail
    shift: int
    """Milliseconds from the play's calendar to ours."""

    @property
    def requests(self) -> Sequence[Request]:
        """Requests of scanners and people in the order of time, in the play's calendar."""
        return self.played.trace.requests

    @property
    def answers(self) -> Sequence[Answer]:
        return self.played.answers

    def time_of(self, at: int) -> datetime:
        """Return a time of the play's calendar in ours."""
        return moment(at + self.shift)

    def played_day(self, day: int) -> int:
        """Return the morning of a day of the play (milliseconds since 1970, in its calendar)."""
        return START + day * DAY + 8 * HOUR

    def visible_place(self, item: int) -> int | None:
        """Return the place of a link among those that people see; None for the hidden one."""
        trap = self.played.trace.honeypots
        return None if item in trap else item - sum(each < item for each in trap)


def choose_letters(mails: Sequence[PlayedMail], cast: Cast, now: datetime, count: int, seed: int) -> list[Letter]:
    """Choose some `count` mails of the 90 days before `now`, in the order of their sending."""
    random = Random(f"letters {seed}")
    end = milliseconds(now)
    shift = -(-(end - START - DAYS * DAY) // _WEEK) * _WEEK
    there = [mail for mail in mails if end - HISTORY // timedelta(milliseconds=1) < mail.trace.sent_at + shift < end]
    weights = [_weight(mail, end - shift) for mail in there]
    # Efraimidis and Spirakis: the largest of u^(1/w) are a sample without replacement by weight.
    keys = [random.random() ** (1 / weight) for weight in weights]
    order = sorted(range(len(there)), key=lambda place: -keys[place])[:count]
    chosen = sorted((there[place] for place in order), key=lambda mail: mail.trace.sent_at)
    sent: set[tuple[str, str]] = set()
    return [_letter(random, number, mail, cast, shift, sent) for number, mail in enumerate(chosen)]


def _weight(mail: PlayedMail, end: int) -> float:
    answered = any(each.kind == "reply" for each in mail.answers)
    return (_ANSWERED if answered else 1.0) * (_LATELY if mail.trace.sent_at > end - _WEEK else 1.0)


def _letter(
    random: Random, number: int, mail: PlayedMail, cast: Cast, shift: int, sent: set[tuple[str, str]]
) -> Letter:
    """Name the mail. `sent` holds the templates that each address has got so far."""
    recipients = tuple(cast.contacts[each] for each in mail.recipients)
    template = _template(random, mail, recipients[0], sent)
    sent |= {(each.email, template.id) for each in recipients}
    return Letter(
        number=number,
        sent_at=moment(mail.trace.sent_at + shift),
        sender=recipients[0].company.seller,
        recipients=recipients,
        template=template,
        opportunity=random.randrange(2),
        played=mail,
        shift=shift,
    )


def _template(random: Random, mail: PlayedMail, first: Contact, sent: set[tuple[str, str]]) -> DemoTemplate:
    """Choose a template of the language, rarely one that the first recipient has got before.

    Answered mails are more often of the templates that are said to work.
    """
    answered = any(each.kind == "reply" for each in mail.answers)
    fitting = [each for each in TEMPLATES if each.language == first.language]
    weights = [each.share * (each.strength if answered else 1.0) for each in fitting]
    known = [_AGAIN if (first.email, each.id) in sent else 1.0 for each in fitting]
    return random.choices(fitting, [weight * rest for weight, rest in zip(weights, known, strict=True)])[0]
