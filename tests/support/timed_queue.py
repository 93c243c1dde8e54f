"""The queue as time goes by: a message that is to wait is handed over when its time has come."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from lib.clock import SetClock
from lib.storage.memory import MemoryQueues, Sent
from tests.support.heed import Heed


@dataclass(slots=True)
class TimedQueue:
    """Hands messages of all queues over. `later` holds those that wait, with the times at which they come."""

    heed: Heed
    later: list[tuple[datetime, Sent]] = field(default_factory=list)

    @property
    def clock(self) -> SetClock:
        return self.heed.clock

    async def work(self) -> None:
        """Let the functions do what is to be done now."""
        await self.heed.services.floods.settle()
        await self.heed.services.journal.settle()
        queues = self.heed.storage.queues
        assert isinstance(queues, MemoryQueues)
        while queues.waiting:
            sent = queues.waiting.pop(0)
            if sent.delay > timedelta(0):
                self.later.append((self.clock.now() + sent.delay, sent))
            else:
                await self.heed.hand_over(sent.queue, sent.body)

    async def pass_time(self, **by: float) -> list[datetime]:
        """Let time go by, and everything be done when its time comes; the times at which something was."""
        end, times = self.clock.now() + timedelta(**by), []
        await self.work()
        while due := [each for each in self.later if each[0] <= end]:
            at, sent = min(due, key=lambda each: each[0])
            self.later.remove((at, sent))
            times.append(at)
            self._set(at)
            await self.heed.hand_over(sent.queue, sent.body)
            await self.work()
        self._set(end)
        return times

    def _set(self, at: datetime) -> None:
        self.clock.move(seconds=(at - self.clock.now()).total_seconds())
