"""Tables of organizations that are older than a kind of table."""

from __future__ import annotations

import pytest

from lib.storage import Delete, Insert, Missing, Row
from lib.storage.late_tables import ensure_table, write_late_rows
from lib.storage.layout import table
from lib.storage.memory import MemoryTables
from tests.support.heed import Heed

NAME = table("acme", "privacy")
ROW = Row("stop", "a", {"v": 1})


@pytest.fixture
async def heed() -> Heed:
    return await Heed().start()


@pytest.fixture
async def old(heed: Heed) -> Heed:
    """An organization that was made before the kind `privacy` was there."""
    await heed.storage.tables.drop(NAME)
    return heed


async def test_a_new_organization_has_the_table(heed: Heed) -> None:
    await heed.storage.tables.write_rows(NAME, [Insert(ROW)])


async def test_reading_a_missing_table_finds_nothing(old: Heed) -> None:
    assert await old.storage.tables.read_row(NAME, "stop", "a") is None
    assert [row async for row in old.storage.tables.query(NAME, "stop")] == []


async def test_the_first_write_makes_the_table(old: Heed) -> None:
    await write_late_rows(old.storage.tables, "acme", "privacy", [Insert(ROW)])

    assert await old.storage.tables.read_row(NAME, "stop", "a") is not None


async def test_a_row_that_is_missing_is_still_missing(old: Heed) -> None:
    with pytest.raises(Missing):
        await write_late_rows(old.storage.tables, "acme", "privacy", [Delete("stop", "a")])


async def test_an_organization_that_is_gone_gets_no_table(heed: Heed) -> None:
    await heed.services.organizations.delete_organization("acme")

    with pytest.raises(Missing):
        await write_late_rows(heed.storage.tables, "acme", "privacy", [Insert(ROW)])
    with pytest.raises(Missing):
        await heed.storage.tables.write_rows(NAME, [Insert(ROW)])


async def test_an_organization_that_is_deleted_meanwhile_keeps_no_table(
    old: Heed, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables = old.storage.tables
    assert isinstance(tables, MemoryTables)
    create = tables.create

    async def create_while_it_is_deleted(name: str) -> None:
        await old.services.organizations.delete_organization("acme")
        await create(name)

    monkeypatch.setattr(tables, "create", create_while_it_is_deleted)
    with pytest.raises(Missing):
        await ensure_table(tables, "acme", "privacy")
    with pytest.raises(Missing):
        await tables.write_rows(NAME, [Insert(ROW)])
