"""Evidence (`lib.assessment.visits`, `lib.assessment.session_places`) held against retention: nothing is older, and
nothing is of no message."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass

from cachetools import LRUCache

from lib.assessment import session_places
from lib.assessment.evidence_rows import LASTS, remembered_since
from lib.assessment.visit_rows import PARTITIONS, places_of_twins, read_visit
from lib.clock import Clock
from lib.messages.store import MessageStore
from lib.operations.inconsistencies import Inconsistency, has_message
from lib.storage import Delete, Missing, Row, Tables
from lib.storage.layout import EVIDENCE, table

_MOST_REMEMBERED = 100_000


@dataclass(frozen=True, slots=True)
class EvidenceCheck:
    """Finds what is too old or cannot be read, and visits that belong to a message that is not there."""

    tables: Tables
    messages: MessageStore
    clock: Clock
    name: str = "evidence"

    async def find(self, organization: str) -> AsyncIterator[Inconsistency]:
        known: LRUCache[str, bool] = LRUCache(_MOST_REMEMBERED)
        for partition in (*PARTITIONS, *session_places.PARTITIONS):
            async for row in self.tables.query(table(organization, EVIDENCE), partition):
                if text := await self._find_wrong(organization, row, known):
                    yield self._wrong(organization, row, text)

    async def _find_wrong(self, organization: str, row: Row, known: LRUCache[str, bool]) -> str | None:
        """Say what is wrong with a row; None where nothing is."""
        visit, place = read_visit(row), session_places.read_session_place(row)
        if visit is None and place is None:
            return "it cannot be read"
        last = visit.first if visit else place.last if place else 0
        if last <= remembered_since(self.clock.now()):
            return f"it is older than {LASTS.days} days"
        if visit and not await self._has_message(organization, visit.message, known):
            return "its message is not there"
        return None

    async def _has_message(self, organization: str, message: str, known: LRUCache[str, bool]) -> bool:
        if message not in known:
            known[message] = await has_message(self.messages, organization, message)
        return known[message]

    def _wrong(self, organization: str, row: Row, text: str) -> Inconsistency:
        async def repair() -> None:
            twins = places_of_twins(row.key) if row.partition.startswith("c") else ()
            for partition, key in (*twins, (row.partition, row.key)):
                with suppress(Missing):
                    await self.tables.write_rows(table(organization, EVIDENCE), [Delete(partition, key)])

        what = "session" if row.partition in session_places.PARTITIONS else "visit"
        return Inconsistency(self.name, f"{what} {row.partition}", text, repair)
