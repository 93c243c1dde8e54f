"""Weighing: findings add up as log-odds to a probability, and that to a verdict.

The same combinations of signs come again and again, so that what they add up to is kept.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

from lib.verdicts.evidence import Finding, Reason, Verdict
from lib.verdicts.lazy import lazy
from lib.verdicts.weights import PRIOR, RULES_VERSION, UNKNOWABLE, WEIGHTS, Side

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

_SUSPECT = 0.1
"""Probability of a person, as far as is known by then, at and below which a fact is a machine's to its neighbours."""

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

    @lazy
    def outcome(self) -> Outcome:
        """What a verdict says of them."""
        return _outcome(self)


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
    return Weighed(odds, probability, probability <= _SUSPECT, is_doubted, frozenset(weights))


def _code_of(sign: Sign) -> str:
    return sign if isinstance(sign, str) else sign.code


class Outcome(NamedTuple):
    """Verdict on signs, but for the thresholds and the sentences."""

    probability: float
    """Probability of a person, as it is told."""

    may_be_human: bool
    may_be_machine: bool
    is_outweighed: bool
    """Whether there is a sign of what no recipient does, beside which what speaks for a person has no weight."""

    order: tuple[int, ...]
    """Places of the signs in the order in which people are shown them: those that weigh most come first."""

    is_clear: bool
    """Whether nothing speaks against a person."""


def _outcome(signs: Signs) -> Outcome:
    weighed, side = signs.weighed, signs.side
    is_knowable, is_outweighed = UNKNOWABLE not in weighed.codes, not _OF_NO_RECIPIENT.isdisjoint(weighed.codes)
    is_decided, is_clear = False, True
    shown = []
    for place, sign in enumerate(signs.signs):
        code, weight = (sign, None) if isinstance(sign, str) else (sign.code, sign.weight)
        told = _told_weight(side, code, weight, is_outweighed)
        shown.append((-abs(told), code, place))
        if told < 0:
            is_clear = False
            is_decided = is_decided or (told <= DECISIVE and code != UNKNOWABLE)
    return Outcome(
        round(weighed.probability, 3),
        is_knowable or bool(_CORROBORATED & weighed.codes),
        is_knowable or is_decided,
        is_outweighed,
        tuple([place for _, _, place in sorted(shown)]),
        is_clear,
    )


@lru_cache(maxsize=8192)
def conclude(signs: Signs, found: tuple[Finding, ...], human_from: float, machine_until: float) -> Verdict:
    """Return the verdict that the findings add up to, whose signs these are, with the thresholds of their side."""
    side, person, outcome = signs.side, signs.weighed.probability, signs.outcome
    reasons = [_reason(side, found[place], outcome.is_outweighed) for place in outcome.order]
    if len(signs.signs) > len(signs.weighed.codes):
        # A code that was found several times is told once for each of its sentences.
        reasons = sorted(set(reasons), key=lambda each: (-abs(each.weight), each.code, each))
    told = tuple(reasons) if not outcome.is_clear else (_NOTHING_SUSPICIOUS, *reasons)
    rounded = outcome.probability
    if person >= human_from and outcome.may_be_human:
        return Verdict("human", rounded, told, RULES_VERSION, rounded)
    if person <= machine_until and outcome.may_be_machine:
        return Verdict("machine", round(1 - person, 3), told, RULES_VERSION, rounded)
    return Verdict("uncertain", round(1 - abs(2 * person - 1), 3), told, RULES_VERSION, rounded)


@lru_cache(maxsize=4096)
def _reason(side: Side, finding: Finding, is_outweighed: bool) -> Reason:
    """Return the reason that people are shown for a finding."""
    code, text, weight = finding
    if is_outweighed and code == "user-said-person":
        text = _OUTWEIGHED_WORD
    return Reason(code, text, _told_weight(side, code, weight, is_outweighed), WEIGHTS[code].source)


def _told_weight(side: Side, code: str, own: float | None, is_outweighed: bool) -> float:
    """Weight that people are shown; `own` is a finding's own.

    What speaks for a person has none where it `is_outweighed`: a colleague may open a mail, follow its link and come
    back the next day, and that stays a colleague's.
    """
    if is_outweighed and _speaks_for_a_person(code, own):
        return 0.0
    return WEIGHTS[code].for_side(side) if own is None else own


def _speaks_for_a_person(code: str, own: float | None) -> bool:
    weight = WEIGHTS[code]
    return max(weight.open, weight.click) > 0 if own is None else own > 0
