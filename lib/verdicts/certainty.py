"""Certain cases: hits about which something is known for sure, beside what was said of them before.

What was said before is the probability that the other reasons add up to. Nothing of the past is stored for it: a
verdict's reasons are all that was found, with their weights. Left out are the evidence that makes the case certain,
signs that only carry over from a neighbor, which may be certain by the same evidence, and the organization's
experience, which is measured by these cases and must not feed on itself.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel

from lib.tracking.facts import Fact
from lib.verdicts.evidence import Verdict
from lib.verdicts.repeats import is_repeat
from lib.verdicts.weights import PRIOR, WEIGHTS, side_of

Evidence = Literal["reply", "hidden_link", "declared", "feedback"]
"""Kind of evidence: the recipient answered afterwards; a link that no person sees was followed; the agent or the
network names a machine; a user said so."""

CaseSlot = Literal["open_person", "open_machine", "click_person", "click_machine"]
"""Side and outcome of a case. A machine's stands for everything that is no recipient's, the own side's looks too."""

_PERSON: Mapping[str, Evidence] = {"replied-after": "reply", "user-said-person": "feedback"}
_MACHINE: Mapping[str, Evidence] = {
    "honeypot": "hidden_link",
    "honeypot-nearby": "hidden_link",
    "declared-robot": "declared",
    "scanner-network": "declared",
    "user-said-machine": "feedback",
    "user-said-me": "feedback",
}
_CARRIED_OVER = frozenset(("same-source-as-a-machine", "beside-a-machine"))
_EXPERIENCE = "organization-s-experience"

_LEFT_OUT = frozenset((*_PERSON, *_MACHINE, *_CARRIED_OVER, _EXPERIENCE))


class Case(BaseModel):
    """A hit about which something is known for sure, with what was said of it before."""

    key: str
    """The fact's key."""

    said: int
    """Probability of a person that was said before, in thousandths."""

    evidence: Evidence


def find_case(fact: Fact, verdict: Verdict) -> tuple[CaseSlot, Case] | None:
    """Return the case of a judged fact, with its side and outcome.

    None where nothing is certain, or evidence of both kinds is there.
    """
    codes = {reason.code for reason in verdict.reasons}
    person, machine = codes & _PERSON.keys(), codes & _MACHINE.keys()
    if bool(person) == bool(machine) or not fact.is_hit or is_repeat(verdict):
        return None
    known = {_PERSON[code] for code in person} | {_MACHINE[code] for code in machine}
    # A user's word counts where nothing else is known.
    evidence = min(known, key=lambda each: (each == "feedback", each))
    return _slot(fact, bool(person)), Case(key=fact.key, said=_said_before(fact, verdict), evidence=evidence)


def _slot(fact: Fact, is_person: bool) -> CaseSlot:
    if side_of(fact.kind) == "open":
        return "open_person" if is_person else "open_machine"
    return "click_person" if is_person else "click_machine"


def _said_before(fact: Fact, verdict: Verdict) -> int:
    """Return the probability of a person by the other reasons, in thousandths."""
    others = (each for each in verdict.reasons if each.code in WEIGHTS and each.code not in _LEFT_OUT)
    # What a decisive sign outweighs has no weight in the verdict, and had one before.
    weights = (each.weight or WEIGHTS[each.code].for_kind(fact.kind) for each in others)
    odds = PRIOR[side_of(fact.kind)] + sum(weights)
    return round(1000 / (1 + math.exp(-odds)))
