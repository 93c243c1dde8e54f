"""Faults between the SDK and a real Azurite: what was asked for happens once, or is said not to have happened."""

import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from infra.local.servers.azurite import Azurite
from lib.storage import Change, Conflict, Delete, Insert, Missing, Replace, Row, Storage, Unavailable, Upsert
from lib.storage.azure.account import Account
from lib.storage.azure.tables import azure_storage, close_storage
from tests.support.fault_proxy import Fault, FaultProxy
from tests.support.storage_suite import rows_of


@dataclass(frozen=True, slots=True)
class Faulty:
    """A table behind a proxy, and the same account without one."""

    proxy: FaultProxy
    storage: Storage
    direct: Storage
    table: str

    async def write(self, *changes: Change) -> list[str | None]:
        return await self.storage.tables.write_rows(self.table, changes)

    async def stored(self) -> dict[str, Row]:
        return {row.key: row for row in await rows_of(self.direct.tables.query(self.table, "p"))}


@pytest.fixture
async def faulty(account: Account, storage: Storage) -> AsyncIterator[Faulty]:
    table = f"t{uuid.uuid4().hex}"
    await storage.tables.create(table)
    async with FaultProxy(account.table_endpoint) as proxy:
        through = azure_storage(replace(account, table_endpoint=proxy.url))
        yield Faulty(proxy, through, storage, table)
        await close_storage(through)


BEFORE = [Fault.BUSY, Fault.CUT_BEFORE]
ANY = [*BEFORE, Fault.CUT_AFTER]
SMALL = {"v": 1}


@pytest.mark.parametrize("fault", ANY)
async def test_an_insert_is_done_once_whatever_became_of_its_first_try(faulty: Faulty, fault: Fault) -> None:
    faulty.proxy.fail(fault)
    [etag] = await faulty.write(Insert(Row("p", "r", SMALL)))
    assert await faulty.stored() == {"r": Row("p", "r", SMALL, etag)}


@pytest.mark.parametrize("fault", ANY)
async def test_a_replacement_is_done_once_whatever_became_of_its_first_try(faulty: Faulty, fault: Fault) -> None:
    [old] = await faulty.write(Insert(Row("p", "r", {"n": 1})))
    faulty.proxy.fail(fault)
    [etag] = await faulty.write(Replace(Row("p", "r", {"n": 2}, old)))
    assert etag != old
    assert await faulty.stored() == {"r": Row("p", "r", {"n": 2}, etag)}


@pytest.mark.parametrize("fault", ANY)
@pytest.mark.parametrize("with_etag", [True, False])
async def test_a_delete_is_done_once_whatever_became_of_its_first_try(
    faulty: Faulty, fault: Fault, with_etag: bool
) -> None:
    [etag, _] = await faulty.write(Insert(Row("p", "r", SMALL)), Insert(Row("p", "other", SMALL)))
    faulty.proxy.fail(fault)
    assert await faulty.write(Delete("p", "r", etag if with_etag else None)) == [None]
    assert list(await faulty.stored()) == ["other"]


@pytest.mark.parametrize("fault", ANY)
async def test_a_transaction_is_done_once_whatever_became_of_its_first_try(faulty: Faulty, fault: Fault) -> None:
    [old, _] = await faulty.write(Insert(Row("p", "replaced", {"n": 1})), Insert(Row("p", "deleted", SMALL)))
    faulty.proxy.fail(fault)
    etags = await faulty.write(
        Replace(Row("p", "replaced", {"n": 2}, old)),
        Delete("p", "deleted"),
        Insert(Row("p", "inserted", SMALL)),
        Upsert(Row("p", "put", SMALL)),
    )
    stored = await faulty.stored()
    assert sorted(stored) == ["inserted", "put", "replaced"]
    assert etags == [stored["replaced"].etag, None, stored["inserted"].etag, stored["put"].etag]
    assert stored["replaced"].values == {"n": 2}


async def test_two_answers_may_be_lost_one_after_the_other(faulty: Faulty) -> None:
    faulty.proxy.fail(Fault.CUT_AFTER, Fault.CUT_AFTER)
    [etag] = await faulty.write(Insert(Row("p", "r", SMALL)))
    assert await faulty.stored() == {"r": Row("p", "r", SMALL, etag)}


async def test_a_conflict_with_somebody_elses_row_stays_one_after_a_lost_try(faulty: Faulty) -> None:
    await faulty.direct.tables.write_rows(faulty.table, [Insert(Row("p", "r", {"by": "somebody else"}))])
    faulty.proxy.fail(Fault.CUT_BEFORE)
    with pytest.raises(Conflict):
        await faulty.write(Insert(Row("p", "r", {"by": "us"})))
    assert (await faulty.stored())["r"].values == {"by": "somebody else"}


async def test_a_delete_of_a_newer_version_stays_a_conflict_after_a_lost_try(faulty: Faulty) -> None:
    [old] = await faulty.write(Insert(Row("p", "r", SMALL)))
    await faulty.write(Upsert(Row("p", "r", SMALL)))
    faulty.proxy.fail(Fault.CUT_BEFORE)
    with pytest.raises(Conflict):
        await faulty.write(Delete("p", "r", old))
    assert list(await faulty.stored()) == ["r"]


async def test_a_replacement_of_what_is_gone_stays_missing_after_a_lost_try(faulty: Faulty) -> None:
    [old] = await faulty.write(Insert(Row("p", "r", SMALL)))
    await faulty.write(Delete("p", "r"))
    faulty.proxy.fail(Fault.CUT_BEFORE)
    with pytest.raises(Missing):
        await faulty.write(Replace(Row("p", "r", SMALL, old)))


@pytest.mark.parametrize("fault", BEFORE)
async def test_a_write_gives_up_when_no_try_is_answered(faulty: Faulty, fault: Fault) -> None:
    faulty.proxy.fail_all(fault)
    with pytest.raises(Unavailable):
        await faulty.write(Insert(Row("p", "r", SMALL)))
    assert len(faulty.proxy.requests) == 4
    assert await faulty.stored() == {}


@pytest.mark.parametrize("fault", ANY)
async def test_reading_is_tried_again(faulty: Faulty, fault: Fault) -> None:
    [etag] = await faulty.write(Insert(Row("p", "r", SMALL)))
    faulty.proxy.fail(fault, None, fault)
    assert await faulty.storage.tables.read_row(faulty.table, "p", "r") == Row("p", "r", SMALL, etag)
    assert [row.key for row in await rows_of(faulty.storage.tables.query(faulty.table, "p"))] == ["r"]


@pytest.mark.parametrize("fault", BEFORE)
async def test_a_message_is_sent_in_spite_of_a_fault(azurite: Azurite, fault: Fault) -> None:
    account = Account.parse(azurite.connection_string)
    async with FaultProxy(account.queue_endpoint) as proxy:
        storage = azure_storage(replace(account, queue_endpoint=proxy.url))
        await storage.queues.create("faulty")
        proxy.fail(fault)
        await storage.queues.send("faulty", "body")
        await close_storage(storage)
        assert len(proxy.requests) == 3


@pytest.mark.parametrize(("seconds", "sent"), [(0.0, 0), (0.2, 1), (1.0, 1), (59.5, 60)])
async def test_a_delay_is_rounded_up_so_that_no_message_comes_early(
    azurite: Azurite, seconds: float, sent: int
) -> None:
    account = Account.parse(azurite.connection_string)
    async with FaultProxy(account.queue_endpoint) as proxy:
        storage = azure_storage(replace(account, queue_endpoint=proxy.url))
        await storage.queues.create("delays")
        await storage.queues.send("delays", "body", timedelta(seconds=seconds))
        await close_storage(storage)
        assert f"visibilitytimeout={sent}&" in proxy.requests[-1].replace(" ", "&")
