"""Floods: one token that is hit more often within a minute than people and their mail programs do."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from lib.tracking.facts import Fact
from lib.verdicts.evidence import Finding
from lib.verdicts.message_facts import PatternRule, Scene
from lib.verdicts.thresholds import MINUTE


def flood(scene: Scene) -> Iterator[tuple[Fact, Finding]]:
    """Find the hits of floods: facts that stand for several hits, and those of a network that is over the limit alone.

    Other hits of that minute on one recipient's token may be of the same machine, behind many addresses, or of the
    recipient: these become doubtful. Single hits that name no recipient may be of many people.
    """
    limit = scene.thresholds.flood
    for facts in scene.by_token.values():
        over = _over_limit(facts, limit)
        if not over:
            continue
        is_one_recipients = facts[0].recipient is not None
        of_one_network = _over_limit_in_one_network(facts, scene) if is_one_recipients else set[str]()
        for fact in facts:
            if fact.count > 1:
                text = (
                    f"This stands for {fact.count:,} requests within seconds, {fact.count - 1:,} more than are listed."
                )
                yield fact, Finding("flood", text)
            elif fact.key in of_one_network:
                yield fact, Finding("flood", f"The same network asked for it over {limit} times within a minute.")
            elif fact.key in over and is_one_recipients:
                yield fact, Finding("flood-nearby", f"It was asked for over {limit} times within that minute.")


def _over_limit(facts: Sequence[Fact], limit: int) -> set[str]:
    """The keys of facts, in order of time, that share a minute with more hits than `limit`."""
    found: set[str] = set()
    first = marked = hits = 0
    for place, fact in enumerate(facts):
        hits += fact.count
        while fact.at - facts[first].at > MINUTE:
            hits -= facts[first].count
            first += 1
        if hits > limit:
            found.update(each.key for each in facts[max(first, marked) : place + 1])
            marked = place + 1
    return found


def _over_limit_in_one_network(facts: Sequence[Fact], scene: Scene) -> set[str]:
    by_network: dict[str, list[Fact]] = defaultdict(list)
    for fact in facts:
        if fact.network is not None and not scene.is_shared(fact):
            by_network[fact.network].append(fact)
    return set[str]().union(*(_over_limit(group, scene.thresholds.flood) for group in by_network.values()))


RULES = (PatternRule(flood, "flood"),)
