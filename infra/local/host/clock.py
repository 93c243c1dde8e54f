"""The clock of timers, which tests can move."""

import asyncio
from datetime import UTC, datetime
from typing import Protocol


class TimerClock(Protocol):
    """A clock that tells the time (UTC, aware) and waits for a moment."""

    def now(self) -> datetime: ...

    async def sleep_until(self, moment: datetime) -> None: ...


class SystemTimerClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    async def sleep_until(self, moment: datetime) -> None:
        # In steps: the event loop's clock does not follow a machine that sleeps or whose clock is set.
        while (seconds := (moment - self.now()).total_seconds()) > 0:  # noqa: ASYNC110
            await asyncio.sleep(min(seconds, 30))
