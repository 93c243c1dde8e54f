"""Sources that look at many mails at once: outbound scanners at the sender's, who read every mail that goes out.

One message's facts do not show them; so every hit that comes soon after its mail's dispatch leaves a row by its source,
and the messages that a source has looked at within seconds can be counted. Only soon after dispatch, when such scanners
run, and never for sources that many people share.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping
from contextlib import suppress
from hashlib import blake2b

from lib.assessment.journal_cleaning import SIGHTINGS
from lib.storage import Delete, Missing, Range, Row, Tables, Upsert
from lib.storage.batches import batches_of
from lib.storage.layout import table
from lib.storage.protocols import MOST_CHANGES
from lib.tracking.facts import Fact
from lib.verdicts.thresholds import MINUTE, SECOND

WITHIN = 10 * MINUTE
"""Milliseconds after dispatch in which hits are noted."""

TOGETHER = 10 * SECOND
"""Milliseconds that count as at once."""

_MOST_SOURCES = 20
"""Sources of one message that are looked up; a message with more is no outbound scanner's."""

_MOST_ROWS = 200
# In the table `journal`, whose commits begin with the year. Sixteen partitions: few enough for a busy message's hits to
# share transactions, and enough to bear many messages' hits.


class Sightings:
    """Notes and finds hits of one source on several messages soon after dispatch."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def note(self, organization: str, facts: Iterable[Fact]) -> None:
        """Note hits that came soon after dispatch. Again is the same."""
        by_partition: dict[str, set[str]] = defaultdict(set)
        for fact in facts:
            source = _source(fact)
            by_partition[_partition(source)].add(f"{source}-{fact.at:013d}-{fact.message}")
        await asyncio.gather(*(self._write(organization, each, sorted(keys)) for each, keys in by_partition.items()))

    async def _write(self, organization: str, partition: str, keys: list[str]) -> None:
        for some in batches_of(keys, MOST_CHANGES):
            rows = [Upsert(Row(partition, key, {"v": 1})) for key in some]
            try:
                await self._tables.write_rows(table(organization, "journal"), rows)
            except Missing:
                return

    async def forget(self, organization: str, facts: Iterable[Fact]) -> None:
        """Take back what was noted of hits that are not to be kept. Raises StorageError."""
        for fact in facts:
            source = _source(fact)
            key = f"{source}-{fact.at:013d}-{fact.message}"
            with suppress(Missing):
                await self._tables.write_rows(table(organization, "journal"), [Delete(_partition(source), key)])

    async def elsewhere(self, organization: str, facts: Iterable[Fact], known: Mapping[str, int]) -> dict[str, int]:
        """Count, by fact key, how many other messages the same source looked at, at about that time.

        Only for the sources that came first; numbers that are `known` are not read again.
        """
        by_source: dict[str, list[Fact]] = {}
        for fact in sorted(facts, key=lambda fact: fact.key):
            by_source.setdefault(_source(fact), []).append(fact)
        first = dict(list(by_source.items())[:_MOST_SOURCES])
        found = {fact.key: known[fact.key] for its_facts in first.values() for fact in its_facts if fact.key in known}
        asked = {
            source: new for source, its_facts in first.items() if (new := [f for f in its_facts if f.key not in known])
        }
        for counts in await asyncio.gather(*(self._counts(organization, *each) for each in asked.items())):
            found |= counts
        return found

    async def _counts(self, organization: str, source: str, facts: list[Fact]) -> dict[str, int]:
        """Count for the hits of one source, which come in order of time."""
        low, high = max(facts[0].at - TOGETHER, 0), facts[-1].at + TOGETHER
        keys = Range(low=f"{source}-{low:013d}", high=f"{source}-{high + 1:013d}")
        rows = self._tables.query(table(organization, "journal"), _partition(source), keys, _MOST_ROWS)
        seen = [(int(at), message) async for row in rows for _, at, message in [row.key.split("-")]]
        return {
            fact.key: len(
                {message for at, message in seen if message != fact.message and abs(at - fact.at) <= TOGETHER}
            )
            for fact in facts
        }


def _source(fact: Fact) -> str:
    return blake2b(f"{fact.network}|{fact.agent}".encode(), digest_size=16).hexdigest()


def _partition(source: str) -> str:
    return f"{SIGHTINGS}-{source[0]}"
