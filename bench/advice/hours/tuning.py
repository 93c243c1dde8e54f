"""`python -m bench.advice.hours.tuning`: fit the corrections of probabilities in `lib/send_time/habits.py`.

Its seeds are apart from those of the report. Print what the corrections in use state, and the corrections to use
instead. Which time is asked about depends a little on the corrections, so run it again with new ones. It takes some
forty minutes of one core.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import exp

from bench.advice.hours.confidence import of_habits, of_office_hours, rows_by_tenth
from bench.advice.hours.outcomes import outcomes
from lib.chances import Correction, log_odds
from lib.send_time.habits import HABITS_CORRECTION, OFFICE_CORRECTION

TUNING = 1_000_000
"""First seed of tuning."""
RECIPIENTS = 575
"""Recipients of each case who have read the most mails."""
_KNOTS = (
    *(0.001, 0.01, 0.05, 0.15, 0.25, 0.3, 0.35, 0.4, 0.45),
    *(0.55, 0.6, 0.65, 0.675, 0.7, 0.725, 0.75, 0.85, 0.95, 0.99, 0.999),
)
"""Computed probabilities at which a correction may bend. Those nearer to 0 or 1 count as the outermost: there the
correction would rest on a few answers."""
_LEAST_RISE = 0.05
"""Of the corrected log-odds, in that of the computed ones: a higher probability stays a higher one."""
_SMALLEST = 0.0001
"""Corrected probabilities are rounded to it, and have at least that distance from 0 and 1."""
_PRIOR = 5.0
"""Weight, in answers, of what is believed before: no correction."""
_STEPS, _LONGEST_STEP, _SHORTEST_STEP = 2_000, 0.3, 1e-5
_GRID = 20
"""Answers count together whose log-odds are the same in fractions of this."""


@dataclass(frozen=True, slots=True)
class _Answers:
    """Answers with the same computed probability."""

    odds: float
    """Logarithm of the odds."""
    count: int
    true: int


def fitted(answers: Iterable[tuple[float, bool]], knots: Sequence[float] = _KNOTS) -> Correction:
    """Return the correction, among those that rise, with which (computed probability, came true) are likeliest.

    By Newton's method for one piece of the line after the other, again and again: the likelihood is concave, and the
    rises of the pieces have no bounds but their own.
    """
    at = [log_odds(knot) for knot in knots]
    widths = [0.0, *(after - before for before, after in pairwise(at))]
    grouped = _grouped(answers, knots)
    parts = [_parts(each.odds, at, widths) for each in grouped]
    prior = [at[0], *widths[1:]]
    rises, corrected = prior.copy(), [each.odds for each in grouped]
    for _ in range(_STEPS):
        longest = 0.0
        for place, width in enumerate(widths):
            slope, bend = _PRIOR * (prior[place] - rises[place]), _PRIOR
            for each, part, odds in zip(grouped, parts, corrected, strict=True):
                sure = 1 / (1 + exp(-odds))
                slope += part[place] * (each.true - each.count * sure)
                bend += part[place] ** 2 * each.count * sure * (1 - sure)
            step = min(_LONGEST_STEP, max(-_LONGEST_STEP, slope / bend))
            step = max(step, _LEAST_RISE * width - rises[place]) if place else step
            rises[place] += step
            longest = max(longest, abs(step))
            corrected = [odds + step * part[place] for odds, part in zip(corrected, parts, strict=True)]
        if longest < _SHORTEST_STEP:
            break
    sums = [sum(rises[: place + 1]) for place in range(len(rises))]
    return Correction(tuple(knots), tuple(_rounded(1 / (1 + exp(-odds))) for odds in sums))


def _rounded(probability: float) -> float:
    return min(1 - _SMALLEST, max(_SMALLEST, round(probability, 4)))


def _grouped(answers: Iterable[tuple[float, bool]], knots: Sequence[float]) -> list[_Answers]:
    counts, true = Counter[int](), Counter[int]()
    for sure, is_true in answers:
        place = round(log_odds(min(knots[-1], max(knots[0], sure))) * _GRID)
        counts[place] += 1
        true[place] += is_true
    return [_Answers(place / _GRID, count, true[place]) for place, count in sorted(counts.items())]


def _parts(odds: float, at: Sequence[float], widths: Sequence[float]) -> list[float]:
    """Return the share of each piece's rise that lies below these log-odds; the first piece lies below all."""
    pieces = zip(at, widths[1:], strict=False)
    return [1.0, *(min(1.0, max(0.0, (odds - start) / width)) for start, width in pieces)]


def uncorrected(correction: Correction) -> Correction:
    """Return the correction that takes another one back."""
    return Correction(correction.corrected, correction.computed)


def main(recipients: int = RECIPIENTS) -> None:
    """Fit both corrections."""
    told = [each for each in outcomes(TUNING, recipients) if each.answer.is_computed]
    for name, used, stated in (
        ("habits", HABITS_CORRECTION, of_habits(told)),
        ("office hours", OFFICE_CORRECTION, of_office_hours(told)),
    ):
        print(name, *(" ".join(row) for row in rows_by_tenth(stated)), sep="\n")
        computed = uncorrected(used)
        print("use instead:", fitted((computed.apply(each.sure), each.is_true) for each in stated))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
