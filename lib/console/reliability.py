"""Plot how reliable verdicts were: what was said against what came true, a dot for each tenth."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

from lib.console.bars import percent
from lib.console.times import counted
from lib.reliability.report import ReliabilityOfSide

SIZE = 260
"""Units of each side of the plot."""

_MARGIN = 34
_LEAST_RADIUS, _MOST_RADIUS = 3.5, 12.0
_CLOSE = 0.03
"""A mean distance up to which verdicts are said to have come true."""

_WORDS = {
    "reply": ("reply that followed", "replies that followed"),
    "hidden_link": ("hidden link that was followed", "hidden links that were followed"),
    "declared": ("machine that named itself", "machines that named themselves"),
    "feedback": ("word of a user", "words of users"),
}


@dataclass(frozen=True, slots=True)
class Dot:
    """Cases of one tenth."""

    x: float
    y: float
    radius: float
    title: str


@dataclass(frozen=True, slots=True)
class SideShown:
    """Opens, or clicks, as the page shows them."""

    name: str
    sentence: str
    is_good: bool
    cases: int
    dots: list[Dot]
    rows: list[tuple[str, int, str, str]]
    """For each tenth with cases: its range, the cases, what was said, what came true."""

    evidence: list[str]
    shift: float


def side_shown(name: str, side: ReliabilityOfSide) -> SideShown:
    """Draw one side of a month's report."""
    filled = [each for each in side.bins if each.cases and each.said is not None and each.came_true is not None]
    most = max((each.cases for each in filled), default=1)
    rows, dots = [], []
    for each in filled:
        said, came_true = each.said or 0.0, each.came_true or 0.0
        texts = (f"{percent(said)} %", f"{percent(came_true)} %")
        rows.append((f"{percent(each.low)} to {percent(each.high)} %", each.cases, *texts))
        radius = _LEAST_RADIUS + (_MOST_RADIUS - _LEAST_RADIUS) * sqrt(each.cases / most)
        title = f"{counted(each.cases, 'case')}: {texts[0]} said, {texts[1]} came true"
        dots.append(Dot(_place(said), SIZE - _place(came_true), round(radius, 1), title))
    return SideShown(
        name=name,
        sentence=_sentence(side),
        is_good=side.error is not None and side.error <= _CLOSE,
        cases=side.cases,
        dots=dots,
        rows=rows,
        evidence=[counted(number, *_WORDS[kind]) for kind, number in side.by_evidence.items() if number],
        shift=side.prior_shift,
    )


def _sentence(side: ReliabilityOfSide) -> str:
    if side.error is None or side.said is None or side.came_true is None:
        return "No certain cases yet: replies, hidden links, machines that name themselves and your feedback make some."
    said, came_true = percent(side.said), percent(side.came_true)
    far = f"{side.error * 100:.1f}".removesuffix(".0")
    cases = counted(side.cases, "certain case")
    points = "point" if far == "1" else "points"
    return f"Of {cases}, {said} % were said to be people's, and {came_true} % were. The mean error is {far} {points}."


def _place(share: float) -> float:
    return round(_MARGIN + share * (SIZE - 2 * _MARGIN), 1)
