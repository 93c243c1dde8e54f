"""Sources that look at many mails at once: outbound scanners at the sender's, who read every mail that goes out.

One message's facts do not show them; so every hit that comes soon after its mail's dispatch leaves a row by its source,
and the messages that a source has looked at within seconds can be counted. Only soon after dispatch, when such scanners
run, and never for sources that many people share.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b

from lib.facts import Fact
from lib.storage import Missing, Range, Row, Tables, Upsert
from lib.tables import table
from lib.verdicts.thresholds import MINUTE, SECOND

WITHIN = 10 * MINUTE
"""Milliseconds after dispatch in which hits are noted."""

TOGETHER = 10 * SECOND
"""Milliseconds that count as at once."""

_MOST_SOURCES = 20
"""Of one message that are looked up; a message with more is no outbound scanner's."""

_MOST_ROWS = 200
_PARTITION = "seen-by"
# In the table `journal`, whose commits begin with the year.


class Sightings:
    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def note(self, organization: str, facts: Iterable[Fact]) -> None:
        """These hits came soon after dispatch. Again is the same."""
        for fact in {(_partition(fact), _key(fact)): fact for fact in facts}.values():
            try:
                await self._tables.write(
                    table(organization, "journal"), [Upsert(Row(_partition(fact), _key(fact), {"v": 1}))]
                )
            except Missing:
                return

    async def elsewhere(self, organization: str, facts: Iterable[Fact]) -> dict[str, int]:
        """By fact key: how many other messages the same source looked at, at about that time; those with any."""
        by_source: dict[str, list[Fact]] = {}
        for fact in facts:
            by_source.setdefault(_partition(fact), []).append(fact)
        found: dict[str, int] = {}
        for partition, its_facts in list(by_source.items())[:_MOST_SOURCES]:
            first, last = min(fact.at for fact in its_facts), max(fact.at for fact in its_facts)
            seen = await self._seen(organization, partition, first - TOGETHER, last + TOGETHER)
            for fact in its_facts:
                others = {message for at, message in seen if message != fact.message and abs(at - fact.at) <= TOGETHER}
                if others:
                    found[fact.key] = len(others)
        return found

    async def _seen(self, organization: str, partition: str, low: int, high: int) -> list[tuple[int, str]]:
        keys = Range(low=f"{max(low, 0):013d}", high=f"{high + 1:013d}")
        rows = self._tables.query(table(organization, "journal"), partition, keys, _MOST_ROWS)
        return [(int(row.key[:13]), row.key[14:]) async for row in rows]


def _partition(fact: Fact) -> str:
    source = blake2b(f"{fact.network}|{fact.agent}".encode(), digest_size=16).hexdigest()
    return f"{_PARTITION}-{source}"


def _key(fact: Fact) -> str:
    return f"{fact.at:013d}-{fact.message}"
