"""A storage account: its endpoints, and the key that proves that Heed may use it.

The setting is either a connection string (`AzureWebJobsStorage`) or, as in Azure with a managed identity, the
account's name (`AzureWebJobsStorage__accountName`) or the addresses of its services
(`AzureWebJobsStorage__blobServiceUri` and its siblings, which national clouds need).
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from lib.connection_strings import parse_connection_string

AZURITE_NAME = "devstoreaccount1"
_AZURITE = {
    "accountname": AZURITE_NAME,
    # Azurite's published key: the same on every machine, no secret.
    "accountkey": "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==",
    "blobendpoint": f"http://127.0.0.1:10000/{AZURITE_NAME}",
    "queueendpoint": f"http://127.0.0.1:10001/{AZURITE_NAME}",
    "tableendpoint": f"http://127.0.0.1:10002/{AZURITE_NAME}",
}

Service = Literal["blob", "queue", "table"]
_SERVICES: tuple[Service, ...] = ("blob", "queue", "table")
_ADDRESS = re.compile(r"https://(?P<name>[a-z0-9]{3,24})\.(?:blob|queue|table)\.(?P<rest>[a-z0-9.-]+)/?")
"""The usual form of a service's address, in any cloud."""


@dataclass(frozen=True, slots=True)
class Account:
    """An account. Endpoints have no trailing slash."""

    name: str
    table_endpoint: str
    queue_endpoint: str
    blob_endpoint: str

    key: bytes | None
    """None where a managed identity is the proof."""

    @property
    def encoded_key(self) -> str:
        """The key in base64, as the SDK takes it. There must be one."""
        assert self.key is not None
        return base64.b64encode(self.key).decode()

    @staticmethod
    def entered_by_identity(name: str | None, addresses: Mapping[Service, str]) -> Account:
        """Make an account that is entered with the identity that the app runs as.

        An address that is not given follows from one that is, such as `https://acme.blob.core.usgovcloudapi.net`;
        without any, from the name, in the public cloud. Raises ValueError where neither tells.
        """
        parts = [_ADDRESS.fullmatch(address) for address in addresses.values()]
        named = next((found for found in parts if found), None)
        name, rest = name or (named["name"] if named else None), named["rest"] if named else "core.windows.net"
        if named is None and addresses and len(addresses) < len(_SERVICES) and not name:
            raise ValueError("the other addresses do not follow from it")
        endpoints = {each: addresses.get(each, f"https://{name}.{each}.{rest}").rstrip("/") for each in _SERVICES}
        return Account(name or "", endpoints["table"], endpoints["queue"], endpoints["blob"], key=None)

    @staticmethod
    def parse(connection_string: str) -> Account:
        """Read a connection string with an account key. Raises ValueError with what is missing."""
        parts = parse_connection_string(connection_string)
        if parts.get("usedevelopmentstorage", "").lower() == "true":
            parts = _AZURITE
        name = parts.get("accountname", "")
        if not name:
            raise ValueError("it has no AccountName")
        try:
            key = base64.b64decode(parts["accountkey"], validate=True)
        except (KeyError, binascii.Error):
            raise ValueError("it has no AccountKey in base64") from None
        protocol, suffix = (
            parts.get("defaultendpointsprotocol", "https"),
            parts.get("endpointsuffix", "core.windows.net"),
        )

        def endpoint(kind: str) -> str:
            return parts.get(f"{kind}endpoint", f"{protocol}://{name}.{kind}.{suffix}").rstrip("/")

        return Account(name, endpoint("table"), endpoint("queue"), endpoint("blob"), key)
