"""A storage account that is entered by identity, in any cloud."""

from __future__ import annotations

import pytest

from lib.settings import SettingsError, load_settings
from lib.storage.azure.account import Account
from tests.support.heed import SETTINGS

_PREFIX = "AzureWebJobsStorage__"


def _account(**given: str) -> Account:
    without = {name: value for name, value in SETTINGS.items() if name != "AzureWebJobsStorage"}
    return load_settings(without | {_PREFIX + name: value for name, value in given.items()}).account()


def _endpoints(account: Account) -> tuple[str, str, str]:
    return account.blob_endpoint, account.queue_endpoint, account.table_endpoint


def _usual(rest: str, name: str = "acme") -> tuple[str, str, str]:
    return f"https://{name}.blob.{rest}", f"https://{name}.queue.{rest}", f"https://{name}.table.{rest}"


def test_a_name_alone_is_an_account_of_the_public_cloud() -> None:
    assert _endpoints(_account(accountName="acme")) == _usual("core.windows.net")


@pytest.mark.parametrize("rest", ["core.usgovcloudapi.net", "core.chinacloudapi.cn", "z12.storage.azure.net"])
@pytest.mark.parametrize("service", ["blob", "queue", "table"])
@pytest.mark.parametrize("end", ["", "/"])
def test_the_other_addresses_follow_from_one(rest: str, service: str, end: str) -> None:
    account = _account(**{f"{service}ServiceUri": f"https://acme.{service}.{rest}{end}"})
    assert (_endpoints(account), account.name, account.key) == (_usual(rest), "acme", None)


def test_each_address_counts_alone_beside_the_name() -> None:
    account = _account(accountName="acme", tableServiceUri="https://tables.corp.example")
    blob, queue, _ = _usual("core.windows.net")
    assert _endpoints(account) == (blob, queue, "https://tables.corp.example")


def test_three_addresses_of_any_form_need_no_name() -> None:
    addresses = {f"{each}ServiceUri": f"https://{each}.corp.example" for each in ("blob", "queue", "table")}
    assert _endpoints(_account(**addresses)) == tuple(addresses.values())


def test_an_address_that_tells_nothing_of_the_others_is_not_enough() -> None:
    with pytest.raises(SettingsError, match=r"^AzureWebJobsStorage__queueServiceUri is missing: set it"):
        _account(blobServiceUri="https://blobs.corp.example")


@pytest.mark.parametrize(
    "address",
    ["acme.blob.core.windows.net", "http://acme.blob.core.windows.net", "https://acme.blob.core.windows.net/box",
     "https://acme.blob.core.windows.net?sig=1", "https://acme.blob.core.windows.net\t"],
)  # fmt: skip
def test_an_address_with_more_or_less_than_https_and_a_host_is_refused(address: str) -> None:
    with pytest.raises(SettingsError, match=r"^AzureWebJobsStorage__blobServiceUri is wrong"):
        _account(accountName="acme", blobServiceUri=address)


@pytest.mark.parametrize("name", ["AzureWebJobsStorage__clientId", "AZURE_CLIENT_ID", "AZURE_TOKEN_CREDENTIALS"])
def test_names_of_identities_that_are_none_stop_the_start(name: str) -> None:
    with pytest.raises(SettingsError, match=f"^{name} is wrong"):
        load_settings({**SETTINGS, name: "the identity of heed"})
    with pytest.raises(SettingsError, match=f"^{name} is an unresolved Key Vault reference"):
        load_settings({**SETTINGS, name: "@Microsoft.KeyVault(VaultName=v;SecretName=s)"})
