"""The cases of the benchmark: true rates, and how mail is sent. Template 0 is the best one, if there is one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from bench.advice.templates.worlds import Mail
from lib.templates.recommend import RecommendBy
from lib.templates.tallies import Contact

_DAY = 24.0
GAPS = (0.02, 0.05, 0.10)
SIZES = (20, 50, 100, 300, 1000)


@dataclass(frozen=True, slots=True)
class Case:
    """A way to use templates."""

    name: str
    rates: Sequence[float]
    """The true values of the templates, in equal circumstances, by which picks are judged."""
    make_mails: Callable[[Random], list[Mail]]
    by: RecommendBy = "opens"
    replies_seen: bool = False
    likeness: float = 0.0
    series: int = 1
    """The series of template 0's newest content."""
    runs: int = 400


def plain_case(gap: float, size: int) -> Case:
    """Two templates, sent alike."""
    rates = (0.5, 0.5 - gap)
    runs = 400 if size < SIZES[-1] else 200
    return Case(f"{gap * 100:.0f} points, {size} mails", rates, lambda chance: _alike(rates, size, chance), runs=runs)


def _alike(rates: Sequence[float], size: int, chance: Random) -> list[Mail]:
    """Mail of two senders, to known and new contacts, on two platforms, in two months; `size` of each template."""
    mails = []
    for template, rate in enumerate(rates):
        for _ in range(size):
            cold, known, google = chance.random() < 0.5, chance.random() < 0.5, chance.random() < 0.5
            mails.append(
                Mail(
                    template,
                    rate + (-0.03 if cold else 0.03) + (0.05 if known else -0.05),
                    "s1" if cold else "s2",
                    "known" if known else "new",
                    "google-workspace" if google else "microsoft-365",
                    chance.uniform(8, 60) * _DAY,
                )
            )
    return mails


def many_templates() -> Case:
    """Forty templates from 32 to 52 %, the best one 2 points above the next."""
    rates = [0.52, *(0.5 - 0.18 * place / 38 for place in range(39))]
    return Case("40 templates, 300 mails each", rates, lambda chance: _alike(rates, 300, chance), runs=60)


A, B = 0.45, 0.40
"""The true rates in the traps: the first template is 5 points better in every group."""


def _fresh(chance: Random) -> list[Mail]:
    old = [
        Mail(template, rate, hours=chance.uniform(8, 25) * _DAY)
        for template, rate in ((0, A), (1, B))
        for _ in range(300)
    ]
    return old + [Mail(0, A, hours=chance.uniform(0, 12)) for _ in range(300)]


def _senders(share: float) -> Callable[[Random], list[Mail]]:
    """`share` of the first template's mails are by a sender with a cold list, and of the second's by a warm one."""

    def make_mails(chance: Random) -> list[Mail]:
        mails = []
        for template, rate in ((0, A), (1, B)):
            for _ in range(400):
                cold = (chance.random() < share) == (template == 0)
                mails.append(Mail(template, rate + (-0.15 if cold else 0.15), "s1" if cold else "s2"))
        return mails

    return make_mails


def _contacts(chance: Random) -> list[Mail]:
    mails = []
    for template, rate in ((0, A), (1, B)):
        for _ in range(400):
            is_new = (chance.random() < 0.8) == (template == 0)
            contact: Contact = "new" if is_new else "known"
            mails.append(Mail(template, rate + (-0.12 if is_new else 0.12), contact=contact))
    return mails


def _platforms(chance: Random) -> list[Mail]:
    mails = []
    for template, rate in ((0, A), (1, B)):
        for _ in range(400):
            hard = (chance.random() < 0.75) == (template == 0)
            mails.append(Mail(template, rate + (-0.15 if hard else 0.15), platform="mimecast" if hard else "yahoo"))
    return mails


def _apple(chance: Random) -> list[Mail]:
    return [
        Mail(template, rate, apple=chance.random() < apple)
        for template, rate, apple in ((0, A, 0.6), (1, B, 0.1))
        for _ in range(600)
    ]


def _time(chance: Random) -> list[Mail]:
    """Rates fall by 5 points a month; the second template's mails are mostly older."""
    mails = []
    for template, rate in ((0, A), (1, B)):
        for _ in range(500):
            days = chance.triangular(10, 145, 10 if template == 0 else 145)
            mails.append(Mail(template, rate + 0.05 * days / 30, hours=days * _DAY))
    return mails


def _replies(chance: Random) -> list[Mail]:
    return [
        Mail(template, rate, reply_rate=replies)
        for template, rate, replies in ((0, 0.45, 0.08), (1, 0.52, 0.05))
        for _ in range(300)
    ]


def _same_people(chance: Random) -> list[Mail]:
    """Ten mails each to ten people, others for each template."""
    return [
        Mail(template, rate, person=1000 * template + number % 10)
        for template, rate in ((0, 0.45), (1, 0.43))
        for number in range(100)
    ]


def _new_text(chance: Random) -> list[Mail]:
    """The second template had a good text, and has a bad one since."""
    old = [Mail(1, 0.6, hours=_DAY * chance.uniform(40, 60), series=1) for _ in range(500)]
    new = [Mail(1, 0.4, hours=_DAY * chance.uniform(8, 30), series=2) for _ in range(150)]
    return old + new + [Mail(0, 0.5, hours=_DAY * chance.uniform(8, 60), series=2) for _ in range(400)]


TRAPS = (
    Case("300 of the better one's mails are hours old", (A, B), _fresh),
    Case("the better one is sent by a cold sender (80 %)", (A, B), _senders(0.8)),
    Case("the better one is sent by a cold sender alone", (A, B), _senders(1.0)),
    Case("the better one goes to new contacts", (A, B), _contacts),
    Case("the better one goes to a harder platform", (A, B), _platforms),
    Case("the better one's readers use Apple Mail", (A, B), _apple),
    Case("rates fell, the worse one's mails are older", (A, B), _time),
    Case("answered more, opened less", (0.08, 0.05), _replies, by="replies", replies_seen=True),
    Case("ten people with ten mails each", (0.45, 0.43), _same_people, likeness=0.4),
    Case("a new, worse text under an old name", (0.5, 0.4), _new_text, series=2),
)
