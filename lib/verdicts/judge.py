"""The judge: facts in, verdicts out. Pure; the same facts give the same verdicts, in whatever order they come.

Rules are small functions in a registry, a file a family; each speaks of a fact, or keeps silent. Findings are combined
as log-odds: the prior and the weights of what was found add up, and the sum's logistic is the probability of a person.

First every fact is judged by itself. What is a machine's then is suspect, and the rules about facts together, which
come second, look at the suspects beside a fact. What speaks for a person comes last, and looks past all suspects.
What only belongs to another fact (`lib.verdicts.repeats`) is judged with that one. Mail that came back says by its
kind who wrote it (`lib.verdicts.answers`), and is a witness for the hits before it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from lib.catalogues.registry import Catalogues
from lib.tracking.facts import Fact
from lib.verdicts.answers import answer_verdict
from lib.verdicts.context import Sending
from lib.verdicts.evidence import Finding, Verdict
from lib.verdicts.memory import MOST_COUNTED, SourceKey, Sure, Visit
from lib.verdicts.message_facts import PatternRules, Rules, Scene, target_of
from lib.verdicts.past import pasts_of
from lib.verdicts.repeats import as_repeat, repeats
from lib.verdicts.request import HitRequest
from lib.verdicts.rules import (
    agents,
    claimed_browsers,
    corroborating,
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
    without_clicks,
)
from lib.verdicts.thresholds import DEFAULT, Thresholds
from lib.verdicts.weighing import Weighed, conclude, weigh
from lib.verdicts.weights import PRIOR, UNKNOWABLE, WEIGHTS, Side, side_of

RequestRule = Callable[[HitRequest], Finding | None]

REQUEST_RULES: tuple[RequestRule, ...] = (
    *agents.RULES,
    *claimed_browsers.RULES,
    *networks.RULES,
    *own_side.RULES,
    *requests.RULES,
)
"""Rules that look at the request alone."""

RULES = Rules(
    *agents.TIMED_RULES,
    *networks.TIMED_RULES,
    *own_side.SENDING_RULES,
    *timing.RULES,
    *gateways.RULES,
    *feedback.RULES,
)
"""Rules that look at one fact, and at how the message was sent."""

_BEYOND_DOUBT: Mapping[Side, float] = {"open": 3.0, "click": 2.0}
"""Log-odds from which a person is certain, with a sign of `_CERTAIN`."""

_SURELY_MACHINE: Mapping[Side, float] = {"open": -4.0, "click": -5.0}
"""Log-odds until which a machine is certain."""

_CERTAIN = frozenset(("read-at-the-same-place", "replied-after"))


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
    hits: list[Fact] = []
    answers: list[Fact] = []
    for fact in facts:
        (hits if fact.is_hit else answers).append(fact)
    same = repeats(hits)
    first = [fact for fact in hits if same.get(fact.key) is None] if same else hits
    scene = Scene(first, sending, catalogues, thresholds, answers)
    verdicts, visits = _judged(scene, thresholds)
    if not (same or answers):
        return Judgement(verdicts, visits)
    repeated = {fact.key: as_repeat(verdicts[same[fact.key] or fact.key], fact) for fact in hits if fact.key in same}
    every_verdict = {**verdicts, **repeated, **{fact.key: answer_verdict(fact) for fact in answers}}
    return Judgement(every_verdict, visits)


class _Findings:
    """Findings on each fact of a message, and what they add up to."""

    def __init__(self, scene: Scene, found: Mapping[str, tuple[Finding, ...]], weighed: Mapping[str, Weighed]) -> None:
        self._scene = scene
        self.found = dict(found)
        self._weighed = dict(weighed)

    def copy(self) -> _Findings:
        return _Findings(self._scene, self.found, self._weighed)

    def add_findings(self, more: Iterable[tuple[Fact, Finding]]) -> None:
        for fact, finding in more:
            self.found[fact.key] += (finding,)
            self._weighed.pop(fact.key, None)

    def weigh(self) -> Mapping[str, Weighed]:
        """Weigh what is found of each fact by now, by the fact's key."""
        weighed = self._weighed
        if len(weighed) < len(self.found):
            for fact in self._scene.facts:
                if fact.key not in weighed:
                    weighed[fact.key] = weigh(side_of(fact.kind), self.found[fact.key])
        return weighed

    def suspects(self) -> frozenset[str]:
        """Keys of facts that are a machine's by what is found so far."""
        return frozenset([key for key, each in self.weigh().items() if each.is_suspect])

    def doubted(self) -> frozenset[str]:
        """Keys of facts against which anything speaks."""
        return frozenset([key for key, each in self.weigh().items() if each.is_doubted])

    def undecided(self, thresholds: Thresholds) -> frozenset[str]:
        """Keys of opens that weak signs may still move."""
        weighed = self.weigh()
        opens = [(fact.key, weighed[fact.key]) for fact in self._scene.opens]
        return frozenset(
            [key for key, each in opens if without_clicks.is_undecided(each.probability, each.codes, thresholds)]
        )


_AMONG_FACTS = PatternRules(*floods.RULES, *patterns.RULES)
_AT_PLACES = PatternRules(*patterns.AT_PLACES)
_FROM_MEMORY = PatternRules(*patterns.AT_PLACES, *memory.RULES)
_CORROBORATING = PatternRules(*corroborating.RULES)
_WITHOUT_CLICKS = PatternRules(*without_clicks.RULES)
_EXPERIENCE = PatternRules(*experience.RULES)


def _judged(scene: Scene, thresholds: Thresholds) -> tuple[dict[str, Verdict], list[Visit]]:
    found, witnesses = _Findings(scene, _by_themselves(scene), {}), _Witnesses(scene)
    scene.suspects = by_themselves = found.suspects()
    if scene.sending.honeypots:
        scene.doubted = found.doubted()
    found.add_findings(_AMONG_FACTS.find(scene))
    visits: list[Visit] = []
    if scene.sending.memory.keys:
        alone = found.copy()
        alone.add_findings(_AT_PLACES.find(scene))
        witnesses.testify(alone)
        visits = list(_visits(scene, alone))
        scene.suspects = by_themselves
        scene.pasts = pasts_of(scene.sending.memory, [fact.key for fact in scene.facts])
        found.add_findings(_FROM_MEMORY.find(scene))
    else:
        found.add_findings(_AT_PLACES.find(scene))
    witnesses.testify(found)
    if _WITHOUT_CLICKS.of_scene(scene):
        scene.suspects = found.suspects()
        scene.undecided = found.undecided(thresholds)
        found.add_findings(_WITHOUT_CLICKS.find(scene) if scene.undecided else ())
    found.add_findings(_EXPERIENCE.find(scene))
    verdicts = {fact.key: conclude(side_of(fact.kind), found.found[fact.key], thresholds) for fact in scene.facts}
    return verdicts, visits


class _Witnesses:
    """What speaks for a person. It depends on the suspects alone: the same suspects leave the same."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._said: dict[frozenset[str], list[tuple[Fact, Finding]]] = {}

    def testify(self, found: _Findings) -> None:
        """Add what speaks for a person, beside the suspects by what is found so far."""
        if not _CORROBORATING.of_scene(self._scene):
            return
        suspects = self._scene.suspects = found.suspects()
        if suspects not in self._said:
            self._said[suspects] = _CORROBORATING.find(self._scene)
        found.add_findings(self._said[suspects])


def _by_themselves(scene: Scene) -> dict[str, tuple[Finding, ...]]:
    """Judge every fact by itself."""
    rules = RULES.of_scene(scene)
    return {
        fact.key: (
            *_of_request(scene.request(fact)),
            *[finding for find in rules if (finding := find(fact, scene)) is not None],
        )
        for fact in scene.facts
    }


@lru_cache(maxsize=4096)
def _of_request(request: HitRequest) -> tuple[Finding, ...]:
    return tuple([finding for rule in REQUEST_RULES if (finding := rule(request))])


def _visits(scene: Scene, found: _Findings) -> Iterator[Visit]:
    """Find the visits; none of the sender's own network, where every mail by itself tells whose side it is."""
    memory, weighed = scene.sending.memory, found.weigh()
    groups: dict[SourceKey, list[tuple[Fact, Weighed]]] = defaultdict(list)
    for fact in scene.facts:
        key, each = memory.keys.get(fact.key), weighed[fact.key]
        if key is not None and own_side.NETWORK not in each.codes:
            groups[key].append((fact, each))
    for key, hits in groups.items():
        first = hits[0][0]
        targets = [target_of(fact) for fact, _ in hits if fact.kind != "open"]
        yield Visit(
            key,
            first.message,
            memory.sender,
            first.at,
            scene.since_dispatch(first),
            min(len(hits) - len(targets), MOST_COUNTED),
            min(len(set(targets)), MOST_COUNTED),
            scene.sending.links,
            round(min([each.odds - PRIOR[side_of(fact.kind)] for fact, each in hits]), 1),
            max([_witnessed(side_of(fact.kind), each.odds, each.codes) for fact, each in hits]).sure,
        )


class _Witnessed(NamedTuple):
    """What the witnesses of a hit say. Of several hits of a source, the one with the highest rank is believed."""

    rank: int
    sure: Sure


@lru_cache(maxsize=8192)
def _witnessed(side: Side, odds: float, codes: frozenset[str]) -> _Witnessed:
    """Return who a source surely was, by one hit; empty where that is in doubt.

    A user's word can make a hit doubtful, and nothing certain: no user alone decides what other mails of the source
    are. So log-odds count with the words and without them.
    """
    words = codes & feedback.WORDS
    unsaid = odds - sum([WEIGHTS[code].for_side(side) for code in words])
    if own_side.SESSION_CODE in codes:
        return _Witnessed(4, "own")
    if max(odds, unsaid) <= _SURELY_MACHINE[side] and UNKNOWABLE not in codes:
        return _Witnessed(3, "machine")
    if min(odds, unsaid) >= _BEYOND_DOUBT[side] and not _CERTAIN.isdisjoint(codes):
        return _Witnessed(2, "person")
    return _Witnessed(1, "own") if "after-the-answer" in codes else _Witnessed(0, "")
