"""The judge: facts in, verdicts out. Pure; the same facts give the same verdicts, in whatever order they come.

Evidence is combined as log-odds: each rule adds its weight to the prior, and the sum's logistic is the probability that
a person was there (naive Bayes). Rules are small functions in a registry; each speaks, or keeps silent.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

from lib.facts import Fact
from lib.verdicts import asks, how
from lib.verdicts.evidence import Evidence, Reason, Verdict

RULES_VERSION = "1"

Rule = Callable[[Fact], Evidence | None]

RULES: tuple[Rule, ...] = (
    asks.no_agent,
    asks.robot,
    asks.gmail_prefetch,
    asks.apple_privacy,
    asks.proxied_open,
    how.head,
    how.prefetch,
)

PRIOR = {"open": 2.2, "click": 2.2}
"""Log-odds of a person before any evidence: 9 to 1."""

HUMAN_FROM = 0.7
MACHINE_UNTIL = 0.2
"""Probabilities of a person: at and above the first it is human, at and below the second a machine."""

_NOTHING_SUSPICIOUS = Reason("no-machine-sign", "Nothing about it looks like a machine.")


def judge(facts: Iterable[Fact]) -> dict[str, Verdict]:
    """The verdict on each fact of one message, by the fact's key."""
    return {fact.key: _verdict(fact) for fact in facts}


def _verdict(fact: Fact) -> Verdict:
    found = [evidence for rule in RULES if (evidence := rule(fact))]
    person = 1 / (1 + math.exp(-(PRIOR[fact.kind] + sum(evidence.weight for evidence in found))))
    reasons = tuple(Reason(item.code, item.text) for item in sorted(found, key=lambda item: -abs(item.weight)))
    if person >= HUMAN_FROM:
        return Verdict("human", round(person, 3), reasons or (_NOTHING_SUSPICIOUS,), RULES_VERSION)
    if person <= MACHINE_UNTIL:
        return Verdict("machine", round(1 - person, 3), reasons, RULES_VERSION)
    return Verdict("uncertain", round(1 - abs(2 * person - 1), 3), reasons, RULES_VERSION)
