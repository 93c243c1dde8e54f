"""Two real accounts: the shared one, and acme's own, which a setting names."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import aiohttp
import pytest

from infra.local.servers.azurite import Azurite
from lib.clock import milliseconds
from lib.organizations.registry import OrganizationSpec
from lib.recipient_services import RecipientServices
from lib.settings import load_settings
from lib.storage import Grant, Storage
from lib.storage.accounts import OwnAccount
from lib.storage.azure.account import Account
from lib.storage.azure.tables import azure_storage, close_storage
from lib.storage.layout import KINDS, container, table
from lib.storage.protocols import EVERYTHING
from lib.tracking.facts import Fact
from lib.tracking.journal import FACTS_ROW
from tests.support.heed import SETTINGS, START

NAME = "ownaccount"


@pytest.fixture
async def own(own_azurite: Azurite) -> AsyncIterator[Storage]:
    """The own account, as one looks into it from outside."""
    made = azure_storage(Account.parse(own_azurite.connection_string))
    yield made
    await close_storage(made)


@pytest.fixture
def process(azurite: Azurite, own_azurite: Azurite, monkeypatch: pytest.MonkeyPatch) -> RecipientServices:
    monkeypatch.setenv("HEED_STORAGE_OWNACCOUNT", own_azurite.connection_string)
    return RecipientServices(load_settings({**SETTINGS, "AzureWebJobsStorage": azurite.connection_string}))


def opened() -> Fact:
    return Fact(f"{milliseconds(START)}-{'0' * 32}", "0" * 32, "open", milliseconds(START), "GET")


async def test_everything_of_the_organization_is_in_its_own_account(
    process: RecipientServices, azurite: Azurite, own_azurite: Azurite, own: Storage, storage: Storage
) -> None:
    spec = OrganizationSpec(name="Own", storage=OwnAccount(setting="HEED_STORAGE_OWNACCOUNT"))
    await process.organizations.save_organization(NAME, spec, None)
    first_hit = RecipientServices(load_settings({**SETTINGS, "AzureWebJobsStorage": azurite.connection_string}))

    assert await first_hit.journal.record(NAME, opened())
    await process.storage.blobs.put_blob(container(NAME), "file", b"bytes", "text/plain")
    grant = Grant(START.replace(year=2100) + timedelta(minutes=5), "attachment", "text/plain")
    url = await process.storage.blobs.reading_url(container(NAME), "file", grant)

    journal = [row async for row in own.tables.query(table(NAME, "journal"), EVERYTHING)]
    assert [row.key for row in journal] == [FACTS_ROW]
    assert [row async for row in storage.tables.query(table(NAME, "journal"), EVERYTHING)] == []
    assert url.startswith(own_azurite.blob_endpoint)
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        assert await answer.read() == b"bytes"
    await process.organizations.delete_organization(NAME)
    for kind in KINDS:
        assert [row async for row in own.tables.query(table(NAME, kind), EVERYTHING)] == []
    await first_hit.close()
    await process.close()
