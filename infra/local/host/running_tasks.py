"""Tracks running tasks, so that a stop can wait for them and every error is logged."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

logger = logging.getLogger("heed.host")


class RunningTasks:
    """A set of tasks that forgets each one when it is done."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    def start(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Run the coroutine as a task of its own."""
        task = start_in_background(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def until_at_most(self, count: int) -> None:
        """Wait until no more than that many are under way."""
        while len(self._tasks) > count:
            await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)

    async def finish(self, seconds: float) -> None:
        """Wait for all of them, at most that long; then cancel those that are left."""
        if not self._tasks:
            return
        _, late = await asyncio.wait(self._tasks, timeout=seconds)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)


def start_in_background(work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
    """Run the coroutine as a task whose error, if it ends with one, is logged."""
    task = asyncio.create_task(work)
    task.add_done_callback(_log_error)
    return task


def _log_error(task: asyncio.Task[Any]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        logger.error("The local host has an error of its own", exc_info=error)
