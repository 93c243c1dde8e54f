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

from lib.catalogues.gateways import Gateway
from lib.catalogues.registry import Catalogues
from lib.messages.feedback import Was
from lib.tracking.facts import Fact, FactKind
from lib.verdicts.answers import answer_verdict
from lib.verdicts.circumstances import Circumstances, tell_apart
from lib.verdicts.context import Sending
from lib.verdicts.evidence import Finding, Verdict
from lib.verdicts.memory import MOST_COUNTED, SourceKey, Sure, Visit
from lib.verdicts.message_facts import PatternRules, Scene, target_of
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
from lib.verdicts.weighing import Sign, Signs, add_signs, conclude, sign_of, signs_of
from lib.verdicts.weights import PRIOR, UNKNOWABLE, WEIGHTS, Side, side_of

RequestRule = Callable[[HitRequest], Finding | None]
FactRule = Callable[[Circumstances], Finding | None]

REQUEST_RULES: tuple[RequestRule, ...] = (
    *agents.RULES,
    *claimed_browsers.RULES,
    *networks.RULES,
    *own_side.RULES,
    *requests.RULES,
)
"""Rules that look at the request alone."""

RULES: tuple[FactRule, ...] = (
    *agents.TIMED_RULES,
    *networks.TIMED_RULES,
    *own_side.SENDING_RULES,
    *timing.RULES,
    *gateways.RULES,
    *feedback.RULES,
)
"""Rules that look at one fact, and at how the message was sent: at its circumstances alone."""

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
    """Findings on each fact of a message."""

    def __init__(self, scene: Scene, found: dict[str, tuple[Finding, ...]], signs: dict[str, Signs]) -> None:
        self._scene = scene
        self._found = found
        self.signs = signs
        """Signs on each fact, by its key."""

    def copy(self) -> _Findings:
        return _Findings(self._scene, self._found.copy(), self.signs.copy())

    def add_findings(self, more: Iterable[tuple[Fact, Finding]]) -> None:
        found, signs = self._found, self.signs
        for fact, finding in more:
            key = fact.key
            found[key] += (finding,)
            signs[key] = add_signs(signs[key], sign_of(finding))

    def suspects(self) -> frozenset[str]:
        """Keys of facts that are a machine's by what is found so far."""
        return frozenset([key for key, each in self.signs.items() if each.weighed.is_suspect])

    def doubted(self) -> frozenset[str]:
        """Keys of facts against which anything speaks."""
        return frozenset([key for key, each in self.signs.items() if each.weighed.is_doubted])

    def undecided(self, thresholds: Thresholds) -> frozenset[str]:
        """Keys of opens that weak signs may still move."""
        opens = [(fact.key, self.signs[fact.key].weighed) for fact in self._scene.opens]
        return frozenset(
            [key for key, each in opens if without_clicks.is_undecided(each.probability, each.codes, thresholds)]
        )

    def conclude(self, thresholds: Thresholds) -> dict[str, Verdict]:
        """Return the verdict on each fact, by its key."""
        human, machine, found = thresholds.human_from, thresholds.machine_until, self._found
        return {
            key: conclude(signs, found[key], human[signs.side], machine[signs.side])
            for key, signs in self.signs.items()
        }


_AMONG_FACTS = PatternRules(*floods.RULES, *patterns.RULES)
_AT_PLACES = PatternRules(*patterns.AT_PLACES)
_FROM_MEMORY = PatternRules(*patterns.AT_PLACES, *memory.RULES)
_CORROBORATING = PatternRules(*corroborating.RULES)
_WITHOUT_CLICKS = PatternRules(*without_clicks.RULES)
_EXPERIENCE = PatternRules(*experience.RULES)


def _judged(scene: Scene, thresholds: Thresholds) -> tuple[dict[str, Verdict], list[Visit]]:
    found, witnesses = _by_themselves(scene), _Witnesses(scene)
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
    return found.conclude(thresholds), visits


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


def _by_themselves(scene: Scene) -> _Findings:
    """Judge every fact by itself."""
    feedback = scene.sending.feedback
    found, signs = {}, {}
    for fact in scene.facts:
        key, request, since = fact.key, scene.request(fact), scene.since_dispatch(fact)
        passed, seconds = (None, 0) if since is None else tell_apart(since)
        is_out_of_date = fact.at > request.program.out_of_date_from
        found_around, signs_around = _of_circumstances(
            request.kind,
            request.gateway_network,
            passed,
            seconds,
            is_out_of_date,
            scene.gateway(fact),
            scene.is_own(fact),
            feedback.get(key),
        )
        found_asked, signs_asked = _of_request(request)
        found[key] = found_asked + found_around
        signs[key] = add_signs(signs_asked, *signs_around)
    return _Findings(scene, found, signs)


@lru_cache(maxsize=4096)
def _of_request(request: HitRequest) -> tuple[tuple[Finding, ...], Signs]:
    found = tuple([finding for rule in REQUEST_RULES if (finding := rule(request))])
    return found, signs_of(side_of(request.kind), tuple(map(sign_of, found)))


@lru_cache(maxsize=4096)
def _of_circumstances(
    kind: FactKind,
    gateway_network: str | None,
    passed: int | None,
    seconds: int,
    is_out_of_date: bool,
    gateway: Gateway | None,
    is_own: bool,
    said: Was | None,
) -> tuple[tuple[Finding, ...], tuple[Sign, ...]]:
    circumstances = Circumstances(kind, gateway_network, passed, seconds, is_out_of_date, gateway, is_own, said)
    found = tuple([finding for rule in RULES if (finding := rule(circumstances))])
    return found, tuple(map(sign_of, found))


def _visits(scene: Scene, found: _Findings) -> Iterator[Visit]:
    """Find the visits; none of the sender's own network, where every mail by itself tells whose side it is."""
    memory = scene.sending.memory
    groups: dict[SourceKey, list[tuple[Fact, Signs]]] = defaultdict(list)
    for fact in scene.facts:
        key, each = memory.keys.get(fact.key), found.signs[fact.key]
        if key is not None and own_side.NETWORK not in each.weighed.codes:
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
            round(min([each.weighed.odds - PRIOR[each.side] for _, each in hits]), 1),
            max([_witnessed(each) for _, each in hits]).sure,
        )


class _Witnessed(NamedTuple):
    """What the witnesses of a hit say. Of several hits of a source, the one with the highest rank is believed."""

    rank: int
    sure: Sure


@lru_cache(maxsize=8192)
def _witnessed(found: Signs) -> _Witnessed:
    """Return who a source surely was, by one hit; empty where that is in doubt.

    A user's word can make a hit doubtful, and nothing certain: no user alone decides what other mails of the source
    are. So log-odds count with the words and without them.
    """
    odds, codes = found.weighed.odds, found.weighed.codes
    words = codes & feedback.WORDS
    unsaid = odds - sum([WEIGHTS[code].for_side(found.side) for code in words])
    if own_side.SESSION_CODE in codes:
        return _Witnessed(4, "own")
    if max(odds, unsaid) <= _SURELY_MACHINE[found.side] and UNKNOWABLE not in codes:
        return _Witnessed(3, "machine")
    if min(odds, unsaid) >= _BEYOND_DOUBT[found.side] and not _CERTAIN.isdisjoint(codes):
        return _Witnessed(2, "person")
    return _Witnessed(1, "own") if "after-the-answer" in codes else _Witnessed(0, "")
