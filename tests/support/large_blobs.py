"""Storage with one blob that is larger than memory should ever hold: it is made up as it is read, and never kept."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterable, AsyncIterator
from dataclasses import replace

from lib.storage import Storage
from lib.storage.protocols import LARGEST_PIECE
from tests.support.passing_storage import PassingBlobs

NAME = "messages/large"
SIZE = 16 * LARGEST_PIECE
_MARK = b"stands for the large blob"


def with_large_blobs(storage: Storage) -> Storage:
    return replace(storage, blobs=LargeBlobs(storage.blobs))


class LargeBlobs(PassingBlobs):
    """Blobs in which a mark stands for the large one."""

    async def put_large(self, container: str) -> None:
        """Have the large blob in the container."""
        await self.put_blob(container, NAME, _MARK, "text/plain")

    async def read_pieces(self, container: str, name: str) -> AsyncIterator[bytes]:
        async for piece in super().read_pieces(container, name):
            if name != NAME:
                yield piece
        if name == NAME:
            async for piece in _whole():
                yield piece

    async def put_pieces(self, container: str, name: str, pieces: AsyncIterable[bytes], content_type: str) -> None:
        if name != NAME:
            await super().put_pieces(container, name, pieces, content_type)
            return
        assert await _sum(pieces) == await _sum(_whole())
        await self.put_blob(container, name, _MARK, content_type)

    async def read_blob(self, container: str, name: str) -> bytes:
        assert name != NAME, "the large blob is read whole"
        return await super().read_blob(container, name)


async def _sum(pieces: AsyncIterable[bytes]) -> str:
    found = hashlib.sha256()
    async for piece in pieces:
        found.update(piece)
    return found.hexdigest()


async def _whole() -> AsyncIterator[bytes]:
    for number in range(SIZE // LARGEST_PIECE):
        yield bytes([number]) * LARGEST_PIECE
