"""Settings of the storage account and of the queues."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Self

from pydantic import Field, SecretStr, model_validator

from lib.settings.app import AppSettings
from lib.settings.values import ClientId, ServiceAddress
from lib.storage.azure.account import Account, Service

if TYPE_CHECKING:
    from lib.storage.service_bus.namespace import Namespace


class StorageSettings(AppSettings):
    """Settings of storage and queues, and of the way in."""

    connection_string: SecretStr | None = Field(
        None,
        alias="AzureWebJobsStorage",
        description="the storage account's connection string, with its account key",
    )
    account_name: str | None = Field(
        None,
        alias="AzureWebJobsStorage__accountName",
        description="the storage account's name, with a managed identity",
    )
    blob_address: ServiceAddress | None = Field(
        None,
        alias="AzureWebJobsStorage__blobServiceUri",
        description="the https address of the account's blobs, in a national cloud; elsewhere it follows from the name",
    )
    queue_address: ServiceAddress | None = Field(
        None,
        alias="AzureWebJobsStorage__queueServiceUri",
        description="the https address of the account's queues; by default as the other addresses have it, or the name",
    )
    table_address: ServiceAddress | None = Field(
        None,
        alias="AzureWebJobsStorage__tableServiceUri",
        description="the https address of the account's tables; by default as the other addresses have it, or the name",
    )
    storage_client_id: ClientId | None = Field(
        None,
        alias="AzureWebJobsStorage__clientId",
        description="the client id of the managed identity for storage; without it, AZURE_CLIENT_ID",
    )
    client_id: ClientId | None = Field(
        None,
        alias="AZURE_CLIENT_ID",
        description="the client id of the user-assigned managed identity, which azure-identity reads",
    )
    token_credentials: str | None = Field(
        None,
        alias="AZURE_TOKEN_CREDENTIALS",
        pattern=r"^[A-Za-z]+$",
        description="ManagedIdentityCredential in Azure, so that azure-identity searches no chain of credentials",
    )
    queues: Literal["storage", "servicebus"] = Field(
        "storage",
        alias="HEED_QUEUES",
        description="storage (queues of the storage account) or servicebus (Azure Service Bus)",
    )
    service_bus_connection_string: SecretStr | None = Field(
        None,
        alias="HEED_SERVICEBUS",
        description="the Service Bus namespace's connection string",
    )
    service_bus_host: str | None = Field(
        None,
        alias="HEED_SERVICEBUS__fullyQualifiedNamespace",
        pattern=r"^[A-Za-z0-9.-]+$",
        description="the Service Bus namespace's host name (….servicebus.windows.net), with a managed identity",
    )

    @model_validator(mode="after")
    def _check_storage(self) -> Self:
        self.account()
        if self.queues == "servicebus":
            self.service_bus()
        return self

    def account(self) -> Account:
        """The storage account that holds everything. Raises ValueError."""
        if self.connection_string:
            try:
                return Account.parse(self.connection_string.get_secret_value())
            except ValueError as error:
                raise ValueError(
                    f"AzureWebJobsStorage is wrong ({error}): set it to the storage account's connection string"
                ) from None
        given: dict[Service, str | None] = {
            "blob": self.blob_address,
            "queue": self.queue_address,
            "table": self.table_address,
        }
        addresses = {service: address for service, address in given.items() if address}
        if not self.account_name and not addresses:
            raise ValueError(
                "AzureWebJobsStorage is missing: set it to the storage account's connection string, "
                "or AzureWebJobsStorage__accountName to its name"
            )
        try:
            return Account.entered_by_identity(self.account_name, addresses)
        except ValueError:
            missing = next(service for service in given if service not in addresses)
            raise ValueError(
                f"AzureWebJobsStorage__{missing}ServiceUri is missing: set it, as it does not follow from the other "
                "addresses, or set AzureWebJobsStorage__accountName to the account's name"
            ) from None

    def service_bus(self) -> Namespace:
        """The Service Bus namespace of the queues. Raises ValueError."""
        from lib.storage.service_bus.namespace import Namespace

        if self.service_bus_connection_string:
            try:
                return Namespace.parse(self.service_bus_connection_string.get_secret_value())
            except ValueError as error:
                raise ValueError(
                    f"HEED_SERVICEBUS is wrong ({error}): set it to the Service Bus namespace's connection string"
                ) from None
        if self.service_bus_host:
            return Namespace(host=self.service_bus_host)
        raise ValueError(
            "HEED_SERVICEBUS is missing: set it to the Service Bus namespace's connection string, "
            "or HEED_SERVICEBUS__fullyQualifiedNamespace to its host name, as HEED_QUEUES is servicebus"
        )
