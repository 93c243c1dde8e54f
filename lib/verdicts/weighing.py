"""Weighing: findings add up as log-odds to a probability, and that to a verdict.

The same few combinations of findings come again and again, so that what they add up to is kept.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from lib.verdicts.evidence import Finding, Reason, Verdict
from lib.verdicts.thresholds import Thresholds
from lib.verdicts.weights import PRIOR, RULES_VERSION, UNKNOWABLE, WEIGHTS, Side, weight_of

DECISIVE = -4.0
"""Weight of a sign that makes a machine by itself."""

_OF_NO_RECIPIENT = frozenset(
    (
        "head-request",
        "prefetch-header",
        "honeypot",
        "honeypot-nearby",
        "own-network",
        "own-session",
        "declared-robot",
        "no-agent",
        "flood",
        "office-check",
        "image-proxy-click",
        "user-said-me",
    )
)
"""Codes of signs of what no recipient does."""

_OUTWEIGHED_WORD = "A user of your organization said that it was a person; what it did outweighs that."

_SUSPECT: Mapping[Side, float] = {"open": 0.1, "click": 0.04}
"""Probability of a person, as far as is known by then, at and below which a fact is a machine's to its neighbors."""

_CORROBORATED = frozenset(("clicked-after", "replied-after"))

_NOTHING_SUSPICIOUS = Reason("no-machine-sign", "Nothing about it looks like a machine.")


class Weighed(NamedTuple):
    """Sum of the findings on one fact."""

    odds: float
    """Log-odds of a person."""

    probability: float
    is_suspect: bool
    """Whether the fact is a machine's to its neighbors."""

    is_doubted: bool
    """Whether anything speaks against a person."""

    codes: frozenset[str]


def weigh(side: Side, found: Sequence[Finding]) -> Weighed:
    """Add up the findings on a fact of this side; each code counts once."""
    return _weigh(side, tuple([finding.code if finding.weight is None else finding for finding in found]))


@lru_cache(maxsize=8192)
def _weigh(side: Side, signs: tuple[str | Finding, ...]) -> Weighed:
    """Add up signs: codes, and findings with a weight of their own. Sentences differ where the weights are the same."""
    own = {sign.code: sign.weight or 0.0 for sign in signs if not isinstance(sign, str)}
    codes = [sign if isinstance(sign, str) else sign.code for sign in signs]
    usual = {code: WEIGHTS[code].open if side == "open" else WEIGHTS[code].click for code in codes}
    weights = {**usual, **own}
    if not _OF_NO_RECIPIENT.isdisjoint(weights):
        for code in weights:
            if own.get(code, max(WEIGHTS[code].open, WEIGHTS[code].click)) > 0:
                weights[code] = 0.0
    is_doubted = any(weight < 0 for weight in usual.values())
    odds = PRIOR[side] + sum(weights.values())
    probability = 1 / (1 + math.exp(-odds))
    return Weighed(odds, probability, probability <= _SUSPECT[side], is_doubted, frozenset(weights))


def conclude(side: Side, found: tuple[Finding, ...], thresholds: Thresholds) -> Verdict:
    """Return the verdict that the findings add up to."""
    return _conclude(side, found, thresholds.human_from[side], thresholds.machine_until[side])


@lru_cache(maxsize=8192)
def _conclude(side: Side, found: tuple[Finding, ...], human_from: float, machine_until: float) -> Verdict:
    weighed = weigh(side, found)
    person, codes = weighed.probability, weighed.codes
    shown = found if _OF_NO_RECIPIENT.isdisjoint(codes) else _outweighed(found)
    # Reasons are shown in the order of their weights: those that weigh most come first.
    reasons = [reason for _, _, reason in sorted({_ranked(side, each) for each in shown})]
    if not any(reason.weight < 0 for reason in reasons):
        reasons.insert(0, _NOTHING_SUSPICIOUS)
    told, rounded = tuple(reasons), round(person, 3)
    if person >= human_from and (UNKNOWABLE not in codes or _CORROBORATED & codes):
        return Verdict("human", rounded, told, RULES_VERSION, rounded)
    if person <= machine_until and (UNKNOWABLE not in codes or _is_decided(reasons)):
        return Verdict("machine", round(1 - person, 3), told, RULES_VERSION, rounded)
    return Verdict("uncertain", round(1 - abs(2 * person - 1), 3), told, RULES_VERSION, rounded)


def _is_decided(reasons: Sequence[Reason]) -> bool:
    """Whether it is a machine by something else than being unknowable."""
    return any(reason.weight <= DECISIVE and reason.code != UNKNOWABLE for reason in reasons)


@lru_cache(maxsize=4096)
def _ranked(side: Side, finding: Finding) -> tuple[float, str, Reason]:
    """Return the reason that people are shown for a finding, behind what orders it among others."""
    reason = Reason(finding.code, finding.text, weight_of(finding, side), WEIGHTS[finding.code].source)
    return -abs(reason.weight), reason.code, reason


def _outweighed(found: Sequence[Finding]) -> Sequence[Finding]:
    """Take the weight from findings for a person, beside a sign of what no recipient does.

    A colleague may open a mail, follow its link and come back the next day: that stays a colleague's.
    """
    return [_without_weight(finding) if _speaks_for_a_person(finding) else finding for finding in found]


def _speaks_for_a_person(finding: Finding) -> bool:
    weight = WEIGHTS[finding.code]
    return max(weight.open, weight.click) > 0 if finding.weight is None else finding.weight > 0


def _without_weight(finding: Finding) -> Finding:
    text = _OUTWEIGHED_WORD if finding.code == "user-said-person" else finding.text
    return finding._replace(text=text, weight=0.0)
