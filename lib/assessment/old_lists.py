"""Moves the lists of release 0.1.0 to where today's code keeps them (decision 30).

While the new version is rolled out, instances of both work side by side. An assessment by the new one moves its
message; lists show both kinds of rows. The bulk is moved once the roll is over, so that instances of the old version
do not see their lists run empty.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from lib.assessment.assessor import Assessor
from lib.clock import Clock, rfc3339
from lib.errors import Stale
from lib.lists.store import ListPlace, Lists
from lib.messages.store import MessageStore
from lib.organizations.registry import Organizations
from lib.storage import Row, StorageError, Tables, Upsert
from lib.storage.batches import batches_of
from lib.storage.documents import UnreadableRow
from lib.storage.layout import table

log = logging.getLogger("heed.lists")

ROLL = timedelta(hours=1)
"""Time for which instances of the old version may still be at work, from when a run first finds their rows."""

MOST_OF_A_RUN = 5_000
"""Messages of an organization that one run moves; the next run goes on."""

_AT_ONCE = 16
_PARTITION, _KEY = "upgrade", "lists"
"""The row of the table `index` with the time of the first run that found old rows."""


class OldLists:
    """The lists of release 0.1.0, of every organization."""

    def __init__(
        self,
        tables: Tables,
        lists: Lists,
        assessor: Assessor,
        messages: MessageStore,
        organizations: Organizations,
        clock: Clock,
    ) -> None:
        self._tables = tables
        self._lists = lists
        self._assessor = assessor
        self._messages = messages
        self._organizations = organizations
        self._clock = clock

    async def move(self) -> int:
        """Move what may be moved, for a timer; return the number of messages. One that fails is left for the next run.

        An organization without old rows costs one query.
        """
        count = 0
        async for organization in self._organizations.list_organizations():
            try:
                if await self._is_over(organization):
                    count += await self.move_organization(organization)
            except (StorageError, Stale, UnreadableRow) as error:
                log.error("lists of organization %s could not be moved: %s", organization, error)
        return count

    async def move_organization(self, organization: str, most: int = MOST_OF_A_RUN) -> int:
        """Move up to so many messages; return their number. Raises StorageError, Stale.

        What the old version has deleted leaves the new lists first: it knew nothing of them.
        """
        old = await self._lists.old_messages(organization, most)
        if not old:
            return 0
        listed = [message async for message in self._lists.messages(organization)]
        gone = await self._missing(organization, listed)
        for some in batches_of(gone, _AT_ONCE):
            places = [ListPlace(message=message, marks={}) for message in some]
            await self._lists.remove(organization, places)
        for some in batches_of(old, _AT_ONCE):
            await asyncio.gather(*(self._move_message(organization, message) for message in some))
        log.info(
            "organization %s: %d messages moved to today's lists, %d had been deleted",
            organization,
            len(old),
            len(gone),
        )
        return len(old)

    async def _move_message(self, organization: str, message: str) -> None:
        if await self._assessor.refresh(organization, message) is None:
            await self._lists.remove(organization, [ListPlace(message=message, marks={})])
        else:
            await self._lists.remove_old(organization, message)

    async def _missing(self, organization: str, messages: Sequence[str]) -> list[str]:
        """Find those messages that are deleted."""
        missing: list[str] = []
        for some in batches_of(messages, _AT_ONCE):
            found = await asyncio.gather(*(self._messages.load(organization, message) for message in some))
            missing += [message for message, loaded in zip(some, found, strict=True) if loaded is None]
        return missing

    async def _is_over(self, organization: str) -> bool:
        """Whether old rows are there, and the roll is over. Notes when they were found first. Raises StorageError."""
        index, now = table(organization, "index"), self._clock.now()
        there = await self._lists.old_messages(organization, 1)
        noted = await self._tables.read_row(index, _PARTITION, _KEY) if there else None
        if there and noted is None:
            await self._tables.write_rows(index, [Upsert(Row(_PARTITION, _KEY, {"v": 1, "at": rfc3339(now)}))])
        return noted is not None and now - datetime.fromisoformat(noted.text("at")) >= ROLL
