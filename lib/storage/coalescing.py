"""Work on the same thing goes one at a time within a process, and what comes meanwhile is done together, once.

Sixteen queue messages about one mail would otherwise read and judge it sixteen times, and fifteen of them in vain. And
only so many things are worked on at the same time: what is said of the others meanwhile waits, and is done together.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Item = TypeVar("Item")


class Lanes(Generic[Key, Item]):
    """`work` is called with a key and all items that have come for it since its last call; for no more than `at_once`
    keys at the same time."""

    def __init__(self, work: Callable[[Key, list[Item]], Awaitable[None]], most: int, at_once: int = 24) -> None:
        self._work = work
        self._most = most
        self._turns = asyncio.Semaphore(at_once)
        self._waiting: dict[Key, list[tuple[list[Item], asyncio.Future[None]]]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def do_items(self, key: Key, items: list[Item]) -> None:
        """Returns when these items' work is done; raises what that raises."""
        done = asyncio.get_running_loop().create_future()
        if key in self._waiting:
            self._waiting[key].append((items, done))
        else:
            self._waiting[key] = [(items, done)]
            task = asyncio.create_task(self._drain(key))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        await done

    async def _drain(self, key: Key) -> None:
        try:
            while waiting := self._waiting[key]:
                async with self._turns:
                    await self._do(key, self._take(waiting))
        finally:
            for _, done in self._waiting.pop(key):
                done.cancel()

    async def _do(self, key: Key, group: list[tuple[list[Item], asyncio.Future[None]]]) -> None:
        try:
            await self._work(key, [item for items, _ in group for item in items])
        except Exception as error:
            _answer(group, error)
        else:
            _answer(group, None)

    def _take(
        self, waiting: list[tuple[list[Item], asyncio.Future[None]]]
    ) -> list[tuple[list[Item], asyncio.Future[None]]]:
        """The first ones, up to `most` items; at least one."""
        size, end = 0, 0
        for items, _ in waiting:
            if end and size + len(items) > self._most:
                break
            size, end = size + len(items), end + 1
        group, waiting[:end] = waiting[:end], []
        return group


def _answer(group: list[tuple[list[Item], asyncio.Future[None]]], error: Exception | None) -> None:
    for _, done in group:
        if done.done():
            continue
        if error is None:
            done.set_result(None)
        else:
            done.set_exception(error)
