"""One mail on its whole way through Heed and a provider, whose process may die; time goes by minute by minute."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta

from lib.clock import SetClock
from lib.messages.models import StoredMessage
from lib.storage.memory import MemoryQueues, Sent
from lib.transports import Transport
from tests.support.heed import Heed
from tests.support.provider_servers.faults import Provider

_MOST_MINUTES = 60 * 30


class WholeHeed:
    """`shown` are the statuses that a user saw, one after the other."""

    def __init__(self, clock: SetClock, server: Provider, make: Callable[[], Transport]) -> None:
        self.server = server
        self.shown: list[str] = []
        self.minutes = 0
        self._make = make
        self._clock = clock
        self._transport = make()
        self._heed = Heed(clock=clock, transport=self._transport)
        self._waiting: list[tuple[int, Sent]] = []

    async def run(self) -> str:
        """The mail's last status, when nothing is left to do about it."""
        await self._heed.start()
        message = await self._heed.draft(cc=[{"email": "bob@example.com"}], text="Hi")
        await self._heed.post(f"/messages/{message}/send")
        while self.minutes < _MOST_MINUTES:
            await self._heed.tick("sweep_due")
            while (order := self._next()) is not None:
                await self._look(order)
            stored = await self._stored(message)
            if not self.shown or self.shown[-1] != stored.status:
                self.shown.append(stored.status)
            if not self._waiting and stored.state not in ("scheduled", "submitting") and not stored.goes_on:
                await self._transport.close()
                return stored.status
            self.minutes += 1
            self._clock.move(minutes=1)
        raise AssertionError(f"it never comes to an end: {self.shown}")

    async def _stored(self, message: str) -> StoredMessage:
        loaded = await self._heed.services.messages.load("acme", message)
        assert loaded
        return loaded.message

    def _next(self) -> Sent | None:
        """What the queue hands out by now."""
        queues = self._heed.storage.queues
        assert isinstance(queues, MemoryQueues)
        while (sent := queues.take_message("outbox")) is not None:
            self._waiting.append((self.minutes + -(-sent.delay // timedelta(minutes=1)), sent))
        for number, (at, sent) in enumerate(self._waiting):
            if at <= self.minutes:
                del self._waiting[number]
                return sent
        return None

    async def _look(self, order: Sent) -> None:
        """Nobody redelivers the queue message of a process that has died."""
        work = asyncio.ensure_future(self._heed.hand_over("outbox", order.body))
        death = asyncio.create_task(self.server.death.wait())
        await asyncio.wait([work, death], return_when=asyncio.FIRST_COMPLETED)
        death.cancel()
        if not self.server.death.is_set():
            await work
            return
        self.server.death.clear()
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
        await self._transport.close()
        self._transport = self._make()
        storage, key = self._heed.storage, self._heed.key
        self._heed = Heed(clock=self._clock, storage=storage, transport=self._transport, key=key)
