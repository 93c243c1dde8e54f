"""Lists messages again that were listed before filters had rows of their own (decision 48).

Instances of the version before may still be at work for some time: what they list has no such rows, and so the
messages are listed again once that time is over.
"""

from __future__ import annotations

import asyncio
import logging

from lib.assessment.assessor import Assessor
from lib.assessment.old_lists import MOST_OF_A_RUN, ROLL
from lib.clock import Clock
from lib.errors import Stale
from lib.lists.filter_rows import FilterRows, has_filter_rows
from lib.lists.store import ListPlace, Lists
from lib.organizations.registry import Organizations
from lib.storage import StorageError
from lib.storage.batches import batches_of
from lib.storage.documents import UnreadableRow

log = logging.getLogger("heed.lists")

_MARKS_AT_ONCE = 1_000
_MOST_LOOKED_AT = 100_000
"""Messages of an organization that one run looks at."""

_AT_ONCE = 16


class FilterRowsOfBefore:
    """Messages without rows for filters, of every organization."""

    def __init__(
        self, lists: Lists, filter_rows: FilterRows, assessor: Assessor, organizations: Organizations, clock: Clock
    ) -> None:
        self._lists = lists
        self._filter_rows = filter_rows
        self._assessor = assessor
        self._organizations = organizations
        self._clock = clock

    async def list_again(self) -> int:
        """List some messages of each organization again, for a timer; return their number.

        An organization that fails is left for the next run. One that is done costs a read.
        """
        count = 0
        async for organization in self._organizations.list_organizations():
            try:
                count += await self.list_messages_again(organization)
            except (StorageError, Stale, UnreadableRow) as error:
                log.error("messages of organization %s could not be listed again: %s", organization, error)
        return count

    async def list_messages_again(self, organization: str, most: int = MOST_OF_A_RUN) -> int:
        """List up to so many messages again, behind the last one of the run before. Raises StorageError, Stale."""
        state = await self._filter_rows.load_state(organization)
        if state is None or state.whole or self._clock.now() - state.found_at < ROLL:
            return 0
        bare, place, whole, looked_at = list[str](), state.place, False, 0
        while not whole and len(bare) < most and looked_at < _MOST_LOOKED_AT:
            at_most = min(_MARKS_AT_ONCE, most - len(bare))
            marks = [each async for each in self._lists.marks(organization, place, at_most)]
            bare += [message for message, mark in marks if not has_filter_rows(mark)]
            place = marks[-1][0] if marks else place
            whole, looked_at = len(marks) < at_most, looked_at + len(marks)
        for some in batches_of(bare, _AT_ONCE):
            await asyncio.gather(*(self._list_message_again(organization, message) for message in some))
        await self._filter_rows.save_state(organization, state.model_copy(update={"place": place, "whole": whole}))
        if bare:
            log.info("organization %s: %d messages listed again for filters", organization, len(bare))
        return len(bare)

    async def _list_message_again(self, organization: str, message: str) -> None:
        try:
            if await self._assessor.refresh(organization, message) is None:
                await self._lists.remove(organization, [ListPlace(message=message, marks={})])
        except UnreadableRow as error:
            log.error("message %s of organization %s is not listed for filters: %s", message, organization, error)
