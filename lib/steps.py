"""Steps of the sending state machine: conditional writes of the message's row, each of which one worker can take."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from lib.message_store import MessageStore
from lib.messages import StoredMessage
from lib.repository import Stale
from lib.schedule import Schedule

_MOST_TRIES = 8
"""Of a step, while others change the reminder."""

_NOT_OURS = ("reminder", "reminded_at", "reminder_met")
"""What others may change while a message is on its way: a reminder can be set, and fire, at any time."""

Etags = TypeVar("Etags")

Write = Callable[[StoredMessage, str], Awaitable[Etags]]
"""Puts the message, if it still is the version of that etag; the new etag, or etags. Raises Stale."""


class Steps:
    def __init__(self, store: MessageStore, schedule: Schedule) -> None:
        self._store = store
        self._schedule = schedule

    async def take(
        self, organization: str, before: StoredMessage, after: StoredMessage, etag: str, write: Write[Etags]
    ) -> tuple[StoredMessage, Etags]:
        """Write the next step: the message as it then is, and what `write` gave. Raises Stale when it is another's."""
        for _ in range(_MOST_TRIES):
            try:
                return after, await write(after, etag)
            except Stale:
                loaded = await self._store.load(organization, before.id)
                if loaded is None or _claim_of(loaded.message) != _claim_of(before):
                    raise
                after = with_others(after, loaded.message)
                etag = loaded.etag
        raise Stale

    async def conclude(
        self, organization: str, before: StoredMessage, ended: StoredMessage, etag: str, write: Write[Etags]
    ) -> StoredMessage:
        """Write down what became of it, and see to the next try, or to asking again. Raises Stale."""
        goes_on = ended.state in ("scheduled", "submitting")
        if goes_on:
            await self._schedule.enter(organization, ended)
        ended, _ = await self.take(organization, before, ended, etag, write)
        if not goes_on or ended.due_at != before.due_at:
            await self._schedule.leave(organization, before)
        if goes_on:
            await self._schedule.wake(organization, ended)
        return ended


def with_others(message: StoredMessage, theirs: StoredMessage) -> StoredMessage:
    """The message, and what others have changed of it."""
    return message.model_copy(update={name: getattr(theirs, name) for name in _NOT_OURS})


def _claim_of(message: StoredMessage) -> tuple[object, ...]:
    """Changes with every step that a worker takes, and with nothing else."""
    return message.state, message.due_at, message.lease_until, message.attempts
