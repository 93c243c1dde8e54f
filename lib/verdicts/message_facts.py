"""The facts of one message, arranged so that rules can ask for what stands beside a fact.

Everything here is linear in the number of facts but for sorting: a message can have tens of thousands.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from operator import attrgetter
from typing import Literal, TypeVar

from lib.catalogues.gateways import Gateway
from lib.catalogues.networks import network_bounds
from lib.catalogues.owners import Owner
from lib.catalogues.registry import Catalogues
from lib.tracking.facts import Fact, FactKind
from lib.verdicts.context import Sending
from lib.verdicts.evidence import Finding
from lib.verdicts.lazy import lazy
from lib.verdicts.past import Past
from lib.verdicts.request import HitRequest, request_of
from lib.verdicts.thresholds import Thresholds

_Key = TypeVar("_Key")
_RECIPIENT: Callable[[Fact], int | None] = attrgetter("recipient")
_AT: Callable[[Fact], int] = attrgetter("at")
_BY_KEY: Callable[[Fact], str] = attrgetter("key")


Source = tuple[str | None, str | None]
"""Source of a fact, by which a machine or a person can be known again: network and agent."""


def source_of(fact: Fact) -> Source:
    return fact.network, fact.agent


class Scene:
    """Hits of one message (`facts`), and mail that came back (`answers`).

    `suspects` are the keys of hits that are a machine's by themselves, whatever stands beside them; `doubted` of those
    against which anything speaks by itself, where links are hidden; `undecided` of those that weak signs may still
    move.
    """

    def __init__(
        self,
        facts: Iterable[Fact],
        sending: Sending,
        catalogues: Catalogues,
        thresholds: Thresholds,
        answers: Iterable[Fact] = (),
    ) -> None:
        self.answers: Sequence[Fact] = sorted(answers, key=_BY_KEY)
        self.facts: Sequence[Fact] = sorted(facts, key=_BY_KEY)
        self.sending = sending
        self.catalogues = catalogues
        self.thresholds = thresholds
        self.suspects: frozenset[str] = frozenset()
        self.doubted: frozenset[str] = frozenset()
        self.undecided: frozenset[str] = frozenset()
        self.opens = [fact for fact in self.facts if fact.kind == "open"]
        self.clicks = [fact for fact in self.facts if fact.kind != "open"]
        """Hits that are no opens."""
        self._requests = {fact.key: request_of(fact, catalogues) for fact in self.facts}
        self.number_of_hits = sum([request.count for request in self._requests.values()])
        """Number of hits that the facts stand for."""
        self.has: tuple[Need, ...] = (*self._had_by_sending(), *self._had_by_hits(), *self._had_by_clicks())
        """What the message has for rules to look at."""
        self.pasts: Mapping[str, Past] = {}

    def request(self, fact: Fact) -> HitRequest:
        """The request of a hit, with what the catalogues say of it."""
        return self._requests[fact.key]

    def owner(self, fact: Fact) -> Owner | None:
        """Whose network it came from: as known when it came, or as the catalogue has it now."""
        return self._requests[fact.key].owner

    def is_shared(self, fact: Fact) -> bool:
        """Many people, and machines among them, come from there under the same agent: they are no one source."""
        return self._requests[fact.key].is_shared

    def since_dispatch(self, fact: Fact) -> int | None:
        """Milliseconds since the mail went out; None where that time is not known."""
        sending = self.sending
        sent_at = sending.dispatched_to(fact.recipient) if sending.sent_at_of else sending.sent_at
        return None if sent_at is None else fact.at - sent_at

    def is_early(self, fact: Fact) -> bool:
        """Whether mail is still scanned at its delivery; also where it is not known when it went out."""
        passed = self.since_dispatch(fact)
        return passed is None or passed <= self.thresholds.scans_for

    def gateway(self, fact: Fact) -> Gateway | None:
        """The product that filters this recipient's mail; of several recipients, when all have the same."""
        gateways = self._gateways
        if fact.recipient is None:
            return gateways[0] if len(set(self.sending.gateways)) == 1 else None
        return gateways[fact.recipient] if fact.recipient < len(gateways) else None

    @lazy
    def _gateways(self) -> Sequence[Gateway | None]:
        """Products that filter mail, by recipient number."""
        known = self.catalogues.gateways
        return [known.get(name) if name else None for name in self.sending.gateways]

    def is_own(self, fact: Fact) -> bool:
        """Whether it came from the sender's own network. A colleague who is the recipient reads there, and counts."""
        own = self.sending.own_networks
        if not own or fact.network is None or fact.recipient in self.sending.colleagues:
            return False
        return _is_within(fact.network, own)

    @lazy
    def number_of_opens(self) -> int:
        """Number of opens that the facts stand for, and of those that are no longer looked at."""
        return self.sending.opens_before + sum([self._requests[fact.key].count for fact in self.opens])

    @lazy
    def by_source(self) -> Mapping[Source, Sequence[Fact]]:
        """In order of time; only of what can be known again."""
        return _grouped([fact for fact in self.facts if not self.is_shared(fact)], source_of)

    @lazy
    def by_shared_source(self) -> Mapping[Source, Sequence[Fact]]:
        return _grouped([fact for fact in self.facts if self.is_shared(fact)], source_of)

    @lazy
    def by_recipient(self) -> Mapping[int | None, Sequence[Fact]]:
        return _by_recipient(self.facts)

    @lazy
    def clicks_by_source(self) -> Mapping[Source, Sequence[Fact]]:
        clicks = {source: [fact for fact in facts if fact.kind != "open"] for source, facts in self.by_source.items()}
        return {source: some for source, some in clicks.items() if some}

    @lazy
    def clicks_by_link(self) -> Mapping[tuple[int | None, int], Sequence[Fact]]:
        """By recipient and link."""
        return _grouped(self.clicks, lambda fact: (fact.recipient, target_of(fact)))

    @lazy
    def clicks_by_recipient(self) -> Mapping[int | None, Sequence[Fact]]:
        return _by_recipient(self.clicks)

    @lazy
    def opens_by_recipient(self) -> Mapping[int | None, Sequence[Fact]]:
        return _by_recipient(self.opens)

    @lazy
    def first_replies(self) -> Mapping[int | None, int]:
        """Time of each recipient's first reply."""
        replies = times_by((each for each in self.answers if each.kind == "reply"), lambda fact: fact.recipient)
        return {recipient: min(times) for recipient, times in replies.items()}

    @lazy
    def by_token(self) -> Mapping[tuple[FactKind, int | None, int], Sequence[Fact]]:
        """By what the token says: kind, recipient and item."""
        return _grouped(self.facts, lambda fact: (fact.kind, fact.recipient, fact.item))

    def _had_by_sending(self) -> Iterator[Need]:
        sending = self.sending
        if sending.looked_at is not None and sending.links:
            yield "a-later-look"
        if sending.elsewhere:
            yield "elsewhere"
        if sending.prior_shift:
            yield "a-shift"

    def _had_by_hits(self) -> Iterator[Need]:
        facts = self.facts
        if self.answers:
            yield "answers"
        if self.number_of_hits > self.thresholds.flood:
            yield "flood"
        most = self.sending.opens_before + self.number_of_hits
        if most > self.thresholds.many_opens and self.number_of_opens > self.thresholds.many_opens:
            yield "many-opens"
        if len(facts) > 1:
            yield "several-hits"
            if len(self.opens) > 1:
                yield "several-opens"
            if facts[-1].at - facts[0].at >= self.thresholds.comes_back:
                yield "a-long-time"
            if len({fact.recipient for fact in facts}) > 1:
                yield "several-recipients"

    def _had_by_clicks(self) -> Iterator[Need]:
        if not self.clicks:
            return
        links, targets = self.sending.links, [target_of(click) for click in self.clicks]
        if self.opens:
            yield "opens-and-clicks"
        if links > 1:
            yield "a-click-on-one-of-links"
        if self.sending.honeypots:
            yield "a-click-and-hidden-links"
        different = len(set(targets))
        if different < len(targets):
            yield "a-link-twice"
        if different > 1:
            if links >= self.thresholds.coverage_from and different >= links:
                yield "every-link"
            if self._are_links_within_seconds(targets):
                yield "links-within-seconds"

    def _are_links_within_seconds(self, targets: Sequence[int]) -> bool:
        """Whether two clicks on different links follow each other within seconds: any burst has two such."""
        span, clicks = self.thresholds.burst, self.clicks
        return any(
            targets[place] != targets[place - 1] and clicks[place].at - clicks[place - 1].at <= span
            for place in range(1, len(clicks))
        )


def target_of(fact: Fact) -> int:
    """Target that was followed: a link's index, or a negative number for an attachment."""
    return -1 - fact.item if fact.kind == "attachment_view" else fact.item


@lru_cache(maxsize=4096)
def _is_within(network: str, own_networks: tuple[str, ...]) -> bool:
    """Whether a network lies in one of the others, or holds one: facts know networks only as a /24 or /48."""
    asked = network_bounds(network)
    if asked is None:
        return False
    version, first, last = asked
    for own_version, own_first, own_last in _all_bounds(own_networks):
        if version == own_version and own_first <= last and first <= own_last:
            return True
    return False


@lru_cache(maxsize=1024)
def _all_bounds(networks: tuple[str, ...]) -> Sequence[tuple[int, int, int]]:
    return [bounds for bounds in map(network_bounds, networks) if bounds is not None]


def _by_recipient(facts: Sequence[Fact]) -> Mapping[int | None, Sequence[Fact]]:
    if len({fact.recipient for fact in facts}) == 1:
        return {facts[0].recipient: facts}
    return _grouped(facts, _RECIPIENT)


def _grouped(facts: Iterable[Fact], key: Callable[[Fact], _Key]) -> dict[_Key, list[Fact]]:
    groups: dict[_Key, list[Fact]] = defaultdict(list)
    for fact in facts:
        groups[key(fact)].append(fact)
    return groups


def has_between(times: Sequence[int], low: int, high: int) -> bool:
    """Whether one of the sorted `times` lies between, both ends included."""
    return bisect_left(times, low) < bisect_right(times, high)


def count_between(times: Sequence[int], low: int, high: int) -> int:
    """Number of the sorted `times` that lie between, both ends included."""
    return bisect_right(times, high) - bisect_left(times, low)


def times_by(facts: Iterable[Fact], group: Callable[[Fact], _Key]) -> Mapping[_Key, Sequence[int]]:
    """Times of facts in their order, by group."""
    found: dict[_Key, list[int]] = defaultdict(list)
    for fact in facts:
        found[group(fact)].append(fact.at)
    return found


def between(facts: Sequence[Fact], low: int, high: int) -> Sequence[Fact]:
    """Those of the facts, which are in order of time, from between, both ends included."""
    return facts[bisect_left(facts, low, key=_AT) : bisect_right(facts, high, key=_AT)]


def windows(facts: Sequence[Fact], span: int) -> Iterator[tuple[int, int, dict[int, int]]]:
    """The longest runs of facts within `span` milliseconds: (first, end, how often each target), by index."""
    links: dict[int, int] = defaultdict(int)
    first = 0
    for place, fact in enumerate(facts):
        dropped = False
        while fact.at - facts[first].at > span:
            if not dropped:
                yield first, place, links
                dropped = True
            target = target_of(facts[first])
            links[target] -= 1
            if not links[target]:
                del links[target]
            first += 1
        links[target_of(fact)] += 1
    if facts:
        yield first, len(facts), links


Findings = Iterator[tuple[Fact, Finding]]
"""Findings of a rule about several facts of a message, each with its fact."""

NEVER_PEOPLE = ("scanner", "gateway", "cloud")
"""Kinds of networks where checks run."""


Need = Literal[
    "answers",
    "a-later-look",
    "elsewhere",
    "a-shift",
    "flood",
    "many-opens",
    "several-hits",
    "several-opens",
    "several-recipients",
    "a-long-time",
    "opens-and-clicks",
    "a-click-on-one-of-links",
    "a-click-and-hidden-links",
    "a-link-twice",
    "every-link",
    "links-within-seconds",
]
"""What a message must have for a rule to find anything. Most messages have little of that (`Scene.has`)."""


Finder = Callable[[Scene], Findings]


class PatternRule:
    """A rule about several facts of a message, and what the message must have for the rule to find anything."""

    def __init__(self, find: Finder, *needs: Need) -> None:
        self.find = find
        self.needs = frozenset(needs)


class PatternRules:
    """Rules about several facts that are asked one after the other."""

    def __init__(self, *rules: PatternRule) -> None:
        self._rules = rules
        self._able: dict[tuple[Need, ...], Sequence[Finder]] = {}

    def of_scene(self, scene: Scene) -> Sequence[Finder]:
        """Those that can find something."""
        able = self._able.get(scene.has)
        if able is None:
            able = self._able[scene.has] = [rule.find for rule in self._rules if rule.needs.issubset(scene.has)]
        return able

    def find(self, scene: Scene) -> list[tuple[Fact, Finding]]:
        """Ask those rules that can find something."""
        return [found for find in self.of_scene(scene) for found in find(scene)]
