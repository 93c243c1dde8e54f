"""Which template of a language to take, and why; or that nobody can know yet.

Rates of few mails say little, so each is drawn toward the mean of all templates of the language: its rate is thought
of as a draw from a Beta distribution with that mean, as sure of itself as `PRIOR` mails would make it (the
beta-binomial model; Gelman et al., "Bayesian Data Analysis", 3rd ed., 2.4 and 5.3). For a template with h hits of n
mails that is Beta(a, b) with a = m·PRIOR + h, b = (1 - m)·PRIOR + n - h and m = (hits of all + 1) / (mails of all + 2).

The one with the highest mean a/(a + b) is recommended if it is the best with a probability of at least `SURE`. That is
bounded from below by 1 - the sum over the others of P(other > this one) (Bonferroni), each by the difference of the
angles 2·asin(sqrt(rate)), which is close to normal with variance 1/(a + b) + 1/(a' + b') whatever the rate is (Cohen,
"Statistical Power Analysis for the Behavioral Sciences", 2nd ed., ch. 6).

Replies are what mail is for, so they are asked first; opens decide among those that replies cannot tell apart.
Templates with fewer than `ENOUGH` mails take no part in that. But they would never get more if nobody took them: so
one time in ten (`EXPLORED`) one of these is recommended, drawn by Thompson sampling (Thompson, 1933, Biometrika 25,
285-294): a rate is drawn from each one's distribution, and the highest wins.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import asin, sqrt
from random import Random
from statistics import NormalDist
from typing import Literal

from lib.templates.shares import Tally

PRIOR = 20.0
ENOUGH = 30
EXPLORED = 0.1

Measure = Literal["replied", "opened"]

SURE: dict[Measure, float] = {"replied": 0.9, "opened": 0.95}
"""Opens are the weaker sign, so they must be clearer."""

_NORMAL = NormalDist()
_WERE: dict[Measure, str] = {"replied": "were answered", "opened": "were opened"}


@dataclass(frozen=True, slots=True)
class Candidate:
    """A template, and what came of the mails that were made of it."""

    id: str
    name: str
    tally: Tally


@dataclass(frozen=True, slots=True)
class Advice:
    recommended: bool
    because: str


@dataclass(frozen=True, slots=True)
class _Belief:
    """A template's rate, as Beta(a, b)."""

    candidate: Candidate
    hits: int
    a: float
    b: float

    @property
    def mean(self) -> float:
        return self.a / (self.a + self.b)

    def text(self) -> str:
        count = self.candidate.tally.followed
        return f"{100 * self.hits / count:.1f} % of {count}"


@dataclass(frozen=True, slots=True)
class _Contest:
    """The one with the highest mean, whether it is `sure` to be the best, and `rivals` that may be better, likeliest
    first: where it is sure, only the runner-up."""

    leader: _Belief
    sure: bool
    rivals: Sequence[_Belief]


def probability_of_more(one: tuple[float, float], other: tuple[float, float]) -> float:
    """P(rate of `one` > rate of `other`), each a Beta(a, b)."""
    (a, b), (c, d) = one, other
    angle = 2 * (asin(sqrt(a / (a + b))) - asin(sqrt(c / (c + d))))
    return _NORMAL.cdf(angle / sqrt(1 / (a + b) + 1 / (c + d)))


def recommend(candidates: Sequence[Candidate], chance: Random | None) -> dict[str, Advice]:
    """By id; at most one is recommended. All candidates are of one language. Without `chance` nothing is tried.

    The same chance gives the same advice.
    """
    known = [each for each in candidates if each.tally.followed >= ENOUGH]
    unknown = sorted((each for each in candidates if each.tally.followed < ENOUGH), key=lambda each: each.id)
    advice = {each.id: Advice(False, _too_few(each)) for each in unknown}
    advice |= _compared(candidates, known)
    if chance is None or not unknown or len(candidates) < 2 or chance.random() >= EXPLORED:
        return advice
    believed = _beliefs(unknown, candidates, "replied")
    tried = max(believed, key=lambda belief: chance.betavariate(belief.a, belief.b)).candidate
    for each in known:
        if advice[each.id].recommended:
            because = f"{advice[each.id].because} But one time in ten a template is recommended to learn about it."
            advice[each.id] = Advice(False, because)
    advice[tried.id] = Advice(True, "Not sent often enough to know; try it.")
    return advice


def _too_few(candidate: Candidate) -> str:
    count = candidate.tally.followed
    mails = "mail was" if count == 1 else "mails were"
    return f"Not enough data yet: {count} followed {mails} sent with it, and it takes {ENOUGH}."


def _compared(everyone: Sequence[Candidate], known: Sequence[Candidate]) -> dict[str, Advice]:
    """What replies, and then opens, say of those that were sent often enough."""
    if len(known) < 2:
        because = "Not enough data yet: no other template of its language was sent often enough to compare it with."
        return {each.id: Advice(False, because) for each in known}
    by_replies = _contest(_beliefs(known, everyone, "replied"), SURE["replied"])
    advice = _advice(known, by_replies, "replied")
    if not by_replies.sure:
        close = [by_replies.leader.candidate, *(rival.candidate for rival in by_replies.rivals)]
        by_opens = _contest(_beliefs(close, everyone, "opened"), SURE["opened"])
        if by_opens.sure:
            advice |= _advice(close, by_opens, "opened")
    return advice


def _mean(everyone: Sequence[Candidate], measure: Measure) -> float:
    hits: int = sum(getattr(each.tally, measure) for each in everyone)
    return (hits + 1) / (sum(each.tally.followed for each in everyone) + 2)


def _beliefs(some: Sequence[Candidate], everyone: Sequence[Candidate], measure: Measure) -> list[_Belief]:
    mean = _mean(everyone, measure)
    found = []
    for each in some:
        hits: int = getattr(each.tally, measure)
        found.append(_Belief(each, hits, mean * PRIOR + hits, (1 - mean) * PRIOR + each.tally.followed - hits))
    return found


def _contest(beliefs: Sequence[_Belief], sure: float) -> _Contest:
    leader = max(beliefs, key=lambda belief: (belief.mean, belief.candidate.id))
    others = [other for other in beliefs if other is not leader]
    doubt = {other.candidate.id: probability_of_more((other.a, other.b), (leader.a, leader.b)) for other in others}
    others.sort(key=lambda other: (-doubt[other.candidate.id], other.candidate.id))
    if sum(doubt.values()) <= 1 - sure:
        return _Contest(leader, True, others[:1])
    # The sum is more than is allowed, so at least one of them is more than its part of it.
    part = (1 - sure) / len(others)
    return _Contest(leader, False, [other for other in others if doubt[other.candidate.id] >= part])


def _advice(some: Sequence[Candidate], contest: _Contest, measure: Measure) -> dict[str, Advice]:
    leader, were = contest.leader, _WERE[measure]
    close = {leader.candidate.id, *(rival.candidate.id for rival in contest.rivals)}
    found: dict[str, Advice] = {}
    for each in some:
        if each is leader.candidate and contest.sure:
            next_best = contest.rivals[0].text()
            because = f"{leader.text()} mails that were made of it {were}, {next_best} of the next best."
        elif each.id in close and not contest.sure:
            because = "Not enough data yet to tell it from others that do as well."
        else:
            because = f"“{leader.candidate.name}” does better: {leader.text()} mails {were}."
        found[each.id] = Advice(each is leader.candidate and contest.sure, because)
    return found
