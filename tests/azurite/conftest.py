"""Azure Storage as Heed speaks to it: the account of the shared Azurite, and all of its services."""

from collections.abc import AsyncIterator, Iterator

import pytest

from infra.local.servers.azurite import Azurite, start_azurite
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


@pytest.fixture(scope="module")
def own_azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Azurite]:
    """An Azurite that the tests of a module share with no others."""
    running = start_azurite(tmp_path_factory.mktemp("own"))
    yield running
    running.stop()
