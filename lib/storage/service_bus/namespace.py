"""A namespace of Azure Service Bus: how to connect to it, and its SDK's exceptions as our own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lib.connection_strings import parse_connection_string
from lib.storage.protocols import Missing, StorageError, Unavailable

if TYPE_CHECKING:
    from azure.servicebus.aio import ServiceBusClient

_PATIENCE: dict[str, Any] = {"retry_total": 2, "retry_backoff_factor": 0.2, "retry_backoff_max": 1}
"""A caller waits for us. Two retries at least: Azure cuts connections that are idle."""


@dataclass(frozen=True, slots=True)
class Namespace:
    """A namespace: its connection string, or its host name with the identity that the app runs as."""

    connection_string: str | None = field(default=None, repr=False)
    host: str | None = None

    @staticmethod
    def parse(connection_string: str) -> Namespace:
        """Read a connection string. Raises ValueError, whose text does not show the string."""
        parts = parse_connection_string(connection_string)
        if not parts.get("endpoint", "").startswith("sb://"):
            raise ValueError("it has no Endpoint=sb://…")
        if not ("sharedaccesskeyname" in parts and "sharedaccesskey" in parts) and "sharedaccesssignature" not in parts:
            raise ValueError("it has no SharedAccessKeyName and SharedAccessKey")
        return Namespace(connection_string=connection_string.strip())

    @asynccontextmanager
    async def client(self) -> AsyncIterator[ServiceBusClient]:
        """A client for the length of the block."""
        from azure.servicebus.aio import ServiceBusClient  # 0.1 s to import: only where it is used

        if self.connection_string:
            async with ServiceBusClient.from_connection_string(self.connection_string, **_PATIENCE) as client:
                yield client
            return
        from azure.identity.aio import DefaultAzureCredential

        assert self.host
        async with DefaultAzureCredential() as identity, ServiceBusClient(self.host, identity, **_PATIENCE) as client:
            yield client


@contextmanager
def translated() -> Iterator[None]:
    """Translate what a call of the SDK raises into StorageError, or one of its kinds."""
    from azure.core.exceptions import AzureError
    from azure.servicebus.exceptions import (
        MessageSizeExceededError,
        MessagingEntityNotFoundError,
        ServiceBusAuthenticationError,
        ServiceBusAuthorizationError,
    )

    try:
        yield
    except MessagingEntityNotFoundError as error:
        raise Missing("Service Bus has no such queue") from error
    except (ServiceBusAuthenticationError, ServiceBusAuthorizationError, MessageSizeExceededError) as error:
        raise StorageError(f"Service Bus refused: {type(error).__name__}") from error
    # ValueError: the SDK's own, about a connection or a client that was closed meanwhile.
    except (AzureError, OSError, TimeoutError, ValueError) as error:
        raise Unavailable(f"Service Bus does not answer: {type(error).__name__}") from error
