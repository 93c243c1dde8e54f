"""Bounds on the large work that is taken at once, in all and from one organization: more is refused, not piled up."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager

from lib.errors import Busy
from lib.workers.pool import INLINE

RETRY_AFTER = 3
"""Seconds after which a caller who was refused may come again."""


class WorkPlaces:
    """Places for large requests: `most` of them with `most_bytes` together, and fewer of one organization."""

    def __init__(self, most: int, most_of_one: int, most_bytes: int, most_bytes_of_one: int) -> None:
        self._most = most
        self._most_of_one = most_of_one
        self._most_bytes = most_bytes
        self._most_bytes_of_one = most_bytes_of_one
        self._taken: Counter[str] = Counter()
        self._bytes: Counter[str] = Counter()

    @contextmanager
    def place(self, organization: str, size: int) -> Iterator[None]:
        """Hold a place for work on so many bytes; small work needs none. Raises Busy."""
        if size <= INLINE:
            yield
            return
        if self._is_full(organization, size):
            raise Busy("Too much large work is under way: send fewer large requests at once, and this one again soon.")
        self._taken[organization] += 1
        self._bytes[organization] += size
        try:
            yield
        finally:
            self._taken[organization] -= 1
            self._bytes[organization] -= size
            if not self._taken[organization]:
                del self._taken[organization], self._bytes[organization]

    def _is_full(self, organization: str, size: int) -> bool:
        own = self._taken[organization]
        # An organization's only one is taken whatever its size, as long as the others leave room.
        if own and (own >= self._most_of_one or self._bytes[organization] + size > self._most_bytes_of_one):
            return True
        taken = self._taken.total()
        return taken >= self._most or (taken > 0 and self._bytes.total() + size > self._most_bytes)


class Room:
    """A number of bytes that may be in use at once; callers wait for their turn when they are taken."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._left = size
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    async def take_bytes(self, size: int) -> int:
        """Take the bytes, or all that there are, when it is the caller's turn; the number to give back."""
        size = min(size, self._size)
        if self._waiting or size > self._left:
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append((size, turn))
            try:
                await turn
            except asyncio.CancelledError:
                if turn.done() and not turn.cancelled():
                    self.give_back(size)
                raise
        else:
            self._left -= size
        return size

    def give_back(self, size: int) -> None:
        """Free the bytes, and let the next callers have them."""
        self._left += size
        while self._waiting and (self._waiting[0][1].done() or self._waiting[0][0] <= self._left):
            size, turn = self._waiting.popleft()
            if not turn.done():
                self._left -= size
                turn.set_result(None)
