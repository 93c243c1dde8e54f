"""Experience of an organization: how far its certain cases move the priors of its judge, within bounds. Pure.

Cases are no fair sample: machines give themselves away and people answer in shares of their own. So the mean of what
was said says nothing beside the mean of what came true. What was said of machines, and what was said of people, each by
themselves, does not depend on those shares. A judge that is right doubts both alike, weighed by how many there are:

    (machines among all) * mean(said of machines) = (people among all) * mean(1 - said of people)

The prior moves by what makes both sides equal (one step of Newton's method), where the difference is more than three
times its standard error. Machines that name themselves do not count: their name gives them away, whatever the prior is.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import sqrt

from lib.reliability.shares import BINS, CaseKey, ReliabilityTally
from lib.verdicts.weights import Side

LARGEST_SHIFT = 0.7
"""Log-odds by which a prior moves at most, up or down: odds of 2 to 1."""

LEAST_CASES = 30
LEAST_RECIPIENTS = 10

_LEAST_OF_EACH = 5
"""People, machines and sampled messages, at least: what there is none of says nothing."""

_SIGNIFICANT = 3.0
"""Standard errors."""

_LEAST_WRONG = 0.05
"""Share of the people, or of the machines, of whom the wrong thing was said, at least: a judge that is only less sure
than it could be stays as it is."""

MOST_OF_A_USER_A_DAY = 3
"""Cases by the word of one user that count of one day; more weigh no more."""

_PARTS = 5
"""The word of one user makes a fifth of all cases, at most."""


def prior_shift(tally: ReliabilityTally) -> dict[Side, float]:
    """Return the log-odds by which the prior of each side moves; a side that stays is missing."""
    sides: tuple[Side, ...] = ("open", "click")
    found = {side: _shift(side, tally) for side in sides}
    return {side: shift for side, shift in found.items() if shift}


def _shift(side: Side, tally: ReliabilityTally) -> float:
    recipients = sum(name.startswith(f"{side}|") for name in tally.recipients)
    cases = bounded_cases(tally, side)
    people, machines = _outcome(cases, tally, is_person=True), _outcome(cases, tally, is_person=False)
    looks = [tally.looks.get(f"{side}|{who}", 0) for who in ("people", "machines")]
    if recipients < LEAST_RECIPIENTS or people.number + machines.number < LEAST_CASES:
        return 0.0
    if min(people.number, machines.number, sum(looks)) < _LEAST_OF_EACH:
        return 0.0
    share = (looks[0] + 1) / (sum(looks) + 2)
    error = (1 - share) * machines.wrong - share * people.wrong
    variance = (
        (1 - share) ** 2 * machines.variance
        + share**2 * people.variance
        + (machines.wrong + people.wrong) ** 2 * share * (1 - share) / sum(looks)
    )
    at_fault = machines if error > 0 else people
    if abs(error) <= _SIGNIFICANT * sqrt(variance) or at_fault.mistaken <= _LEAST_WRONG:
        return 0.0
    slope = (1 - share) * machines.slope + share * people.slope
    return round(max(-LARGEST_SHIFT, min(LARGEST_SHIFT, -error / slope)), 2)


@dataclass(frozen=True, slots=True)
class _Outcome:
    """Cases of one outcome."""

    number: float

    wrong: float
    """Mean of the probability that was said of the other outcome."""

    mistaken: float
    """Share of cases where the other outcome was said to be the more probable."""

    slope: float
    """Mean of p * (1 - p): how fast what is said moves with the prior."""

    @property
    def variance(self) -> float:
        """Square of the standard error of `wrong`: numbers between 0 and 1 vary no more than yes and no do."""
        return self.wrong * (1 - self.wrong) / self.number


def _outcome(cases: Mapping[CaseKey, float], tally: ReliabilityTally, *, is_person: bool) -> _Outcome:
    number = wrong = mistaken = slope = 0.0
    for key, weight in cases.items():
        if key.is_person == is_person:
            mean = tally.said[key.text()] / tally.counts[key.text()] / 1000 if key.text() in tally.said else 0.0
            number += weight
            wrong += weight * (1 - mean if is_person else mean)
            mistaken += weight * ((key.bin < BINS / 2) == is_person)
            slope += weight * mean * (1 - mean)
    # One half of a wrong case is added, so that no wrong one among few is not taken for certainty.
    total = number + 1
    return _Outcome(number, (wrong + 0.5) / total, mistaken / total, (slope + 0.25) / total)


def bounded_cases(tally: ReliabilityTally, side: Side) -> dict[CaseKey, float]:
    """Return how much the cases of each kind count on one side, without machines that name themselves.

    The word of a user counts for three cases a day at most, and for a fifth of all cases at most: no user alone moves
    the organization's figures by more.
    """
    counts = {CaseKey.read(text): number for text, number in tally.counts.items()}
    by_day = Counter[tuple[str, str]]()
    for key, number in counts.items():
        by_day[key.user, key.day] += number
    found = {
        key: number * (min(1.0, MOST_OF_A_USER_A_DAY / by_day[key.user, key.day]) if key.user else 1.0)
        for key, number in counts.items()
        if key.side == side and key.evidence != "declared"
    }
    by_user: dict[str, float] = defaultdict(float)
    for key, weight in found.items():
        by_user[key.user] += weight
    evident = by_user.pop("", 0.0)
    most = _most_of_a_user(evident, by_user.values())
    return {key: weight * (min(1.0, most / by_user[key.user]) if key.user else 1.0) for key, weight in found.items()}


def _most_of_a_user(evident: float, users: Iterable[float]) -> float:
    """Return the number of cases that is a fifth of all, once every user who has more is cut to that number.

    `evident` cases are by no user's word, `users` is the number of each user's. Four users can be cut at most.
    """
    largest = sorted(users, reverse=True)
    for cut in range(_PARTS):
        most = (evident + sum(largest[cut:])) / (_PARTS - cut)
        if cut == len(largest) or largest[cut] <= most:
            return most
    return 0.0
