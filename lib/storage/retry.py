"""A change on condition, tried until nobody comes in between."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar
from weakref import WeakValueDictionary

from lib.errors import Stale
from lib.storage import Conflict

Result = TypeVar("Result")

_MOST_TRIES = 12
_FIRST_PAUSE, _LONGEST_PAUSE = 0.01, 1.0
"""Seconds."""

_chance = secrets.SystemRandom()


class Attempts:
    """Of a thing one change goes at a time in this process; others are met by chance, and avoided by chance."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[tuple[str, str], asyncio.Lock] = WeakValueDictionary()

    async def at(self, organization: str, thing: str, change: Callable[[], Awaitable[Result]]) -> Result:
        """Do `change`, which reads and writes a thing's rows, again while it raises Conflict. Raises Stale."""
        lock = self._locks.setdefault((organization, thing), asyncio.Lock())
        async with lock:
            for number in range(_MOST_TRIES):
                await stand_back(number)
                with suppress(Conflict):
                    return await change()
        raise Stale(f"{thing} changed under every one of {_MOST_TRIES} tries")


async def stand_back(tries: int) -> None:
    """After so many tries in vain, for a time that chance decides: those who have met do not meet again at once."""
    if tries:
        await asyncio.sleep(_chance.uniform(0, min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** (tries - 1))))
