"""Copies the demo from the stage to the storage of a Heed on this machine.

The organization's own row is written last. Until then the running Heed knows no such organization.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from itertools import groupby
from urllib.parse import urlsplit

from demo.cast import ORGANIZATION
from demo.stage import DemoError, Stage
from lib.storage import Delete, Missing, Row, Storage, Unavailable, Upsert
from lib.storage.azure.account import AZURITE_NAME, Account
from lib.storage.batches import batches_by_size
from lib.storage.layout import (
    ADDRESS_SECRET_ROW,
    DELETED_ROW,
    DUE,
    KINDS,
    ORGANIZATION_ROW,
    ORGANIZATIONS,
    QUEUES,
    container,
    table,
)
from lib.storage.protocols import EVERYTHING, MOST_CHANGES

_MOST_CHARACTERS = 1_000_000
"""Characters of a transaction's rows: it has at most 4 MB, with every column's name and type."""

_AT_ONCE = 4
_LOOPBACK = ("127.0.0.1", "localhost", "::1")

Wait = Callable[[], Awaitable[None]]

Progress = Callable[[int, int], None]
"""Told of the number of rows that are written, and of all."""


def local_account(connection_string: str) -> Account:
    """Return the account of an Azurite on this machine. Raises DemoError for every other one."""
    account = Account.parse(connection_string)
    endpoints = (account.table_endpoint, account.queue_endpoint, account.blob_endpoint)
    if account.name != AZURITE_NAME or any(urlsplit(each).hostname not in _LOOPBACK for each in endpoints):
        raise DemoError(
            "This Heed keeps its data in a storage account that is not on this machine. The demo is only written to "
            "Azurite: start Heed without AzureWebJobsStorage."
        )
    return account


async def copy_demo(stage: Stage, storage: Storage, before_opening: Wait, progress: Progress) -> None:
    """Replace what the storage holds of the organization by what the stage has.

    `before_opening` is awaited before the row that makes it known is written.
    """
    await _empty(storage)
    batches = {name: [each async for each in _batches(stage, name)] for name in (*_own_tables(), DUE)}
    total = sum(len(some) for found in batches.values() for some in found)
    done, places = 0, asyncio.Semaphore(_AT_ONCE)

    async def write(name: str, rows: Sequence[Row]) -> None:
        nonlocal done
        async with places:
            await _patiently(lambda: storage.tables.write_rows(name, [Upsert(row) for row in rows]))
        done += len(rows)
        progress(done, total)

    await asyncio.gather(*(write(name, rows) for name, found in batches.items() for rows in found))
    await _copy_files(stage, storage)
    for waiting in stage.waiting():
        delay = max(waiting.at - stage.now, timedelta(0))
        await storage.queues.send(waiting.sent.queue, waiting.sent.body, delay)
    await _open(stage, storage, before_opening)


async def _patiently(write: Callable[[], Awaitable[object]]) -> None:
    """Write again where storage has not answered: on a busy machine Azurite may take long. Raises DemoError."""
    for pause in (1, 3, 10, 30):
        try:
            await write()
            return
        except Unavailable:
            await asyncio.sleep(pause)
    try:
        await write()
    except Unavailable as error:
        raise DemoError(f"The storage of Heed does not answer ({error}). Try again: make demo") from error


async def _empty(storage: Storage) -> None:
    """Make the organization's storage, without what an earlier demo that broke off has left there."""
    for queue in QUEUES:
        await storage.queues.create(queue)
    for shared in (ORGANIZATIONS, DUE):
        await storage.tables.create(shared)
    for name in _own_tables():
        await storage.tables.drop(name)
        await storage.tables.create(name)
    await storage.blobs.drop(container(ORGANIZATION))
    await storage.blobs.create(container(ORGANIZATION))


def _own_tables() -> list[str]:
    return [table(ORGANIZATION, kind) for kind in KINDS]


async def _batches(stage: Stage, name: str) -> AsyncIterator[list[Row]]:
    """List the rows of a table in groups that one transaction takes: those of one partition."""
    rows = [row async for row in stage.storage.tables.query(name, EVERYTHING)]
    # An index of what is due holds states of sweeps, too: those of the running Heed stay.
    wanted = [row for row in rows if name != DUE or ORGANIZATION in row.key.split("|")]
    for _, some in groupby(wanted, key=lambda row: row.partition):
        for batch in batches_by_size(some, MOST_CHANGES, _MOST_CHARACTERS, _size):
            yield batch


def _size(row: Row) -> int:
    return sum(len(name) + len(str(value)) for name, value in row.values.items())


async def _copy_files(stage: Stage, storage: Storage) -> None:
    place = container(ORGANIZATION)
    async for name in stage.storage.blobs.list_blobs(place):
        data = await stage.storage.blobs.read_blob(place, name)
        await storage.blobs.put_blob(place, name, data, "application/octet-stream")


async def _open(stage: Stage, storage: Storage, before_opening: Wait) -> None:
    """Write the organization's rows of the registry, but for its keys: the running Heed makes keys of its own."""
    await before_opening()
    with suppress(Missing):
        await storage.tables.write_rows(ORGANIZATIONS, [Delete(ORGANIZATION, DELETED_ROW)])
    rows = [row async for row in stage.storage.tables.query(ORGANIZATIONS, ORGANIZATION)]
    wanted = [row for row in rows if row.key in (ORGANIZATION_ROW, ADDRESS_SECRET_ROW)]
    await storage.tables.write_rows(ORGANIZATIONS, [Upsert(row) for row in wanted])
