"""Recommend a template among those of a language, with a reason; or say that there is not enough data.

Rates of few mails say little, so each is drawn toward the mean of all templates of the language: its rate is thought
of as a draw from a Beta distribution with that mean, as sure of itself as `PRIOR` mails would make it (the
beta-binomial model; Gelman et al., "Bayesian Data Analysis", 3rd ed., 2.4 and 5.3). For a template with h hits of n
mails that is Beta(a, b) with a = m·PRIOR + h, b = (1 - m)·PRIOR + n - h and m = (hits of all + 1) / (mails of all + 2).

The one with the highest mean a/(a + b) is recommended if it is the best with a probability of at least `SURE`. That is
bounded from below by 1 - the sum over the others of P(other > this one) (Bonferroni), each by the difference of the
angles 2·asin(sqrt(rate)), which is close to normal with variance 1/(a + b) + 1/(a' + b') whatever the rate is (Cohen,
"Statistical Power Analysis for the Behavioral Sciences", 2nd ed., ch. 6).

The organization chooses what a template has to be best at: replies, opens, or sales won, which are shares of the closed
sales that its mails were about. Where that cannot tell templates apart, or too few sales were closed, the next measure
decides (`ORDERS`).

Templates with fewer than `ENOUGH` mails take no part in that. They would never get more if they were never taken: so
one time in ten (`EXPLORED`) one of these is recommended, drawn by Thompson sampling (Thompson, 1933, Biometrika 25,
285-294): a rate is drawn from each one's distribution, and the highest wins.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import asin, sqrt
from random import Random
from statistics import NormalDist
from typing import Literal, NamedTuple

from lib.templates.shares import Tally

PRIOR = 20.0
ENOUGH = 30
EXPLORED = 0.1

Measure = Literal["replied", "opened", "won"]
RecommendBy = Literal["replies", "opens", "won"]

ORDERS: dict[RecommendBy, tuple[Measure, ...]] = {
    "replies": ("replied", "opened"),
    "opens": ("opened", "replied"),
    "won": ("won", "replied", "opened"),
}
"""The measures in the order in which they are asked."""

SURE: dict[Measure, float] = {"replied": 0.9, "opened": 0.95, "won": 0.9}
"""Opens are the weaker sign, so they must be clearer."""

_FEW_SALES = "Too few of their sales were closed to go by these."

_NORMAL = NormalDist()


class _Words(NamedTuple):
    """Words in which a measure is told."""

    what: str
    of_it: str
    were: str


_WORDS: dict[Measure, _Words] = {
    "replied": _Words("mails", "that were made of it", "were answered"),
    "opened": _Words("mails", "that were made of it", "were opened"),
    "won": _Words("closed sales", "that mails made of it were about", "were won"),
}


@dataclass(frozen=True, slots=True)
class Candidate:
    """A template with the tally of its mails."""

    id: str
    name: str
    tally: Tally


@dataclass(frozen=True, slots=True)
class Recommendation:
    recommended: bool
    because: str


@dataclass(frozen=True, slots=True)
class _Belief:
    """A template's rate, as Beta(a, b)."""

    candidate: Candidate
    hits: int
    count: int
    """What the hits are a share of."""
    a: float
    b: float

    @property
    def mean(self) -> float:
        return self.a / (self.a + self.b)

    def text(self) -> str:
        return f"{100 * self.hits / self.count:.1f} % of {self.count}"


@dataclass(frozen=True, slots=True)
class _Contest:
    """A comparison of templates by one measure."""

    leader: _Belief
    """The template with the highest mean."""
    sure: bool
    """Whether the leader is sure to be the best."""
    rivals: Sequence[_Belief]
    """Templates that may be better, likeliest first; only the runner-up if the leader is sure."""


def probability_of_more(one: tuple[float, float], other: tuple[float, float]) -> float:
    """P(rate of `one` > rate of `other`), each a Beta(a, b)."""
    (a, b), (c, d) = one, other
    angle = 2 * (asin(sqrt(a / (a + b))) - asin(sqrt(c / (c + d))))
    return _NORMAL.cdf(angle / sqrt(1 / (a + b) + 1 / (c + d)))


def recommend(
    candidates: Sequence[Candidate], chance: Random | None, by: RecommendBy = "replies"
) -> dict[str, Recommendation]:
    """Recommend at most one of the candidates, all of one language; return a recommendation for each, by id.

    Without `chance` no new template is tried. The same chance gives the same result.
    """
    known = [each for each in candidates if each.tally.followed >= ENOUGH]
    unknown = sorted((each for each in candidates if each.tally.followed < ENOUGH), key=lambda each: each.id)
    advice = {each.id: Recommendation(False, _too_few(each)) for each in unknown}
    advice |= _compared(candidates, known, by)
    if chance is None or not unknown or len(candidates) < 2 or chance.random() >= EXPLORED:
        return advice
    believed = _beliefs(unknown, candidates, ORDERS[by][0])
    tried = max(believed, key=lambda belief: chance.betavariate(belief.a, belief.b)).candidate
    for each in known:
        if advice[each.id].recommended:
            because = f"{advice[each.id].because} But one time in ten a template is recommended to learn about it."
            advice[each.id] = Recommendation(False, because)
    advice[tried.id] = Recommendation(True, "Not sent often enough to know; try it.")
    return advice


def _too_few(candidate: Candidate) -> str:
    count = candidate.tally.followed
    mails = "mail was" if count == 1 else "mails were"
    return f"Not enough data yet: {count} followed {mails} sent with it, and it takes {ENOUGH}."


def _compared(everyone: Sequence[Candidate], known: Sequence[Candidate], by: RecommendBy) -> dict[str, Recommendation]:
    """Compare templates that were sent often enough by one measure after the other, until one of them can tell."""
    if len(known) < 2:
        because = "Not enough data yet: no other template of its language was sent often enough to compare it with."
        return {each.id: Recommendation(False, because) for each in known}
    advice: dict[str, Recommendation] = {}
    close, has_few_sales = known, False
    for measure in ORDERS[by]:
        comparable = [each for each in close if _count(each.tally, measure) >= ENOUGH]
        if len(comparable) < 2:
            has_few_sales = True
            continue
        contest = _contest(_beliefs(comparable, everyone, measure), SURE[measure])
        if contest.sure or not advice:
            advice |= {each.id: _few_sales_of(each) for each in close} | _advice(comparable, contest, measure)
        if contest.sure:
            break
        close = [contest.leader.candidate, *(rival.candidate for rival in contest.rivals)]
    if has_few_sales:
        return {name: Recommendation(each.recommended, f"{each.because} {_FEW_SALES}") for name, each in advice.items()}
    return advice


def _few_sales_of(candidate: Candidate) -> Recommendation:
    count = candidate.tally.sales
    return Recommendation(False, f"Not enough data yet: {count} of its sales were closed, and it takes {ENOUGH}.")


def _count(tally: Tally, measure: Measure) -> int:
    """Return what the measure's rate is a share of."""
    return tally.sales if measure == "won" else tally.followed


def _mean(everyone: Sequence[Candidate], measure: Measure) -> float:
    hits: int = sum(getattr(each.tally, measure) for each in everyone)
    return (hits + 1) / (sum(_count(each.tally, measure) for each in everyone) + 2)


def _beliefs(some: Sequence[Candidate], everyone: Sequence[Candidate], measure: Measure) -> list[_Belief]:
    mean = _mean(everyone, measure)
    found = []
    for each in some:
        hits: int = getattr(each.tally, measure)
        count = _count(each.tally, measure)
        found.append(_Belief(each, hits, count, mean * PRIOR + hits, (1 - mean) * PRIOR + count - hits))
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


def _advice(some: Sequence[Candidate], contest: _Contest, measure: Measure) -> dict[str, Recommendation]:
    leader, words = contest.leader, _WORDS[measure]
    close = {leader.candidate.id, *(rival.candidate.id for rival in contest.rivals)}
    found: dict[str, Recommendation] = {}
    for each in some:
        if each is leader.candidate and contest.sure:
            next_best = contest.rivals[0].text()
            because = f"{leader.text()} {words.what} {words.of_it} {words.were}, {next_best} of the next best."
        elif each.id in close and not contest.sure:
            because = "Not enough data yet to tell it from others that do as well."
        else:
            because = f"“{leader.candidate.name}” does better: {leader.text()} {words.what} {words.were}."
        found[each.id] = Recommendation(each is leader.candidate and contest.sure, because)
    return found
