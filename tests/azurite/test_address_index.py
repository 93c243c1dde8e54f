"""The index of records by address over a real Azurite: its conditional deletes, its order of keys, and the command."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from uuid import uuid4

import pytest
from typer.testing import CliRunner

from heed.application import application
from infra.local.servers.azurite import Azurite
from lib.people.records import StoredRecord
from lib.storage import Storage
from lib.storage.memory import memory_storage
from tests.support.heed import SETTINGS, Heed


@pytest.fixture
async def heed(storage: Storage) -> Heed:
    memory = memory_storage()
    return await Heed(storage=replace(storage, queues=memory.queues, blobs=memory.blobs, closers=[])).start()


async def found(heed: Heed, email: str) -> list[str]:
    return [f"{each['type']}/{each['id']}" for each in (await heed.get(f"/records?email={email}"))["items"]]


async def test_records_are_found_by_the_addresses_that_they_have_now(heed: Heed) -> None:
    old, new = f"old-{uuid4().hex}@example.com", f"new-{uuid4().hex}@example.com"
    await heed.put("/records/lead/l1", {"emails": [old]})
    await heed.put("/records/contact/c1", {"emails": [old, old.upper()]})
    assert await found(heed, old) == ["contact/c1", "lead/l1"]
    seen_long_ago = await heed.services.address_index.list_entries("acme", old)

    await heed.put("/records/contact/c1", {"emails": [new]})
    assert (await found(heed, old), await found(heed, new)) == (["lead/l1"], ["contact/c1"])

    await heed.put("/records/contact/c1", {"emails": [old]})
    await heed.services.address_index.remove_entries("acme", seen_long_ago[:1])
    assert "contact/c1" in await found(heed, old)


def test_the_command_refuses_an_organization_that_is_not_there(
    azurite: Azurite, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {**SETTINGS, "AzureWebJobsStorage": azurite.connection_string}.items():
        monkeypatch.setenv(name, value)

    ran = CliRunner().invoke(application, ["index-addresses", f"none{uuid4().hex[:8]}"])

    assert ran.exit_code == 1
    assert "There is no organization" in ran.stderr


async def test_the_command_indexes_records_that_were_put_before(
    heed: Heed, azurite: Azurite, monkeypatch: pytest.MonkeyPatch
) -> None:
    email = f"ada-{uuid4().hex}@example.com"
    record = StoredRecord(type="contact", id=uuid4().hex, emails=[email])
    await heed.services.people.records.save("acme", "record|contact", record.id, record, None)
    assert await found(heed, email) == []
    for name, value in {**SETTINGS, "AzureWebJobsStorage": azurite.connection_string}.items():
        monkeypatch.setenv(name, value)

    ran = await asyncio.to_thread(CliRunner().invoke, application, ["index-addresses", "acme"])

    assert (ran.exit_code, "are indexed" in ran.stdout) == (0, True)
    assert await found(heed, email) == [f"contact/{record.id}"]
