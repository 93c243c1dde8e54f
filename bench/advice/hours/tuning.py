"""`python -m bench.advice.hours.tuning`: fit the corrections of probabilities in `lib/send_time/habits.py`.

Its seeds are apart from those of the report. Print the corrections that are in use, and those to use instead.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from math import log

from bench.advice.hours.section import Outcome, Stated, of_habits, of_office_hours, outcomes, rows_by_tenth
from lib.chances import Correction
from lib.send_time.habits import HABITS_CORRECTION, OFFICE_CORRECTION

TUNING = 1_000_000
"""First seed of tuning."""
RECIPIENTS = 40
_NEAREST = 0.001
"""Probabilities nearer to 0 or 1 count as this one: there the slope would rest on a few answers."""
_PRIOR = 2.0
_STEPS, _LONGEST_STEP = 50, 0.3


def fitted(stated: Sequence[Stated]) -> Correction:
    """Return the correction with which the answers are likeliest, by Newton's method in short steps."""
    answers = [(each, log(each / (1 - each)), true) for each, true in ((_inside(sure), true) for sure, true in stated)]
    found = Correction(0.0, 1.0)
    for _ in range(_STEPS):
        # What is believed before, with the weight of some answers: no correction.
        g0, g1 = -_PRIOR * found.shift, -_PRIOR * (found.slope - 1)
        h00, h01, h11 = _PRIOR, 0.0, _PRIOR
        for each, odds, true in answers:
            sure = found.apply(each)
            error, weight = true - sure, sure * (1 - sure)
            g0, g1 = g0 + error, g1 + error * odds
            h00, h01, h11 = h00 + weight, h01 + weight * odds, h11 + weight * odds * odds
        determinant = h00 * h11 - h01 * h01
        shift, slope = (h11 * g0 - h01 * g1) / determinant, (h00 * g1 - h01 * g0) / determinant
        found = Correction(found.shift + _inside_step(shift), found.slope + _inside_step(slope))
    return found


def _inside_step(step: float) -> float:
    return min(_LONGEST_STEP, max(-_LONGEST_STEP, step))


def _inside(sure: float) -> float:
    return min(1 - _NEAREST, max(_NEAREST, sure))


def _after(first: Correction, then: Correction) -> Correction:
    return Correction(then.shift + then.slope * first.shift, then.slope * first.slope)


def _print_tenths(told: Sequence[Outcome]) -> None:
    for stated in (of_habits(told), of_office_hours(told)):
        print(*rows_by_tenth(stated), sep="\n")


def main(recipients: int = RECIPIENTS) -> None:
    """Fit both corrections."""
    heed = [each for each in outcomes(TUNING, recipients) if each.policy == "Heed"]
    told = [each for each in heed if each.mails]
    _print_tenths(told)
    print("habits:", HABITS_CORRECTION, "->", _after(HABITS_CORRECTION, fitted(of_habits(told))))
    print("office hours:", OFFICE_CORRECTION, "->", _after(OFFICE_CORRECTION, fitted(of_office_hours(told))))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
