"""Blobs that are copied, compared and kept piece by piece, so that the largest one takes no more memory than others."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable


async def are_same(one: AsyncIterator[bytes], other: AsyncIterator[bytes]) -> bool:
    """Whether two blobs, read in pieces of one size, hold the same bytes. Raises what reading does."""
    while True:
        piece, its = await anext(one, b""), await anext(other, b"")
        if piece != its:
            return False
        if not piece:
            return True


async def checked_at_end(pieces: AsyncIterable[bytes], check: Callable[[], Awaitable[None]]) -> AsyncIterator[bytes]:
    """Yield the pieces, then check: a blob that is written of them begins to be there right after that."""
    async for piece in pieces:
        yield piece
    await check()
