"""Per-key worker: one call at a time for each key; items that arrive meanwhile are batched into the next call.

Sixteen queue messages about one mail would otherwise read and judge the mail sixteen times, fifteen of them in vain.
The number of keys that are worked on at once is bounded as well; items of the other keys wait, and are batched too.

The journal's group commit (`lib.tracking.journal`) does not use this worker: its batches run beside each other, wait
for company, and answer before they have ended.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

LaneKey = TypeVar("LaneKey", bound=Hashable)
LaneItem = TypeVar("LaneItem")


@dataclass(slots=True)
class _Order(Generic[LaneItem]):
    """Items that came together, and the future of the caller who waits for them."""

    items: Sequence[LaneItem]
    done: asyncio.Future[None]


class PerKeyWorker(Generic[LaneKey, LaneItem]):
    """Calls `work` with a key and the items that have come for the key since its last call.

    `most` bounds the size of the items of one call, which is their number unless `size_of` tells the size of each;
    items that came together stay together. `at_once` bounds the number of keys that are worked on at the same time.
    """

    def __init__(
        self,
        work: Callable[[LaneKey, list[LaneItem]], Awaitable[None]],
        most: int,
        *,
        size_of: Callable[[LaneItem], int] = lambda _: 1,
        at_once: int = 24,
    ) -> None:
        self._work = work
        self._most = most
        self._size_of = size_of
        self._turns = asyncio.Semaphore(at_once)
        self._waiting: dict[LaneKey, list[_Order[LaneItem]]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def do_items(self, key: LaneKey, items: Sequence[LaneItem]) -> None:
        """Return when the work on these items is done; raise what the work raises.

        The work goes on when the caller is canceled. After a call that failed, items whose callers have gone are
        dropped.
        """
        order = _Order(items, asyncio.get_running_loop().create_future())
        if key in self._waiting:
            self._waiting[key].append(order)
        else:
            self._waiting[key] = [order]
            task = asyncio.create_task(self._drain(key))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        await order.done

    async def close(self, seconds: float) -> None:
        """Let the work that is under way go on for so many seconds, then cancel the rest and its callers."""
        if self._tasks:
            _, late = await asyncio.wait(set(self._tasks), timeout=seconds)
            for task in late:
                task.cancel()

    async def _drain(self, key: LaneKey) -> None:
        batch: list[_Order[LaneItem]] = []
        try:
            while self._waiting[key]:
                async with self._turns:
                    batch = self._next_batch(key)
                    failure = await self._failure_of(key, batch)
                _settle(batch, failure)
                if failure is not None:
                    self._waiting[key] = [order for order in self._waiting[key] if not order.done.done()]
        finally:
            for order in [*batch, *self._waiting.pop(key)]:
                order.done.cancel()

    async def _failure_of(self, key: LaneKey, batch: Sequence[_Order[LaneItem]]) -> Exception | None:
        try:
            await self._work(key, [item for order in batch for item in order.items])
        except Exception as error:
            return error
        return None

    def _next_batch(self, key: LaneKey) -> list[_Order[LaneItem]]:
        """The first orders, up to the size `most`; at least one."""
        waiting, size, end = self._waiting[key], 0, 0
        for order in waiting:
            size += sum(map(self._size_of, order.items))
            if end and size > self._most:
                break
            end += 1
        batch, self._waiting[key] = waiting[:end], waiting[end:]
        return batch


def _settle(batch: Sequence[_Order[LaneItem]], failure: Exception | None) -> None:
    for order in batch:
        if order.done.done():
            continue
        if failure is None:
            order.done.set_result(None)
        else:
            order.done.set_exception(failure)
