"""Weighing: findings add up as log-odds to a probability, and that to a verdict.

The same combinations of signs come again and again, so that what they add up to is kept.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from lib.verdicts.evidence import Finding, Reason, Verdict
from lib.verdicts.lazy import lazy
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


Sign = str | Finding
"""Code of a finding; the finding itself where it has a weight of its own."""


def sign_of(finding: Finding) -> Sign:
    return finding.code if finding.weight is None else finding


class Signs:
    """Signs found on a fact, in their order, and what they add up to.

    Findings with the same signs differ in their sentences alone.
    """

    def __init__(self, side: Side, signs: tuple[Sign, ...]) -> None:
        self.side: Side = side
        self.signs = signs

    @lazy
    def weighed(self) -> Weighed:
        """What they add up to; each code counts once."""
        return _weigh(self.side, self.signs)


@lru_cache(maxsize=4096)
def signs_of(side: Side, signs: tuple[Sign, ...]) -> Signs:
    """Return these signs on a fact of this side: the same object as long as it is kept."""
    return Signs(side, signs)


@lru_cache(maxsize=16384)
def add_signs(before: Signs, *more: Sign) -> Signs:
    """Return signs with more of them: the same object as long as it is kept."""
    return Signs(before.side, before.signs + more)


def _weigh(side: Side, signs: tuple[Sign, ...]) -> Weighed:
    own = {sign.code: sign.weight or 0.0 for sign in signs if not isinstance(sign, str)}
    usual = {code: WEIGHTS[code].open if side == "open" else WEIGHTS[code].click for code in map(_code_of, signs)}
    weights = {**usual, **own} if own else usual
    is_doubted = min(usual.values(), default=0.0) < 0
    if not _OF_NO_RECIPIENT.isdisjoint(weights):
        weights = {code: 0.0 if _speaks_for_a_person(code, own.get(code)) else weights[code] for code in weights}
    odds = PRIOR[side] + sum(weights.values())
    probability = 1 / (1 + math.exp(-odds))
    return Weighed(odds, probability, probability <= _SUSPECT[side], is_doubted, frozenset(weights))


def _code_of(sign: Sign) -> str:
    return sign if isinstance(sign, str) else sign.code


@lru_cache(maxsize=8192)
def conclude(signs: Signs, found: tuple[Finding, ...], human_from: float, machine_until: float) -> Verdict:
    """Return the verdict that the findings add up to, whose signs these are, with the thresholds of their side."""
    side, person, codes = signs.side, signs.weighed.probability, signs.weighed.codes
    is_outweighed = not _OF_NO_RECIPIENT.isdisjoint(codes)
    # Reasons are shown in the order of their weights: those that weigh most come first.
    reasons = [reason for _, _, reason in sorted({_ranked(side, each, is_outweighed) for each in found})]
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
def _ranked(side: Side, finding: Finding, is_outweighed: bool) -> tuple[float, str, Reason]:
    """Return the reason that people are shown for a finding, behind what orders it among others.

    What speaks for a person has no weight where it `is_outweighed`: a colleague may open a mail, follow its link and
    come back the next day, and that stays a colleague's.
    """
    code, text, weight = finding.code, finding.text, weight_of(finding, side)
    if is_outweighed and _speaks_for_a_person(code, finding.weight):
        weight = 0.0
        text = _OUTWEIGHED_WORD if code == "user-said-person" else text
    return -abs(weight), code, Reason(code, text, weight, WEIGHTS[code].source)


def _speaks_for_a_person(code: str, own: float | None) -> bool:
    """Whether a finding does, on either side; `own` is its own weight."""
    weight = WEIGHTS[code]
    return max(weight.open, weight.click) > 0 if own is None else own > 0
