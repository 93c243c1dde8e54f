"""Pace: limit requests at once, per minute and per hour; spread out what has to wait.

Every limit here is of one process. Several instances have it each, so that together they can still be too fast; then
the provider answers 429, and its own time to wait holds.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_left, bisect_right, insort
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import blake2b

from cachetools import LRUCache

from lib.clock import Clock

_MOST_REMEMBERED = 10_000


class NoSlot(Exception):
    """A mailbox has as many requests under way as it takes."""


def spread(key: str, wait: timedelta) -> timedelta:
    """Return `wait`, and up to as long again (5 seconds to a minute), always the same for one key.

    So mails that a provider refused at one moment do not come back at one moment.
    """
    over = min(max(wait, timedelta(seconds=5)), timedelta(minutes=1))
    return wait + over * (int.from_bytes(blake2b(key.encode(), digest_size=4).digest(), "big") / 2**32)


class Pace:
    """Sliding windows: at most `most` turns in each window, counted exactly.

    Each waiting key gets a moment of its own: the first one takes the first turn that becomes free, the next one the
    next turn.
    """

    def __init__(self, limits: Sequence[tuple[int, timedelta]], clock: Clock) -> None:
        self._limits = limits
        self._clock = clock
        self._taken: list[deque[datetime]] = [deque(maxlen=most) for most, _ in limits]
        self._waiting: dict[str, datetime] = {}
        self._promised: list[datetime] = []
        self._closed_until: datetime | None = None

    def take_turn(self, key: str) -> timedelta | None:
        """Take a turn for `key`; None when it may go now, else how long it should wait before it asks again."""
        now = self._clock.now()
        self._forget(key, now)
        wait = self._wait(0, now)
        if wait is None:
            self.count_turn()
            return None
        before = 0
        while (ahead := bisect_right(self._promised, now + wait)) > before:
            before = ahead
            wait = self._wait(before, now) or wait
        if len(self._waiting) < _MOST_REMEMBERED:
            self._waiting[key] = now + wait
            insort(self._promised, now + wait)
        return wait

    def _forget(self, key: str, now: datetime) -> None:
        """Drop the promise to this key, and promises whose time is over."""
        promised = self._waiting.pop(key, None)
        if promised is not None:
            del self._promised[bisect_left(self._promised, promised)]
        if self._promised and self._promised[0] <= now:
            self._waiting = {other: until for other, until in self._waiting.items() if until > now}
            self._promised = self._promised[bisect_right(self._promised, now) :]

    def count_turn(self) -> None:
        """Count a turn that is taken without waiting."""
        for taken in self._taken:
            taken.append(self._clock.now())

    def close(self, wait: timedelta) -> None:
        """Let no turn be taken before `wait` is over: the provider has named that time."""
        self._closed_until = max(self._clock.now() + wait, self._closed_until or self._clock.now())

    def _wait(self, before: int, now: datetime) -> timedelta | None:
        """Time until a turn is free, with `before` others waiting; None when one is free now."""
        free = self._closed_until or now
        for (most, window), taken in zip(self._limits, self._taken, strict=True):
            ahead = len(taken) + before - most
            if ahead >= 0:
                rounds, number = divmod(ahead, most)
                oldest = taken[number] if number < len(taken) else now
                free = max(free, oldest + window * (rounds + 1))
        return free - now if free > now else None


@dataclass(slots=True)
class _Mailbox:
    slots: asyncio.Semaphore
    users: int = 0


@dataclass(slots=True)
class Mailboxes:
    """At most `at_once` requests at a time for each mailbox, and none before a time that the provider has named."""

    at_once: int
    clock: Clock
    _used: dict[str, _Mailbox] = field(default_factory=dict)
    _closed: LRUCache[str, datetime] = field(default_factory=lambda: LRUCache(_MOST_REMEMBERED))

    @asynccontextmanager
    async def slot(self, name: str, seconds: float) -> AsyncIterator[None]:
        """Hold one of the mailbox's slots. Raises NoSlot when none is free within `seconds`."""
        mailbox = self._used.setdefault(name, _Mailbox(asyncio.Semaphore(self.at_once)))
        mailbox.users += 1
        try:
            try:
                async with asyncio.timeout(seconds):
                    await mailbox.slots.acquire()
            except TimeoutError:
                raise NoSlot from None
            try:
                yield
            finally:
                mailbox.slots.release()
        finally:
            mailbox.users -= 1
            if mailbox.users == 0:
                del self._used[name]

    def close(self, name: str, wait: timedelta) -> None:
        """Let the mailbox rest for `wait`: the provider has named that time."""
        self._closed[name] = self.clock.now() + wait

    def closed(self, name: str) -> timedelta | None:
        """Time until the mailbox takes requests again; None when that is now."""
        left = self._closed.get(name, self.clock.now()) - self.clock.now()
        if left > timedelta(0):
            return left
        self._closed.pop(name, None)
        return None
