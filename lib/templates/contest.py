"""A contest of templates by one measure: the leader, and how likely each other one is better. Pure.

The leader is the one with the highest rate in the groups that it shares with the others. It is sure to be the best if
the probabilities of being better, summed over the others, leave at least what the measure asks for (Bonferroni).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from lib.chances import Shape, probability_of_more
from lib.templates.comparison import PRIOR, Comparison, compare
from lib.templates.evidence import Measure, Results, Sample, TemplateEvidence
from lib.templates.people import DesignEffect
from lib.templates.tallies import Stratum

ENOUGH = 30
"""Mails that a template takes part with at least."""

OVERLAP = 10
"""Effective mails of both in common groups, at least, for two templates to be comparable."""

SURE: Mapping[Measure, float] = {"replied": 0.9, "opened": 0.93, "won": 0.9}
"""Opens are the weaker sign, so they must be clearer. Measured by `python -m bench.advice`."""

_ROUNDING = 1e-4
"""What equal rates may seem to differ by."""

_MOST_LEADERS = 4
"""Leaders that are tried: one that leads the others together may be behind one of them."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A template with what is known of it."""

    id: str
    name: str
    evidence: TemplateEvidence


class Rival(NamedTuple):
    """A template beside the leader."""

    candidate: Candidate
    comparison: Comparison
    """The leader, and this one."""
    doubt: float
    """The probability that this one is better."""


@dataclass(frozen=True, slots=True)
class Contest:
    """A comparison of templates by one measure."""

    measure: Measure
    leader: Candidate
    rivals: Sequence[Rival]
    """The others that can be compared with the leader, likeliest first."""
    apart: Sequence[Candidate]
    """Templates that were used lately, and cannot be compared with the leader."""

    @property
    def probability(self) -> float:
        """The probability that the leader is the best, at least."""
        return max(0.0, 1 - sum(rival.doubt for rival in self.rivals))

    @property
    def is_sure(self) -> bool:
        """Whether the leader's probability of being the best reaches what its measure demands, with none left out."""
        return not self.apart and bool(self.rivals) and self.probability >= SURE[self.measure]

    @property
    def close(self) -> list[Candidate]:
        """The leader and those that may be better."""
        # Where the sum is more than is allowed, at least one of them is more than its part of it.
        part = (1 - SURE[self.measure]) / max(1, len(self.rivals))
        return [self.leader, *(rival.candidate for rival in self.rivals if rival.doubt >= part), *self.apart]


def hold_contest(some: Sequence[Candidate], measure: Measure, recent_since: str) -> Contest:
    """Compare at least two candidates. Those that cannot be compared with the leader, and were last used before the
    month `recent_since`, take no part."""
    rates = {each.id: shape[0] / sum(shape) for each, shape in beliefs(some, measure)}
    leader = max(some, key=lambda each: (rates[each.id], each.id))
    tried: set[str] = set()
    while True:
        contest = _beside(leader, some, measure, recent_since)
        tried.add(leader.id)
        ahead = [rival for rival in contest.rivals if rival.doubt > 0.5 and rival.candidate.id not in tried]
        if not ahead or len(tried) == _MOST_LEADERS:
            return contest
        leader = ahead[0].candidate


def _beside(leader: Candidate, some: Sequence[Candidate], measure: Measure, recent_since: str) -> Contest:
    rivals: list[Rival] = []
    apart: list[Candidate] = []
    for other in some:
        if other is leader:
            continue
        comparison = _compared(leader, other, measure)
        is_recent = other.evidence.last_month >= recent_since
        if comparison is None or comparison.least < (OVERLAP if is_recent else ENOUGH):
            if is_recent:
                apart.append(other)
            continue
        ours, theirs = comparison.shapes()
        rivals.append(Rival(other, comparison, probability_of_more(theirs, ours)))
    rivals.sort(key=lambda rival: (-rival.doubt, rival.candidate.id))
    return Contest(measure, leader, rivals, sorted(apart, key=lambda each: each.id))


def _compared(one: Candidate, other: Candidate, measure: Measure) -> Comparison | None:
    mine, theirs = one.evidence, other.evidence
    return compare(mine.sample(measure), theirs.sample(measure), mine.effect(measure), theirs.effect(measure))


def find_contradiction(contest: Contest, against: float) -> Candidate | None:
    """Return the rival that is better than the leader by replies, with more than that probability; None if none is.

    Several rivals share the chance of an error.
    """
    part = (1 - against) / max(1, len(contest.rivals))
    for rival in contest.rivals:
        comparison = _compared(contest.leader, rival.candidate, "replied")
        if comparison is not None:
            ours, theirs = comparison.shapes()
            if probability_of_more(theirs, ours) > 1 - part + _ROUNDING:
                return rival.candidate
    return None


def beliefs(some: Sequence[Candidate], measure: Measure) -> list[tuple[Candidate, Shape]]:
    """Return what is believed of the rate of each candidate, measured against all others in the groups it shares with
    them. Nothing but the mean is believed of one that shares none."""
    numbers: dict[Stratum, float] = defaultdict(float)
    hits: dict[Stratum, float] = defaultdict(float)
    for each in some:
        for stratum, counted in each.evidence.sample(measure).items():
            numbers[stratum] += counted.number
            hits[stratum] += counted.hits
    everything = sum(numbers.values())
    mean = (sum(hits.values()) + 1) / (everything + 2)
    found: list[tuple[Candidate, Shape]] = []
    for each in some:
        sample = each.evidence.sample(measure)
        rest: Sample = {
            stratum: Results(numbers[stratum] - own.number, hits[stratum] - own.hits)
            for stratum, own in sample.items()
            if numbers[stratum] > own.number
        }
        comparison = compare(sample, rest, each.evidence.effect(measure), DesignEffect())
        if comparison is None:
            found.append((each, (mean * PRIOR, (1 - mean) * PRIOR)))
            continue
        # The difference within groups counts, not how easy the groups are. A template's distance from the mean is the
        # others' share of its distance from the others.
        others = sum(counted.number for counted in rest.values())
        share = others / (others + sum(sample[stratum].number for stratum in rest))
        rate = min(1.0, max(0.0, mean + share * (comparison.one.rate - comparison.other.rate)))
        size = comparison.one.size
        found.append((each, (mean * PRIOR + rate * size, (1 - mean) * PRIOR + (1 - rate) * size)))
    return found
