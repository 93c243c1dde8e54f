"""Wishes that change: what a recipient, a user or the organization says about following shows in the lists.

The follow state of a message whose copies are not decided on stands in its rows in the lists. So a change of a wish has
those messages looked at again: a few before the caller is answered, the others by the queue.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable

from lib.assessment.assessor import Assessor
from lib.fields import RecordRef
from lib.lists.undecided import UndecidedMessages, record_key, sender_key
from lib.storage import Queues
from lib.storage.batches import batches_of
from lib.storage.layout import INTERACTIONS
from lib.tracking.queue_messages import refresh_body

_BEFORE_THE_ANSWER = 10
_IN_ONE_QUEUE_MESSAGE = 20


class Wishes:
    """Has messages looked at whose follow state may be another one now. Again is the same.

    A caller that dies before this has to be asked again, as with any request that was not answered.
    """

    def __init__(self, undecided: UndecidedMessages, assessor: Assessor, queues: Queues) -> None:
        self._undecided = undecided
        self._assessor = assessor
        self._queues = queues

    async def address_changed(self, organization: str, email: str) -> None:
        """Note that something else is known of an address. Raises StorageError, Stale."""
        await self._look_at(organization, [await self._undecided.address_key(organization, email)])

    async def record_changed(self, organization: str, record: RecordRef, emails: Iterable[str]) -> None:
        """Note that a record is another one; `emails` are those that it has, and had. Raises StorageError, Stale."""
        addresses = [await self._undecided.address_key(organization, email) for email in emails]
        await self._look_at(organization, [record_key(record), *addresses])

    async def senders_changed(self, organization: str, users: Iterable[str] | None) -> None:
        """Note that users are others (None: any of them). Raises StorageError, Stale."""
        if users is None:
            await self.organization_changed(organization)
        else:
            await self._look_at(organization, [sender_key(user) for user in users])

    async def organization_changed(self, organization: str) -> None:
        """Note that the organization has other settings. Raises StorageError, Stale."""
        await self._look(organization, await _all_of(self._undecided.find_all(organization)))

    async def _look_at(self, organization: str, names: Iterable[str]) -> None:
        finding = (_all_of(self._undecided.find_messages(organization, name)) for name in dict.fromkeys(names))
        await self._look(organization, [message for some in await asyncio.gather(*finding) for message in some])

    async def _look(self, organization: str, messages: Iterable[str]) -> None:
        found = list(dict.fromkeys(messages))
        for some in batches_of(found[_BEFORE_THE_ANSWER:], _IN_ONE_QUEUE_MESSAGE):
            await self._queues.send(INTERACTIONS, refresh_body(organization, *some))
        looks = (
            self._assessor.refresh(organization, message, wishes_changed=True) for message in found[:_BEFORE_THE_ANSWER]
        )
        await asyncio.gather(*looks)


async def _all_of(messages: AsyncIterator[str]) -> list[str]:
    return [message async for message in messages]
