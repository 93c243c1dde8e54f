"""Rows of lists held against the summaries of their messages, and these against the facts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass

from cachetools import LRUCache

from lib.assessment.assessor import Assessor
from lib.assessment.message_judge import MessageJudge
from lib.assessment.summary import summary_of
from lib.lists.follower import ListsFollower
from lib.lists.keys import ListPlace, places_of, standing_of
from lib.lists.store import Lists
from lib.lists.verification import ListRow, find_wrong_rows, is_wanted, read_list_rows
from lib.messages.store import Loaded, MessageStore
from lib.operations.inconsistencies import Inconsistency, is_as_it_was, look_at_messages, part_of
from lib.storage import Delete, Missing, Tables
from lib.storage.documents import UnreadableRow
from lib.storage.layout import table

_MOST_REMEMBERED = 20_000
"""Messages whose places are remembered while rows are looked at: rows come in the order of lists."""


@dataclass(frozen=True, slots=True)
class ListsCheck:
    """Finds messages whose rows are missing or wrong, and rows that belong to no message."""

    tables: Tables
    lists: Lists
    messages: MessageStore
    judge: MessageJudge
    assessor: Assessor
    follower: ListsFollower
    name: str = "lists"

    async def find(self, organization: str) -> AsyncIterator[Inconsistency]:
        async for finding in look_at_messages(self.tables, organization, self.name, self._look_at_message):
            yield finding
        async for finding in self._left(organization):
            yield finding

    async def _look_at_message(self, organization: str, message: str) -> Inconsistency | None:
        loaded = await self.messages.load(organization, message)
        text = None if loaded is None else await self._wrong(organization, loaded)
        if loaded is None or text is None or not await is_as_it_was(self.messages, organization, loaded):
            return None

        async def repair() -> None:
            await self._enter_again(organization, loaded)

        return Inconsistency(self.name, f"message {message}", text, repair)

    async def _wrong(self, organization: str, loaded: Loaded) -> str | None:
        """Tell what is wrong with the message's rows; None where they are right."""
        summary = summary_of(loaded)
        places = part_of(self.follower, loaded) or []
        if not places:
            return "it is in no list"
        for place in places:
            there = place.standing
            if there is None or there != standing_of(loaded.message, summary.kpis, there.large, there.updated_at):
                return "the lists sort it by something else than its summary says"
            if wrong := await find_wrong_rows(self.tables, organization, place):
                return f"{len(wrong)} of its rows in lists are missing or wrong"
        found = await self.judge.assess(organization, loaded, from_all=True)
        if found.kpis != summary.kpis:
            return "its counts are not what its facts give"
        return None

    async def _enter_again(self, organization: str, loaded: Loaded) -> None:
        places = part_of(self.follower, loaded) or []
        await self.lists.remove(organization, [*places, *places_of(loaded.message)])
        await self.assessor.refresh(organization, loaded.message.id, from_all=True)

    async def _left(self, organization: str) -> AsyncIterator[Inconsistency]:
        """Rows at places where their message does not stand."""
        known: LRUCache[str, list[ListPlace] | None] = LRUCache(_MOST_REMEMBERED)
        async for row in read_list_rows(self.tables, organization):
            if row.message not in known:
                known[row.message] = await self._places(organization, row.message)
            if _may_stand(row, known[row.message]):
                continue
            known[row.message] = await self._places(organization, row.message)  # it may have moved meanwhile
            is_there = await self._is_there(organization, row)
            if not is_there or _may_stand(row, known[row.message]):
                continue

            async def repair(row: ListRow = row) -> None:
                with suppress(Missing):
                    await self.tables.write_rows(table(organization, "index"), [Delete(row.partition, row.key)])

            yield Inconsistency(self.name, f"message {row.message}", "a list shows it where it does not stand", repair)

    async def _places(self, organization: str, message: str) -> list[ListPlace] | None:
        """The places of a message; None of one that cannot be read."""
        try:
            loaded = await self.messages.load(organization, message)
            return [] if loaded is None else part_of(self.follower, loaded) or []
        except UnreadableRow:
            return None

    async def _is_there(self, organization: str, row: ListRow) -> bool:
        return await self.tables.read_row(table(organization, "index"), row.partition, row.key) is not None


def _may_stand(row: ListRow, places: list[ListPlace] | None) -> bool:
    """Whether a row of a list belongs to one of its message's places, as far as these are known."""
    return places is None or any(is_wanted(row, place) for place in places)
