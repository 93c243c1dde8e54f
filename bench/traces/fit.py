"""Fit the weights of signs: a logistic regression over the tuning seeds, with the weights of today as its prior.

For each kind of fact, the weights w and the prior's log-odds b minimize

    sum over facts of -log P(truth | b + sum of the weights of what was found)  +  sum of (w - w0)^2 / (2 S^2)

with w0 the weights as they stand and S = `SCATTER`. A weight that is 0 today stays 0, and none changes its sign.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from bench.traces.generate import generate
from bench.traces.organizations.play import play
from bench.traces.organizations.replay import HeedInAnOrganization, replay
from bench.traces.organizations.sessions import play_sessions
from lib.catalogues.registry import Catalogues
from lib.verdicts import judge
from lib.verdicts.weights import PRIOR, WEIGHTS, Side, side_of

SCATTER = 1.0
HISTORY = 15
"""Days of history from which an organization's mails are observed."""

STEPS = 3000
MOST = 8.0

LIMITS = {
    "old-browser": 2.5,  # people with old computers exist, though no trace has one
    "imitated-browser": 3.0,
    "headers-do-not-fit": 2.6,  # gateways that look into requests change headers, too: never enough by itself
    "this-recipient-again-and-again": 4.0,
    "well-known-place": 4.0,
    "known-office": 3.5,
    "source-of-machines": 4.5,
    "no-language": 2.0,  # how many scanners name languages is assumed
    "came-back": 2.0,
    "followed-by-a-click": 0.4,  # scanners that load images and then links are more than the traces have
    "browser-in-a-data-centre": 4.0,
    "data-centre": 2.5,  # people sit behind such networks: never enough by itself
}
"""What a weight may be at most, where the traces are cleaner than the world."""

LEAST: dict[str, dict[Side, float]] = {
    "whole-mail-in-order": {"click": 0.8},
    "every-link-in-order": {"click": 1.4},
    "every-link": {"click": 0.5},
    "burst": {"click": 0.5},
    "data-centre": {"open": 0.5, "click": 2.0},
    "probable-data-centre": {"open": 0.2, "click": 0.5},
    "security-vendor": {"open": 2.5, "click": 2.5},
    "gateway-network-later": {"open": 3.4, "click": 0.4},
    "replied-after": {"open": 4.0},
    "at-once": {"open": 1.6},  # people at their inbox are more often in the traces than in the field
    "soon": {"open": 0.9},
    "while-scanned": {"open": 0.2, "click": 0.2},
    "agent-of-machines": {"open": 0.3, "click": 0.6},
    "gateway-acts-then": {"open": 0.2, "click": 0.5},
    "many-opens": {"open": 0.2},
    "source-like-a-machine": {"open": 0.3, "click": 1.0},
    "source-at-many-companies": {"open": 2.6, "click": 2.8},
    "kin-of-machines": {"open": 0.8, "click": 0.5},
}
"""What a weight must be at least, of signs that in the traces others explain, and that may stand alone in the field."""

Observations = dict[Side, Counter[tuple[frozenset[str], bool]]]
"""How often which codes were found together, and whether it was a person."""


def observe(seeds: Sequence[int], messages: int, catalogues: Catalogues) -> Observations:
    """Findings of the judge, beside the truth."""
    found: Observations = {kind: Counter() for kind in PRIOR}
    for seed in seeds:
        for trace in generate(seed, messages):
            labelled = trace.labelled(catalogues.networks)
            verdicts = judge([fact for _, fact in labelled], trace.sending, catalogues)
            for request, fact in labelled:
                codes = frozenset(
                    each.code
                    for each in verdicts[fact.key].reasons
                    if each.code in WEIGHTS and WEIGHTS[each.code].for_kind(fact.kind)
                )
                found[side_of(fact.kind)][codes, request.actor == "person"] += 1
    return found


def observe_organizations(seeds: Sequence[int], catalogues: Catalogues) -> Observations:
    """Findings of the judge with its memory, beside the truth, of mails with some history."""
    found: Observations = {kind: Counter() for kind in PRIOR}
    for seed in seeds:
        judge = HeedInAnOrganization(catalogues, play_sessions(seed))
        for outcome in replay(play(seed), judge, catalogues.networks):
            if outcome.mail.day < HISTORY:
                continue
            for request, fact in outcome.mail.hits(catalogues.networks):
                codes = frozenset(each.partition(" ")[0] for each in outcome.decisions[fact.key].reasons)
                known = frozenset(each for each in codes if each in WEIGHTS and WEIGHTS[each].for_kind(fact.kind))
                found[side_of(fact.kind)][known, request.actor == "person"] += 1
    return found


def both(mails: Observations, organizations: Observations) -> Observations:
    """Sum up observations of both benchmarks."""
    return {kind: mails[kind] + organizations[kind] for kind in PRIOR}


def fit(kind: Side, observed: Counter[tuple[frozenset[str], bool]]) -> tuple[float, dict[str, float]]:
    """The log-odds to begin with, and the weight of each code."""
    start = {code: weight.for_kind(kind) for code, weight in WEIGHTS.items() if weight.for_kind(kind)}
    weights, begin = dict(start), PRIOR[kind]
    total = sum(observed.values())
    memory: dict[str, float] = defaultdict(float)
    for _ in range(STEPS):
        gradient: dict[str, float] = {code: (weights[code] - start[code]) / SCATTER**2 for code in weights}
        of_begin = 0.0
        for (codes, person), count in observed.items():
            said = 1 / (1 + math.exp(-(begin + sum(weights[code] for code in codes))))
            error = count * (said - person)
            of_begin += error
            for code in codes:
                gradient[code] += error
        # Adagrad: each weight has a pace of its own, as codes are found a few times or a few thousand times.
        for code, slope in {**gradient, "": of_begin}.items():
            memory[code] += (slope / total) ** 2
            step = 0.3 * slope / total / (math.sqrt(memory[code]) + 1e-12)
            if code:
                least = LEAST.get(code, {}).get(kind, 0.0)
                weights[code] = _kept(weights[code] - step, start[code], LIMITS.get(code, MOST), least)
            else:
                begin -= step
    return begin, weights


def fitted(observations: Observations) -> Iterator[str]:
    """A line for each weight: what it is, what the traces ask for, and how often it was a machine's and a person's."""
    for kind, observed in observations.items():
        begin, weights = fit(kind, observed)
        yield f"{kind}: prior {PRIOR[kind]:.1f} -> {begin:.1f}, from {sum(observed.values()):,} facts"
        seen: dict[str, list[int]] = defaultdict(lambda: [0, 0])
        for (codes, person), count in observed.items():
            for code in codes:
                seen[code][person] += count
        for code, weight in weights.items():
            machines, people = seen[code]
            yield f"  {code:<28} {WEIGHTS[code].for_kind(kind):5.1f} -> {weight:5.1f}  {machines:6,} {people:6,}"


def _kept(weight: float, start: float, most: float, least: float) -> float:
    """On its own side, and within its limits."""
    return max(-most, min(-least, weight)) if start < 0 else min(most, max(least, weight))
