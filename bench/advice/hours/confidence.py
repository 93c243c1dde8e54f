"""Whether stated confidence comes true, in each tenth of it, and how much that depends on who the recipients are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from bench.advice.hours.cases import HABITS, MIX
from bench.advice.hours.outcomes import Outcome
from lib.send_time.advice import BY_CUSTOM, SUREST
from lib.templates.rates import rate_of

NEAR = 0.05
"""Difference up to which a stated confidence has come true."""


class Stated(NamedTuple):
    """A stated confidence, and whether it came true."""

    sure: float
    is_true: bool
    of: Outcome


def of_habits(heed: Iterable[Outcome]) -> list[Stated]:
    """Return the confidence of the best time, advised or not, of each recipient whose mails tell."""
    return [Stated(each.answer.confidence, each.comes_true, each) for each in heed if each.answer.is_computed]


def of_office_hours(heed: Iterable[Outcome]) -> list[Stated]:
    """Return the confidence of office hours, where they are advised to recipients whose mails tell."""
    advised = [each for each in heed if each.answer.is_computed and not each.answer.is_advised]
    return [Stated(each.answer.office_hours, each.office_comes_true, each) for each in advised]


def by_custom(heed: Iterable[Outcome]) -> str:
    """Say how often office hours are right for recipients whose mails do not tell."""
    some = [each for each in heed if not each.answer.is_computed]
    true = sum(each.office_comes_true for each in some)
    interval = rate_of(true, len(some))
    assert interval is not None, "recipients without mail are simulated"
    return (
        f"To the {len(some):,} recipients whose mails do not tell, {BY_CUSTOM} is stated; {true / len(some):.3f} came "
        f"true ({interval.low:.3f} to {interval.high:.3f})."
    )


HEAD_OF_TENTHS = ("Stated", "Answers", "Mean stated", "Came true", "95 % interval", f"Within {NEAR}")


def rows_by_tenth(stated: Iterable[Stated]) -> Iterator[list[str]]:
    """Return the rows of a table of confidence."""
    for name, some in _tenths(stated):
        mean, true = (_mean(some, value, _as_simulated) for value in (_said, _true))
        interval = rate_of(sum(each.is_true for each in some), len(some))
        assert interval is not None, "a tenth without answers has no row"
        low, high = interval.low, interval.high
        whole = mean - NEAR <= low and high <= mean + NEAR
        reached = low <= mean + NEAR and mean - NEAR <= high
        by_estimate = "likely" if abs(true - mean) <= NEAR else "open" if reached else "no"
        span = f"{low:.3f} to {high:.3f}"
        yield [name, f"{len(some):,}", f"{mean:.3f}", f"{true:.3f}", span, "yes" if whole else by_estimate]


_WITH_HABIT = frozenset(case.name for case in HABITS)
_Weigh = Callable[[Outcome], float]

_MIXES: Mapping[str, _Weigh] = {
    "as simulated": lambda _: 1.0,
    "habits half as often": lambda of: 0.5 if of.case in _WITH_HABIT else 1.0,
    "habits twice as often": lambda of: 2.0 if of.case in _WITH_HABIT else 1.0,
    "all numbers of mails alike": lambda of: 1 / MIX[of.mails],
}
_as_simulated = _MIXES["as simulated"]

HEAD_OF_MIXES = ("Stated", *_MIXES)


def rows_by_mix(stated: Iterable[Stated]) -> Iterator[list[str]]:
    """Return the rows of a table of what came true less what was stated, by mixes of recipients."""
    for name, some in _tenths(stated):
        gaps = [_mean(some, _true, weigh) - _mean(some, _said, weigh) for weigh in _MIXES.values()]
        yield [name, *(f"{gap:+.3f}" for gap in gaps)]


def _tenths(stated: Iterable[Stated]) -> Iterator[tuple[str, list[Stated]]]:
    tenths = defaultdict[int, list[Stated]](list)
    for each in stated:
        tenths[min(int(each.sure * 10), 9)].append(each)
    for tenth, some in sorted(tenths.items()):
        yield f"{tenth / 10:.1f} to {(tenth + 1) / 10:.1f}", some


def _said(each: Stated) -> float:
    return min(each.sure, SUREST)


def _true(each: Stated) -> float:
    return float(each.is_true)


def _mean(some: Sequence[Stated], value: Callable[[Stated], float], weigh: _Weigh) -> float:
    weights = [weigh(each.of) for each in some]
    return sum(weight * value(each) for weight, each in zip(weights, some, strict=True)) / sum(weights)
