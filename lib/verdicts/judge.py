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
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from lib.catalogues.registry import Catalogues
from lib.tracking.facts import Fact, FactKind
from lib.verdicts.answers import answer_verdict
from lib.verdicts.context import Sending
from lib.verdicts.evidence import Finding, Reason, Verdict
from lib.verdicts.memory import MOST_COUNTED, SourceKey, Sure, Visit
from lib.verdicts.message_facts import Scene, target_of
from lib.verdicts.repeats import as_repeat, repeats
from lib.verdicts.rules import (
    agents,
    claimed_browsers,
    experience,
    feedback,
    floods,
    gateways,
    memory,
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
)

_SUSPECT = 0.1
"""Probability of a person, as far as is known by then, at and below which a fact is a machine's to its neighbours."""

UNKNOWABLE = "apple-privacy"
"""Apple loads images for itself and for people alike: that is neither's until something else says so."""

_CORROBORATED = frozenset(("clicked-after", "replied-after"))

_DECISIVE = -4.0
"""Weight of a sign that makes a machine by itself."""

_BEYOND_DOUBT = 3.0
"""Log-odds from which a person is certain, with a sign of `_CERTAIN`."""

_CERTAIN = frozenset(("read-at-the-same-place", "replied-after"))

_NOTHING_SUSPICIOUS = Reason("no-machine-sign", "Nothing about it looks like a machine.")


def judge(
    facts: Iterable[Fact], sending: Sending, catalogues: Catalogues, thresholds: Thresholds = DEFAULT
) -> dict[str, Verdict]:
    """The verdict on each fact of one message, by the fact's key."""
    return judge_and_remember(facts, sending, catalogues, thresholds).verdicts


@dataclass(frozen=True, slots=True)
class Judgement:
    """Verdicts on all facts of a message, and what is to be remembered of their sources."""

    verdicts: dict[str, Verdict]
    visits: list[Visit]


def judge_and_remember(
    facts: Iterable[Fact], sending: Sending, catalogues: Catalogues, thresholds: Thresholds = DEFAULT
) -> Judgement:
    """Judge the facts of one message, and find the visits that other messages may remember."""
    every = list(facts)
    hits, answers = [fact for fact in every if fact.is_hit], [fact for fact in every if not fact.is_hit]
    same = repeats(hits)
    scene = Scene((fact for fact in hits if same.get(fact.key) is None), sending, catalogues, thresholds, answers)
    verdicts, visits = _judged(scene, thresholds)
    repeated = {fact.key: as_repeat(verdicts[same[fact.key] or fact.key], fact) for fact in hits if fact.key in same}
    every_verdict = {**verdicts, **repeated, **{fact.key: answer_verdict(fact) for fact in answers}}
    return Judgement(every_verdict, visits)


def _judged(scene: Scene, thresholds: Thresholds) -> tuple[dict[str, Verdict], list[Visit]]:
    found: dict[str, list[Finding]] = {
        fact.key: [finding for rule in RULES if (finding := rule(fact, scene))] for fact in scene.facts
    }
    scene.suspects = by_themselves = _suspects(scene, found)
    scene.doubted = frozenset(
        fact.key for fact in scene.facts if any(WEIGHTS[each.code].for_kind(fact.kind) < 0 for each in found[fact.key])
    )
    _apply((*floods.RULES, *patterns.RULES), scene, found)
    alone = {key: list(some) for key, some in found.items()}
    _apply(patterns.AT_PLACES, scene, alone)
    scene.suspects = _suspects(scene, alone)
    _apply(patterns.CORROBORATING, scene, alone)
    visits = list(_visits(scene, alone))
    if scene.sending.memory.keys:
        scene.pasts = memory.pasts(scene)
        scene.suspects = by_themselves
        _apply((*patterns.AT_PLACES, *memory.RULES), scene, found)
        scene.suspects = _suspects(scene, found)
        _apply(patterns.CORROBORATING, scene, found)
    else:
        found = alone
    _apply(experience.RULES, scene, found)
    verdicts = {fact.key: _verdict(fact.kind, found[fact.key], thresholds) for fact in scene.facts}
    return verdicts, visits


def _visits(scene: Scene, found: Mapping[str, Sequence[Finding]]) -> Iterator[Visit]:
    groups: dict[SourceKey, list[Fact]] = defaultdict(list)
    for fact in scene.facts:
        key = scene.sending.memory.keys.get(fact.key)
        if key is not None:
            groups[key].append(fact)
    for key, facts in groups.items():
        odds = {fact.key: _odds(fact.kind, found[fact.key]) for fact in facts}
        sure: Sure = ""
        if any(_is_surely_a_machine(odds[fact.key], found[fact.key]) for fact in facts):
            sure = "machine"
        elif any(_is_surely_a_person(odds[fact.key], found[fact.key]) for fact in facts):
            sure = "person"
        elif any(each.code == "after-the-answer" for fact in facts for each in found[fact.key]):
            sure = "own"
        first = facts[0]
        yield Visit(
            key,
            first.message,
            scene.sending.memory.sender,
            first.at,
            scene.since_dispatch(first),
            min(sum(fact.kind == "open" for fact in facts), MOST_COUNTED),
            min(len({target_of(fact) for fact in facts if fact.kind != "open"}), MOST_COUNTED),
            scene.sending.links,
            round(min(odds[fact.key] - PRIOR[side_of(fact.kind)] for fact in facts), 1),
            sure,
        )


def _is_surely_a_machine(odds: float, found: Sequence[Finding]) -> bool:
    return odds <= _DECISIVE and all(each.code != UNKNOWABLE for each in found)


def _is_surely_a_person(odds: float, found: Sequence[Finding]) -> bool:
    return odds >= _BEYOND_DOUBT and any(each.code in _CERTAIN for each in found)


def _apply(rules: Iterable[SceneRule], scene: Scene, found: Mapping[str, list[Finding]]) -> None:
    for rule in rules:
        for fact, finding in rule(scene):
            found[fact.key].append(finding)


def _suspects(scene: Scene, found: Mapping[str, Sequence[Finding]]) -> frozenset[str]:
    return frozenset(fact.key for fact in scene.facts if _probability(fact.kind, found[fact.key]) <= _SUSPECT)


def _probability(kind: FactKind, found: Sequence[Finding]) -> float:
    return 1 / (1 + math.exp(-_odds(kind, found)))


def _odds(kind: FactKind, found: Sequence[Finding]) -> float:
    weights = {finding.code: weight_of(finding, kind) for finding in outweighed(found)}
    return PRIOR[side_of(kind)] + sum(weights.values())


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
