"""Simulated mail: who gets which template, when, and whether it is opened, late, out of sight, or like the last one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random

from lib.clock import milliseconds, month_of
from lib.templates.people import person_place
from lib.templates.shares import BUCKET, TemplateCounts, TemplateShare
from lib.templates.tallies import LATE_OPENS_HOURS, Contact

NOW = datetime(2026, 6, 1, tzinfo=UTC)
_NOW = milliseconds(NOW)
_HOUR = 60 * 60 * 1000
_LOG_MEDIAN, _SPREAD = 1.0986, 1.4
"""Of the log-normal delay of a first open, whose median is 3 hours: 93 % come within 24 hours, 99 % within 72."""
_MONTHS: dict[int, str] = {}


@dataclass(slots=True)
class Mail:
    """A mail, its circumstances and its fate."""

    template: int
    rate: float
    """The true probability of an open in these circumstances."""
    sender: str = "s1"
    contact: Contact = "known"
    platform: str = ""
    hours: float = 480.0
    """Its age at NOW."""
    person: int | None = None
    """The number of its recipient; None for one who gets no other mail."""
    apple: bool = False
    """Whether a program loads its images by itself."""
    series: int = 1
    reply_rate: float = 0.0
    opened_after: float | None = None
    """Hours from sending to the first open; None where it is never opened."""
    answered: bool = False


def decide_fates(mails: Iterable[Mail], chance: Random, likeness: float = 0.0) -> None:
    """Draw for each mail when it is opened, if ever. Results of one person correlate by `likeness`, 0 to 1."""
    moods: dict[int | None, float] = defaultdict(chance.random)
    like = likeness**0.5
    for mail in mails:
        # Two mails of one person both follow that person's mood with the probability `likeness`.
        follows_mood = mail.person is not None and chance.random() < like
        drawn = moods[mail.person] if follows_mood else chance.random()
        mail.opened_after = chance.lognormvariate(_LOG_MEDIAN, _SPREAD) if drawn < mail.rate else None
        mail.answered = chance.random() < mail.reply_rate


def is_open(mail: Mail, now: int = _NOW) -> bool:
    """Whether it has been opened by `now` (milliseconds since 1970)."""
    return mail.opened_after is not None and mail.opened_after * _HOUR <= now - _sent_at(mail)


def _sent_at(mail: Mail) -> int:
    return _NOW - round(mail.hours * _HOUR)


def count_mails(mails: Iterable[Mail], chance: Random, now: int = _NOW) -> Mapping[int, TemplateCounts]:
    """Count mails by template, as the follower of assessments does, as of `now`."""
    shares: dict[int, list[TemplateShare]] = defaultdict(list)
    for mail in mails:
        shares[mail.template].append(_share(mail, chance, now))
    return {template: TemplateCounts.total(some) for template, some in shares.items()}


def _share(mail: Mail, chance: Random, now: int) -> TemplateShare:
    sent_at = _sent_at(mail)
    opened = is_open(mail, now)
    person = f"person {mail.person}" if mail.person is not None else f"{chance.random()}"
    seen = int(opened and not mail.apple)
    after = mail.opened_after or 0.0
    late = [int(seen and after > hours) for hours in LATE_OPENS_HOURS]
    return TemplateShare.model_construct(
        series=mail.series,
        regarding="",
        sender=mail.sender,
        contact=mail.contact,
        platform=mail.platform,
        month=_month(sent_at),
        bucket=sent_at // BUCKET,
        person=person_place(person),
        numbers=[1, 1, seen, 0, int(mail.answered), int(mail.apple), *late],
    )


def _month(at: int) -> str:
    day = at // (24 * _HOUR)
    if day not in _MONTHS:
        _MONTHS[day] = month_of(datetime.fromtimestamp(day * 86_400, UTC))
    return _MONTHS[day]


def raw_rates(mails: Sequence[Mail], templates: int, now: int = _NOW) -> list[tuple[int, float]]:
    """Return (mails, opens as a share of them) of each template, all mails alike."""
    sent, opened = [0] * templates, [0] * templates
    for mail in mails:
        sent[mail.template] += 1
        opened[mail.template] += is_open(mail, now) and not mail.apple
    return [(number, hits / number if number else 0.0) for number, hits in zip(sent, opened, strict=True)]
