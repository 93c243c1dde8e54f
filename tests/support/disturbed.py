"""Storage on which requests meet: others have their turn before and after each operation."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

from lib.storage import Storage
from lib.storage.memory import memory_storage
from tests.support.failing import Failure, failing_storage
from tests.support.heed import Heed, Response

Result = TypeVar("Result")


class Turns(Failure):
    """Lets others go on before and after each operation."""

    async def meet(self, operation: Callable[[], Awaitable[Result]]) -> Result:
        await asyncio.sleep(0)
        result = await super().meet(operation)
        await asyncio.sleep(0)
        return result


async def disturbed_heed(failure: Failure, settings: Mapping[str, str] | None = None) -> Heed:
    """Its tables and blobs fail, or wait, as that says."""
    storage = memory_storage()
    failing = failing_storage(storage, failure)
    disturbed = Storage(failing.tables, failing.blobs, storage.queues)
    return await Heed(storage=disturbed, settings=settings or {}).start()


async def shared_heed() -> Heed:
    return await disturbed_heed(Turns())


async def at_once(request: Callable[[int], Awaitable[Response]], count: int, lag: int) -> list[Response]:
    """So many requests, each of which begins `lag` turns after the one before it."""

    async def late(number: int) -> Response:
        for _ in range(number * lag):
            await asyncio.sleep(0)
        return await request(number)

    return list(await asyncio.gather(*(late(number) for number in range(count))))
