"""Secrets of mailboxes: where they lie, and which of them an organization may name.

A mailbox names a secret, and Heed sends its value to the mailbox's server. An organization may therefore name only
secrets that begin with its own id: otherwise it could have another organization's secret sent to a server of its own.
`HEED_MAILBOX_<ORG>_…` is a setting of the app, `HEED-MAILBOX-<ORG>-…` a secret of the key vault, whose names have no
underscore (https://learn.microsoft.com/en-us/azure/key-vault/general/about-keys-secrets-certificates).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import quote

import aiohttp
from azure.core.exceptions import AzureError

from lib.errors import WrongField
from lib.inbound.mailboxes.errors import PollFailed
from lib.transports.clouds import vault_scope
from lib.transports.identity import Identity

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential

_VERSION = "7.4"
_SECONDS = 10
_UNRESOLVED = "@microsoft.keyvault("


def check_secret_name(organization: str, name: str) -> None:
    """Check that the organization may name the secret. Raises WrongField."""
    for begin in (f"HEED_MAILBOX_{organization.upper()}_", f"HEED-MAILBOX-{organization.upper()}-"):
        if name.startswith(begin) and len(name) > len(begin):
            return
    raise WrongField(
        ["secret"],
        f"the name of a secret of this organization begins with HEED_MAILBOX_{organization.upper()}_ (a setting) or "
        f"HEED-MAILBOX-{organization.upper()}- (in the key vault)",
    )


class MailboxSecrets:
    """Secrets in the environment, and in the key vault at `vault` where there is one."""

    def __init__(
        self, environment: Mapping[str, str], vault: str | None, credential: AsyncTokenCredential | None = None
    ) -> None:
        self._environment = environment
        self._vault = vault
        self._identity = Identity(vault_scope(vault), credential)

    async def read_secret(self, organization: str, name: str) -> str:
        """Return the value of a secret. Raises PollFailed, whose text names the secret and never tells its value.

        The name is checked here, too, in case that a row was written under other rules.
        """
        try:
            check_secret_name(organization, name)
        except WrongField as error:
            raise PollFailed(f"The secret {name} may not be used: {error}.") from None
        value = await self._from_vault(name) if name.startswith("HEED-") else self._environment.get(name, "")
        value = value.strip("\r\n")
        if not value:
            raise PollFailed(f"The secret {name} is not set.")
        if value.lower().startswith(_UNRESOLVED):
            raise PollFailed(f"The secret {name} is a reference to a key vault that could not be resolved.")
        return value

    async def _from_vault(self, name: str) -> str:
        if self._vault is None:
            raise PollFailed(f"The secret {name} lies in a key vault, and HEED_KEY_VAULT names none.")
        url = f"{self._vault}/secrets/{quote(name)}?api-version={_VERSION}"
        try:
            token = (await self._identity.get_token()).token
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_SECONDS)) as session,
                session.get(url, headers={"Authorization": f"Bearer {token}"}, allow_redirects=False) as response,
            ):
                if response.status == 404:
                    return ""
                if response.status != 200:
                    raise PollFailed(f"The key vault does not give the secret {name} (status {response.status}).")
                return str((await response.json())["value"])
        except (TimeoutError, AzureError, aiohttp.ClientError, OSError, ValueError, KeyError) as error:
            raise PollFailed(f"The key vault cannot be asked for the secret {name} ({type(error).__name__}).") from None

    async def close(self) -> None:
        await self._identity.close()
