"""The judge: facts in, verdicts out. Pure; the same facts give the same verdicts, in whatever order they come.

Rules are small functions in a registry, a file a family; each speaks of a fact, or keeps silent. Findings are combined
as log-odds: the prior and the weights of what was found add up, and the sum's logistic is the probability of a person.

First every fact is judged by itself. What is a machine's then is suspect, and the rules about facts together, which
come second, look at the suspects beside a fact. What speaks for a person comes last, and looks past all suspects.
What only belongs to another fact (`lib.verdicts.repeats`) is judged with that one. Mail that came back says by its
kind who wrote it (`lib.verdicts.answers`), and is a witness for the hits before it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence

from lib.catalogues.registry import Catalogues
from lib.tracking.facts import Fact, FactKind
from lib.verdicts.answers import answer_verdict
from lib.verdicts.context import Sending
from lib.verdicts.evidence import Finding, Reason, Verdict
from lib.verdicts.message_facts import Scene
from lib.verdicts.repeats import as_repeat, repeats
from lib.verdicts.rules import (
    agents,
    claimed_browsers,
    experience,
    feedback,
    floods,
    gateways,
    networks,
    own_side,
    patterns,
    requests,
    timing,
)
from lib.verdicts.rules.feedback import outweighed
from lib.verdicts.thresholds import DEFAULT, Thresholds
from lib.verdicts.weights import PRIOR, RULES_VERSION, WEIGHTS, side_of, weight_of

Rule = Callable[[Fact, Scene], Finding | None]
SceneRule = Callable[[Scene], Iterable[tuple[Fact, Finding]]]

RULES: tuple[Rule, ...] = (
    *agents.RULES,
    *claimed_browsers.RULES,
    *networks.RULES,
    *own_side.RULES,
    *requests.RULES,
    *timing.RULES,
    *gateways.RULES,
    *feedback.RULES,
    *experience.RULES,
)

_SUSPECT = 0.1
"""Probability of a person, as far as is known by then, at and below which a fact is a machine's to its neighbours."""

UNKNOWABLE = "apple-privacy"
"""Apple loads images for itself and for people alike: that is neither's until something else says so."""

_CORROBORATED = frozenset(("clicked-after", "replied-after"))

_DECISIVE = -4.0
"""Weight of a sign that makes a machine by itself."""

_NOTHING_SUSPICIOUS = Reason("no-machine-sign", "Nothing about it looks like a machine.")


def judge(
    facts: Iterable[Fact], sending: Sending, catalogues: Catalogues, thresholds: Thresholds = DEFAULT
) -> dict[str, Verdict]:
    """The verdict on each fact of one message, by the fact's key."""
    every = list(facts)
    hits, answers = [fact for fact in every if fact.is_hit], [fact for fact in every if not fact.is_hit]
    same = repeats(hits)
    scene = Scene((fact for fact in hits if same.get(fact.key) is None), sending, catalogues, thresholds, answers)
    verdicts = _judged(scene, thresholds)
    repeated = {fact.key: as_repeat(verdicts[same[fact.key] or fact.key], fact) for fact in hits if fact.key in same}
    return {**verdicts, **repeated, **{fact.key: answer_verdict(fact) for fact in answers}}


def _judged(scene: Scene, thresholds: Thresholds) -> dict[str, Verdict]:
    found: dict[str, list[Finding]] = {
        fact.key: [finding for rule in RULES if (finding := rule(fact, scene))] for fact in scene.facts
    }
    scene.suspects = _suspects(scene, found)
    scene.doubted = frozenset(
        fact.key for fact in scene.facts if any(WEIGHTS[each.code].for_kind(fact.kind) < 0 for each in found[fact.key])
    )
    _apply((*floods.RULES, *patterns.RULES), scene, found)
    scene.suspects = _suspects(scene, found)
    _apply(patterns.CORROBORATING, scene, found)
    return {fact.key: _verdict(fact.kind, found[fact.key], thresholds) for fact in scene.facts}


def _apply(rules: Iterable[SceneRule], scene: Scene, found: Mapping[str, list[Finding]]) -> None:
    for rule in rules:
        for fact, finding in rule(scene):
            found[fact.key].append(finding)


def _suspects(scene: Scene, found: Mapping[str, Sequence[Finding]]) -> frozenset[str]:
    return frozenset(fact.key for fact in scene.facts if _probability(fact.kind, found[fact.key]) <= _SUSPECT)


def _probability(kind: FactKind, found: Sequence[Finding]) -> float:
    weights = {finding.code: weight_of(finding, kind) for finding in outweighed(found)}
    odds = PRIOR[side_of(kind)] + sum(weights.values())
    return 1 / (1 + math.exp(-odds))


def _verdict(kind: FactKind, found: Sequence[Finding], thresholds: Thresholds) -> Verdict:
    person = _probability(kind, found)
    reasons = sorted(
        {_reason(kind, each) for each in outweighed(found)}, key=lambda each: (-abs(each.weight), each.code)
    )
    if not any(reason.weight < 0 for reason in reasons):
        reasons.insert(0, _NOTHING_SUSPICIOUS)
    shown = tuple(reasons)
    codes = {finding.code for finding in found}
    if person >= thresholds.human_from[side_of(kind)] and (UNKNOWABLE not in codes or _CORROBORATED & codes):
        return Verdict("human", round(person, 3), shown, RULES_VERSION, round(person, 3))
    if person <= thresholds.machine_until[side_of(kind)] and (UNKNOWABLE not in codes or _is_decided(reasons)):
        return Verdict("machine", round(1 - person, 3), shown, RULES_VERSION, round(person, 3))
    return Verdict("uncertain", round(1 - abs(2 * person - 1), 3), shown, RULES_VERSION, round(person, 3))


def _is_decided(reasons: Sequence[Reason]) -> bool:
    """A machine by something else than being unknowable."""
    return any(reason.weight <= _DECISIVE and reason.code != UNKNOWABLE for reason in reasons)


def _reason(kind: FactKind, finding: Finding) -> Reason:
    return Reason(finding.code, finding.text, weight_of(finding, kind), WEIGHTS[finding.code].source)
