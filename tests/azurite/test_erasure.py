"""Export and erasure over a real Azurite: its etags, its order of keys, its blobs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from infra.local.servers.azurite import start_azurite
from lib.storage import Storage
from lib.storage.azure.account import Account
from lib.storage.azure.tables import azure_storage, close_storage
from lib.storage.memory import MemoryQueues
from tests.support.heed import Heed
from tests.support.known_subject import EMAIL, LOCAL_PART, SETTINGS, make_known, run_job
from tests.support.remains import remains_of


@pytest.fixture
async def own_storage(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Storage]:
    """An Azurite of this test's own, whose content is searched. Queues are in memory, where a test can empty them."""
    azurite = start_azurite(tmp_path_factory.mktemp("azurite"))
    storage = azure_storage(Account.parse(azurite.connection_string))
    yield replace(storage, queues=MemoryQueues())
    await close_storage(storage)
    azurite.stop()


async def test_an_export_finds_all_of_an_address_and_an_erasure_leaves_nothing(own_storage: Storage) -> None:
    heed = await Heed(storage=own_storage).start(**SETTINGS)
    known = await make_known(heed)
    heed.services.subject_jobs.rows_of_a_piece = 100

    exported = await run_job(heed, "GET")
    result = await heed.get(f"/jobs/{exported['id']}/result")
    erased = await run_job(heed, "DELETE")

    assert {entry["message"] for entry in result["entries"] if "message" in entry} > set(known.values())
    assert (exported["status"], erased["status"]) == ("done", "done")
    assert await remains_of(own_storage, EMAIL, LOCAL_PART) == []
