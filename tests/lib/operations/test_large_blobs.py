"""A backup, a restore and a move hold a few pieces of a blob in memory, however large the blob is."""

from __future__ import annotations

import os
import tracemalloc
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lib.operations import move
from lib.operations.move import NotTheSame
from lib.storage import Conflict
from lib.storage.layout import container
from lib.storage.memory import memory_storage
from lib.storage.protocols import LARGEST_PIECE
from tests.lib.operations.test_backup import backed_up, deleted, lived_in, restored, secret_of
from tests.lib.operations.test_move import Deployment
from tests.support.heed import Heed
from tests.support.large_blobs import NAME, SIZE, LargeBlobs, with_large_blobs

_MOST = 6 * LARGEST_PIECE
"""Bytes that may be held at a time."""

assert SIZE > 2 * _MOST


@contextmanager
def little_held() -> Iterator[None]:
    tracemalloc.start()
    try:
        yield
        held = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert held < _MOST


async def with_large() -> Heed:
    heed, _ = await lived_in(with_large_blobs(memory_storage()))
    assert isinstance(heed.storage.blobs, LargeBlobs)
    await heed.storage.blobs.put_large(container("acme"))
    return heed


async def test_a_large_blob_is_backed_up_and_restored_in_pieces(tmp_path: Path) -> None:
    heed = await with_large()
    secret = await secret_of(heed)

    with little_held():
        path = await backed_up(heed, tmp_path)
    assert os.listdir(tmp_path) == [path.name]
    await deleted(heed)
    with little_held():
        await restored(heed, path, secret=secret)

    assert NAME in [name async for name in heed.storage.blobs.list_blobs(container("acme"))]


async def test_a_large_blob_is_searched_for_who_was_erased_in_pieces(tmp_path: Path) -> None:
    heed = await with_large()
    path = await backed_up(heed, tmp_path)
    erased = await heed.services.address_hashes.hash_address("acme", "zoe@example.com")
    await heed.services.stops.rows.enter_tombstone("acme", erased)

    with little_held():
        await restored(heed, path, replace=True)


async def _differ(*_: object) -> str:
    raise NotTheSame


async def test_a_large_blob_is_moved_and_compared_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    deployment = Deployment()
    shared, own = with_large_blobs(memory_storage()), with_large_blobs(memory_storage())
    deployment.accounts.shared, deployment.accounts.own["newdata"] = shared, own
    deployment.heed = Heed(storage=deployment.accounts.storage())
    deployment.other, deployment.operator = deployment._process(), deployment._process()
    await deployment.start()
    assert isinstance(shared.blobs, LargeBlobs)
    await shared.blobs.put_large(container("acme"))

    with monkeypatch.context() as patched:
        patched.setattr(move, "_compare_rows", _differ)
        with little_held(), pytest.raises(NotTheSame):
            await deployment.move()
    with little_held():  # this run does not know what the first one has copied
        await deployment.move()

    assert [name async for name in own.blobs.list_blobs(container("acme"))] == [NAME]
    assert await deployment.left_behind() == []


async def test_a_blob_that_is_replaced_while_it_is_read_is_backed_up_as_it_became(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heed, tries = await with_large(), list[str]()
    read = LargeBlobs.read_pieces

    async def replaced(blobs: LargeBlobs, container: str, name: str) -> AsyncIterator[bytes]:
        async for piece in read(blobs, container, name):
            yield piece
            if name == NAME and not tries:
                tries.append(name)
                raise Conflict("it was replaced")

    monkeypatch.setattr(LargeBlobs, "read_pieces", replaced)
    path = await backed_up(heed, tmp_path)

    assert tries == [NAME]
    await restored(heed, path, replace=True)
