"""The way of the demo to the storage of a running Heed."""

from __future__ import annotations

import pytest

from demo.cast import ORGANIZATION
from demo.copying import copy_demo, local_account
from demo.stage import DemoError
from infra.local.settings import development_connection_string
from lib.storage import Row, Storage, Upsert
from lib.storage.layout import DUE, ORGANIZATION_ROW, ORGANIZATIONS, container, table
from lib.storage.memory import MemoryBlobs, memory_storage
from lib.storage.protocols import EVERYTHING
from tests.demo.conftest import Demo


async def nothing() -> None: ...


async def rows_of(storage: Storage, name: str) -> dict[tuple[str, str], object]:
    return {(row.partition, row.key): row.values async for row in storage.tables.query(name, EVERYTHING)}


async def copied(demo: Demo, storage: Storage) -> None:
    await copy_demo(demo.made.stage, storage, nothing, lambda done, total: None)


async def test_everything_of_the_demo_arrives(demo: Demo) -> None:
    storage, stage = memory_storage(), demo.made.stage.storage
    await copied(demo, storage)

    for kind in ("messages", "facts", "index", "people", "cards", "templates", "threads", "privacy", "feed"):
        name = table(ORGANIZATION, kind)
        assert await rows_of(storage, name) == await rows_of(stage, name), kind
    assert isinstance(storage.blobs, MemoryBlobs)
    assert storage.blobs.names(container(ORGANIZATION))
    assert (ORGANIZATION, ORGANIZATION_ROW) in await rows_of(storage, ORGANIZATIONS)


async def test_other_organizations_and_their_work_stay(demo: Demo) -> None:
    storage = memory_storage()
    for name in (ORGANIZATIONS, DUE):
        await storage.tables.create(name)
    await storage.tables.write_rows(ORGANIZATIONS, [Upsert(Row("acme", ORGANIZATION_ROW, {"v": 1}))])
    await storage.tables.write_rows(DUE, [Upsert(Row("state", "send", {"v": 7}))])
    await copied(demo, storage)

    assert (await rows_of(storage, ORGANIZATIONS))["acme", ORGANIZATION_ROW] == {"v": 1}
    due = await rows_of(storage, DUE)
    assert due.pop(("state", "send")) == {"v": 7}
    assert len(due) > 5
    assert all(key.split("|")[1] == ORGANIZATION for _, key in due)


async def test_a_second_demo_takes_the_place_of_the_first(demo: Demo) -> None:
    storage = memory_storage()
    await copied(demo, storage)
    people = table(ORGANIZATION, "people")
    await storage.tables.write_rows(people, [Upsert(Row("user", "of-the-first", {"v": 1}))])
    await copied(demo, storage)

    assert ("user", "of-the-first") not in await rows_of(storage, people)


async def test_a_demo_that_is_broken_off_is_not_there(demo: Demo) -> None:
    storage = memory_storage()

    async def break_off() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await copy_demo(demo.made.stage, storage, break_off, lambda done, total: None)

    assert await rows_of(storage, ORGANIZATIONS) == {}


def test_azurite_of_this_machine_is_taken() -> None:
    assert local_account(development_connection_string(10000, 10001, 10002)).table_endpoint.startswith(
        "http://127.0.0.1"
    )


@pytest.mark.parametrize(
    "connection_string",
    [
        "AccountName=acme;AccountKey=a2V5;EndpointSuffix=core.windows.net",
        "AccountName=devstoreaccount1;AccountKey=a2V5;BlobEndpoint=http://10.1.2.3:10000/devstoreaccount1;"
        "QueueEndpoint=http://127.0.0.1:10001/devstoreaccount1;TableEndpoint=http://127.0.0.1:10002/devstoreaccount1",
    ],
    ids=["an account in Azure", "an Azurite elsewhere"],
)
def test_storage_elsewhere_is_never_written_to(connection_string: str) -> None:
    with pytest.raises(DemoError, match="not on this machine"):
        local_account(connection_string)
