"""The facts of one message, arranged so that rules can ask for what stands beside a fact.

Everything here is linear in the number of facts but for sorting: a message can have tens of thousands.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property, lru_cache
from operator import attrgetter
from typing import NamedTuple, TypeVar

from lib.catalogues.networks import network_bounds
from lib.catalogues.owners import Owner
from lib.catalogues.registry import Catalogues
from lib.tracking.facts import Fact, FactKind
from lib.verdicts.context import Sending
from lib.verdicts.evidence import Finding
from lib.verdicts.past import Past
from lib.verdicts.request import HitRequest, request_of
from lib.verdicts.thresholds import Thresholds

_Key = TypeVar("_Key")
_RECIPIENT: Callable[[Fact], int | None] = attrgetter("recipient")
_AT: Callable[[Fact], int] = attrgetter("at")
_BY_KEY: Callable[[Fact], str] = attrgetter("key")


class Source(NamedTuple):
    """Source of a fact, by which a machine or a person can be known again: network and agent."""

    network: str | None
    agent: str | None


def source_of(fact: Fact) -> Source:
    return Source(fact.network, fact.agent)


class Scene:
    """Hits of one message (`facts`), and mail that came back (`answers`).

    `suspects` are the keys of hits that are a machine's by themselves, whatever stands beside them; `doubted` of those
    against which anything speaks by itself; `undecided` of those that weak signs may still move.
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
        self.clicks = [fact for fact in self.facts if fact.kind != "open"]
        """Hits that are no opens."""
        self._requests: dict[str, HitRequest] = {}
        self.pasts: Mapping[str, Past] = {}

    def request(self, fact: Fact) -> HitRequest:
        """The request of a hit, with what the catalogues say of it."""
        request = self._requests.get(fact.key)
        if request is None:
            request = self._requests[fact.key] = request_of(fact, self.catalogues)
        return request

    def owner(self, fact: Fact) -> Owner | None:
        """Whose network it came from: as known when it came, or as the catalogue has it now."""
        return self.request(fact).owner

    def is_shared(self, fact: Fact) -> bool:
        """Many people, and machines among them, come from there under the same agent: they are no one source."""
        return self.request(fact).is_shared

    def since_dispatch(self, fact: Fact) -> int | None:
        """Milliseconds since the mail went out; None where that time is not known."""
        sent_at = self.sending.dispatched_to(fact.recipient)
        return None if sent_at is None else fact.at - sent_at

    def is_early(self, fact: Fact) -> bool:
        """Whether mail is still scanned at its delivery; also where it is not known when it went out."""
        passed = self.since_dispatch(fact)
        return passed is None or passed <= self.thresholds.scans_for

    def gateway(self, fact: Fact) -> str | None:
        """The product that filters this recipient's mail; of several recipients, when all have the same."""
        gateways = self.sending.gateways
        if fact.recipient is not None:
            return gateways[fact.recipient] if fact.recipient < len(gateways) else None
        return gateways[0] if len(set(gateways)) == 1 else None

    def is_own(self, network: str) -> bool:
        """Facts know networks only as a /24 or /48: one that lies in an own network, or holds one."""
        return _overlaps(network, self.sending.own_networks)

    @cached_property
    def by_source(self) -> Mapping[Source, Sequence[Fact]]:
        """In order of time; only of what can be known again."""
        return _grouped([fact for fact in self.facts if not self.is_shared(fact)], source_of)

    @cached_property
    def by_shared_source(self) -> Mapping[Source, Sequence[Fact]]:
        return _grouped([fact for fact in self.facts if self.is_shared(fact)], source_of)

    @cached_property
    def by_recipient(self) -> Mapping[int | None, Sequence[Fact]]:
        return _grouped(self.facts, _RECIPIENT)

    @cached_property
    def clicks_by_source(self) -> Mapping[Source, Sequence[Fact]]:
        return _grouped([fact for fact in self.clicks if not self.is_shared(fact)], source_of)

    @cached_property
    def clicks_by_link(self) -> Mapping[tuple[int | None, int], Sequence[Fact]]:
        """By recipient and link."""
        return _grouped(self.clicks, lambda fact: (fact.recipient, target_of(fact)))

    @cached_property
    def clicks_by_recipient(self) -> Mapping[int | None, Sequence[Fact]]:
        return _grouped(self.clicks, _RECIPIENT)

    @cached_property
    def opens_by_recipient(self) -> Mapping[int | None, Sequence[Fact]]:
        return _grouped([fact for fact in self.facts if fact.kind == "open"], _RECIPIENT)

    @cached_property
    def by_token(self) -> Mapping[tuple[FactKind, int | None, int], Sequence[Fact]]:
        """By what the token says: kind, recipient and item."""
        return _grouped(self.facts, lambda fact: (fact.kind, fact.recipient, fact.item))

    @cached_property
    def opens(self) -> int:
        return self.sending.opens_before + sum(fact.count for fact in self.facts if fact.kind == "open")


def target_of(fact: Fact) -> int:
    """Target that was followed: a link's index, or a negative number for an attachment."""
    return -1 - fact.item if fact.kind == "attachment_view" else fact.item


@lru_cache(maxsize=4096)
def _overlaps(network: str, others: tuple[str, ...]) -> bool:
    asked = network_bounds(network)
    return asked is not None and any(
        bounds is not None and bounds[0] == asked[0] and bounds[1] <= asked[2] and asked[1] <= bounds[2]
        for bounds in map(network_bounds, others)
    )


def _grouped(facts: Iterable[Fact], key: Callable[[Fact], _Key]) -> dict[_Key, list[Fact]]:
    groups: dict[_Key, list[Fact]] = defaultdict(list)
    for fact in facts:
        groups[key(fact)].append(fact)
    return groups


def has_between(times: Sequence[int], low: int, high: int) -> bool:
    """Whether one of the sorted `times` lies between, both ends included."""
    return bisect_left(times, low) < bisect_right(times, high)


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


class PatternRule(NamedTuple):
    """A rule about several facts, and the least that there must be for it to find anything."""

    find: Callable[[Scene], Findings]
    hits: int = 1
    clicks: int = 0


def find_patterns(rules: Iterable[PatternRule], scene: Scene) -> Findings:
    """Ask those rules that can find something."""
    hits, clicks = len(scene.facts), len(scene.clicks)
    for rule in rules:
        if hits >= rule.hits and clicks >= rule.clicks:
            yield from rule.find(scene)
