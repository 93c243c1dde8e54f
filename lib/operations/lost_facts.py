"""Facts that only the log holds, from a time when storage did not answer: found in an exported log, and handed on."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from lib.storage import Queues
from lib.storage.batches import batches_of
from lib.storage.layout import INTERACTIONS
from lib.tracking.facts import Fact, NotAFact
from lib.tracking.journal import LOG_MARK, queue_body
from lib.tracking.queue_messages import read_interactions

_FACTS_OF_A_MESSAGE = 50

_QUOTED_AS_IN_CSV = '{""'
"""Begins a fact in a file that the portal has exported: it offers no other format of text."""


@dataclass(frozen=True, slots=True)
class LostFacts:
    """Facts of a log."""

    by_organization: Mapping[str, Sequence[Fact]]
    """The facts of each organization, each once."""

    unreadable: int
    """Lines with the mark that hold no readable fact."""

    @property
    def number(self) -> int:
        """The number of facts."""
        return sum(map(len, self.by_organization.values()))


def find_lost_facts(lines: Iterable[str]) -> LostFacts:
    """Read the facts after the mark, wherever the mark stands in a line, be it plain or of CSV."""
    found: dict[str, dict[str, Fact]] = {}
    unreadable = 0
    for line in lines:
        _, mark, rest = line.partition(LOG_MARK)
        if not mark:
            continue
        if rest.startswith(_QUOTED_AS_IN_CSV):
            rest = rest.replace('""', '"')
        try:
            raw, _ = json.JSONDecoder().raw_decode(rest)
            read = read_interactions({"v": 1, "org": raw["org"], "facts": [raw["fact"]]})
        except (ValueError, TypeError, KeyError, RecursionError, NotAFact):
            unreadable += 1
        else:
            found.setdefault(read.organization, {}).update({fact.key: fact for fact in read.facts})
    return LostFacts({organization: list(facts.values()) for organization, facts in found.items()}, unreadable)


async def replay_lost_facts(queues: Queues, lost: LostFacts, told: Callable[[int], None] = lambda _: None) -> None:
    """Hand the facts to the assessor, through its queue. Again is the same: a known fact changes nothing.

    `told` gets the number of facts in each message that was sent. Raises StorageError.
    """
    for organization, facts in lost.by_organization.items():
        for some in batches_of(facts, _FACTS_OF_A_MESSAGE):
            await queues.send(INTERACTIONS, queue_body(organization, [fact.to_json() for fact in some]))
            told(len(some))
