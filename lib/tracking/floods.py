"""Floods: one token that is asked for so often that one fact with a count stands for many hits.

The first hits of a minute on a token are facts of their own. The hit after them begins a flood. It is stored like any
other, and for the seconds after it the hits on this token are counted in memory and answered at once. Then one fact
with their count is stored, and so on, until as many seconds pass without a hit. A flood costs storage a bounded number
of writes, however fast it is, and every hit is counted. A process that is killed loses the count of these seconds at
most (docs/decisions/0033-floods.md).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

from cachetools import LRUCache

from lib.tracking.facts import Fact, FactKind, with_count

log = logging.getLogger("heed.floods")

WRITE_EVERY = 5.0
"""Seconds between two facts of one flood. A flood is over when as many pass without a hit."""

_MINUTE = 60_000
"""Milliseconds."""

_MOST_TOKENS = 20_000
"""Tokens whose hits of this minute are counted. The one that was hit least lately is forgotten first."""

_MOST_FLOODS = 1_000
"""Floods at a time. Hits on further tokens are facts of their own."""

_MOST_TRIES = 120
"""Tries to store a count while storage is down, `WRITE_EVERY` apart: ten minutes."""

_Token = tuple[str, str, FactKind, int | None, int, bool]
"""Organization, message, kind, recipient and item, as the token of a hit says them; and whether the fact names the
recipient. It does not where the browser or the organization wants none named, and such hits are counted apart."""


@dataclass(slots=True)
class _Flood:
    count: int = 0
    """Hits that were answered and are in no fact yet."""

    latest: Fact | None = None
    """The last of them, whose time, agent and network the fact with the count gets."""


class Floods:
    """Stores hits one by one, and by their number where they are too many.

    `record` stores a fact of an organization, and says whether it is stored. `most_a_minute` are the hits on one token
    that are stored one by one.
    """

    def __init__(
        self,
        record: Callable[[str, Fact], Awaitable[bool]],
        most_a_minute: int,
        write_every: float = WRITE_EVERY,
    ) -> None:
        self._record = record
        self._most = most_a_minute
        self._write_every = write_every
        self._minutes: LRUCache[_Token, tuple[int, int]] = LRUCache(_MOST_TOKENS)
        """(minute since 1970, hits in it) by token."""
        self._floods: dict[_Token, _Flood] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._ending = asyncio.Event()

    async def record_hit(self, organization: str, fact: Fact, recipient: int | None) -> bool:
        """Record a hit; return whether storage has it by now. A hit of a flood is counted, and stored soon.

        `recipient` is that of the token, which the fact may not name.
        """
        token = (organization, fact.message, fact.kind, recipient, fact.item, fact.recipient is not None)
        flood = self._floods.get(token)
        if flood is not None:
            flood.count += 1
            flood.latest = fact
            return False
        if self._is_too_many(token, fact.at // _MINUTE) and len(self._floods) < _MOST_FLOODS:
            self._begin_flood(token)
        return await self._record(organization, fact)

    def _is_too_many(self, token: _Token, minute: int) -> bool:
        """Count a hit, and say whether the token had all of this minute's hits before."""
        counted_in, hits = self._minutes.get(token, (minute, 0))
        hits = hits + 1 if counted_in == minute else 1
        self._minutes[token] = (minute, hits)
        return hits > self._most

    def _begin_flood(self, token: _Token) -> None:
        log.warning("organization %s: a token of message %s is hit over %d times a minute", *token[:2], self._most)
        self._floods[token] = _Flood()
        task = asyncio.create_task(self._store_counts(token))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _store_counts(self, token: _Token) -> None:
        """Store the count of a flood every few seconds, until there are no hits to count."""
        flood = self._floods[token]
        try:
            while True:
                await self._pause()
                fact, count, flood.count = flood.latest, flood.count, 0
                if fact is None or not count:
                    return
                await self._store(token[0], with_count(fact, count))
        finally:
            del self._floods[token]

    async def _store(self, organization: str, fact: Fact) -> None:
        """Store the fact, and try again while storage is down: the same fact, which counts once.

        No invocation waits for this fact, so the log line that stands in for it elsewhere may not get out
        (docs/decisions/0018-log-lines-of-the-answering-invocation.md).
        """
        for _ in range(_MOST_TRIES):
            if await self._record(organization, fact) or self._ending.is_set():
                return
            await self._pause()
        log.error("organization %s: %d hits of a flood could not be stored", organization, fact.count)

    async def _pause(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(self._write_every):
                await self._ending.wait()

    async def settle(self) -> None:
        """Store all counts now, before the process ends."""
        self._ending.set()
        while self._tasks:
            await asyncio.wait(set(self._tasks))
        self._ending.clear()
