"""Optimistic retry: read, change, write on condition of the version read, and start over when another writer was first.

`retry_on_conflict` is the one loop for it. `Attempts` adds a lock for each subject, for rows that many tasks of this
process change.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from typing import TypeVar
from weakref import WeakValueDictionary

from lib.errors import Stale
from lib.storage.protocols import Conflict

ChangeOutcome = TypeVar("ChangeOutcome")

_MOST_TRIES = 8
"""Tries of a change, unless the caller asks for another number."""

_MOST_TRIES_IN_TURN = 12
"""Tries of a change to rows that are known to be busy."""

_FIRST_PAUSE, _LONGEST_PAUSE = 0.01, 1.0
"""Seconds."""

_chance = secrets.SystemRandom()


async def retry_on_conflict(
    subject: str,
    change: Callable[[], Awaitable[ChangeOutcome]],
    *,
    on: type[Exception] | tuple[type[Exception], ...] = Conflict,
    tries: int = _MOST_TRIES,
) -> ChangeOutcome:
    """The result of `change`, which is called again with a pause of random length while it raises `on`.

    `change` reads what it changes anew at each call. Raises Stale, which names the `subject`, after the last try.
    """
    last: Exception | None = None
    for number in range(tries):
        await _pause_before(number)
        try:
            return await change()
        except on as error:
            last = error
    raise Stale(f"{subject} changed under every one of {tries} tries") from last


async def _pause_before(number: int) -> None:
    """Wait before the try of that number, counted from 0: not before the first one, then longer on average each time.

    The length is random, so that two writers who met do not meet again at once.
    """
    if number:
        await asyncio.sleep(_chance.uniform(0, min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** (number - 1))))


class Attempts:
    """Changes that run one at a time for each subject in this process, and are retried against other processes."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[tuple[str, str], asyncio.Lock] = WeakValueDictionary()

    async def attempt_change(
        self, organization: str, subject: str, change: Callable[[], Awaitable[ChangeOutcome]]
    ) -> ChangeOutcome:
        """The result of `change`, which is called again while it raises Conflict. Raises Stale."""
        lock = self._locks.setdefault((organization, subject), asyncio.Lock())
        async with lock:
            return await retry_on_conflict(subject, change, tries=_MOST_TRIES_IN_TURN)
