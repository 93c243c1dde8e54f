"""Azure Storage as Heed speaks to it: the account of the shared Azurite, and all of its services."""

from collections.abc import AsyncIterator

import pytest

from infra.local.servers.azurite import Azurite
from lib.storage import Storage
from lib.storage.azure.account import Account
from lib.storage.azure.tables import azure_storage, close_storage


@pytest.fixture
def account(azurite: Azurite) -> Account:
    return Account.parse(azurite.connection_string)


@pytest.fixture
async def storage(account: Account) -> AsyncIterator[Storage]:
    made = azure_storage(account)
    yield made
    await close_storage(made)
