"""Storage one operation of which fails for good, before it was done or after it."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Literal, TypeVar

from lib.storage import Blobs, Change, Queues, Range, Row, Storage, Tables, Unavailable
from lib.storage.protocols import EVERYTHING
from tests.support.passing_storage import PassingBlobs, PassingQueues, PassingTables

When = Literal["before", "after"]

Result = TypeVar("Result")


class Failure:
    """Counts operations; the n-th from `arm` on fails, before or after it was done."""

    def __init__(self) -> None:
        self.count = 0
        self._number = 0
        self._when: When = "before"
        self._always = False
        self._meanwhile: Callable[[], Awaitable[None]] | None = None

    def interrupt(self, number: int, meanwhile: Callable[[], Awaitable[None]]) -> None:
        """Have something else done before the operation of that number, which does not fail."""
        self.arm(number, "before")
        self._meanwhile = meanwhile

    def arm(self, number: int, when: When) -> None:
        """The first operation from now on is number 1; 0 lets them all pass."""
        self.count, self._number, self._when, self._always = 0, number, when, False

    def fail_always(self) -> None:
        """Let every operation fail from now on."""
        self._always = True

    async def meet(self, operation: Callable[[], Awaitable[Result]]) -> Result:
        self.count += 1
        fails = self._always or self.count == self._number
        if fails and self._meanwhile is not None:
            meanwhile, self._meanwhile = self._meanwhile, None
            self.arm(0, "before")
            await meanwhile()
            fails = False
        if fails and (self._always or self._when == "before"):
            raise Unavailable("it fails before it was done")
        result = await operation()
        if fails:
            raise Unavailable("it was done, and fails after it")
        return result


def failing_storage(storage: Storage, failure: Failure) -> Storage:
    return Storage(
        FailingTables(storage.tables, failure),
        FailingBlobs(storage.blobs, failure),
        FailingQueues(storage.queues, failure),
        address=storage.address,
    )


class FailingTables(PassingTables):
    def __init__(self, tables: Tables, failure: Failure) -> None:
        super().__init__(tables)
        self._failure = failure

    async def read_row(self, table: str, partition: str, key: str) -> Row | None:
        return await self._failure.meet(lambda: self._tables.read_row(table, partition, key))

    async def query(
        self, table: str, partition: str | Range, keys: Range = EVERYTHING, limit: int | None = None
    ) -> AsyncIterator[Row]:
        async def read() -> list[Row]:
            return [row async for row in self._tables.query(table, partition, keys, limit)]

        for row in await self._failure.meet(read):
            yield row

    async def write_rows(self, table: str, changes: Sequence[Change]) -> list[str | None]:
        return await self._failure.meet(lambda: self._tables.write_rows(table, changes))


class FailingBlobs(PassingBlobs):
    def __init__(self, blobs: Blobs, failure: Failure) -> None:
        super().__init__(blobs)
        self._failure = failure

    async def put_blob(self, container: str, name: str, data: bytes | memoryview, content_type: str) -> None:
        await self._failure.meet(lambda: self._blobs.put_blob(container, name, data, content_type))

    async def read_blob(self, container: str, name: str) -> bytes:
        return await self._failure.meet(lambda: self._blobs.read_blob(container, name))

    async def put_pieces(self, container: str, name: str, pieces: AsyncIterable[bytes], content_type: str) -> None:
        await self._failure.meet(lambda: self._blobs.put_pieces(container, name, pieces, content_type))

    async def read_pieces(self, container: str, name: str) -> AsyncIterator[bytes]:
        async def begun() -> AsyncIterator[bytes]:
            return self._blobs.read_pieces(container, name)

        async for piece in await self._failure.meet(begun):
            yield piece


class FailingQueues(PassingQueues):
    def __init__(self, queues: Queues, failure: Failure) -> None:
        super().__init__(queues)
        self._failure = failure

    async def send(self, queue: str, body: str, delay: timedelta = timedelta(0), message_id: str | None = None) -> None:
        await self._failure.meet(lambda: self._queues.send(queue, body, delay, message_id))
