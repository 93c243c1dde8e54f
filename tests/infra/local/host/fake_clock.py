"""A clock that stands still until a test moves it."""

import asyncio
from datetime import UTC, datetime, timedelta


class FakeClock:
    """Starts at noon of 2026-03-01 UTC. One task at a time may sleep by it."""

    def __init__(self) -> None:
        self._now = datetime(2026, 3, 1, 12, tzinfo=UTC)
        self._moment: datetime | None = None
        self._changed = asyncio.Condition()

    def now(self) -> datetime:
        return self._now

    async def sleep_until(self, moment: datetime) -> None:
        async with self._changed:
            self._moment = moment
            self._changed.notify_all()
            await self._changed.wait_for(lambda: self._now >= moment)
            self._moment = None

    async def sleeper(self) -> datetime:
        """Wait until someone sleeps, and tell until when."""
        async with asyncio.timeout(60), self._changed:
            await self._changed.wait_for(lambda: self._moment is not None and self._moment > self._now)
            assert self._moment is not None
            return self._moment

    async def move(self, by: timedelta) -> None:
        """Move the time on and wake whoever slept until then."""
        async with self._changed:
            self._now += by
            self._changed.notify_all()
