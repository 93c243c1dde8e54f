"""Tokens of the identity that the app runs as; one that a provider refused is renewed past azure-identity's cache.

`get_token` answers from its cache until a token is about to expire, so a token that was revoked would be given out
again and again. With `claims` it asks for a new one, whatever they say; an answer of 401 names the claims that it wants
only where continuous access evaluation is the reason, so otherwise the claim is that the token begins now. Identities
that take no claims (Azure CLI's) have no cache. Sources: https://github.com/Azure/azure-sdk-for-python/pull/44552 and
/pull/44815 (claims bypass the cache), https://learn.microsoft.com/en-us/entra/identity-platform/claims-challenge.
"""

from __future__ import annotations

import asyncio
import json
import time
from importlib import import_module
from typing import TYPE_CHECKING, Any

from azure.core.exceptions import AzureError

from lib.clock import Clock, SystemClock, milliseconds

if TYPE_CHECKING:
    from azure.core.credentials import AccessToken
    from azure.core.credentials_async import AsyncTokenCredential

_EARLY = 300
"""Seconds before its end that a token is renewed."""

_SHARED = 60
"""Seconds for which a token that was renewed for some claims is taken to have them."""


class Identity:
    """The identity of the app, or the credential that is given. It can stand in for an SDK's credential.

    `client_id` names a managed identity; without one, azure-identity reads AZURE_CLIENT_ID.
    """

    def __init__(
        self,
        scope: str,
        credential: AsyncTokenCredential | None = None,
        clock: Clock | None = None,
        client_id: str | None = None,
    ) -> None:
        self._scope = scope
        self._client_id = client_id
        self._given = credential
        self._clock = clock or SystemClock()
        self._token: AccessToken | None = None
        self._claimed = "", 0.0
        self._lock = asyncio.Lock()

    async def get_token(self, *_scopes: str, claims: str | None = None, **_: Any) -> AccessToken:
        """Return the token of today, or a new one that has the claims. Raises AzureError.

        An SDK does not say which token was refused: callers that ask for the same claims within a minute share one.
        """
        if claims:
            just_now = self._claimed[0] == claims and time.monotonic() - self._claimed[1] < _SHARED
            return await self.renew("" if just_now or self._token is None else self._token.token, claims)
        async with self._lock:
            if self._token is None or self._seconds() > self._token.expires_on - _EARLY:
                credential = await self._credential()
                self._token = await credential.get_token(self._scope)
            return self._token

    async def log_in(self) -> str | None:
        """Get a token; return a sentence why that failed, None where it went well."""
        try:
            await self.get_token()
        except AzureError as error:
            return f"There is no token for {self._scope.removesuffix('/.default')} ({type(error).__name__})."
        return None

    async def renew(self, refused: str, claims: str | None = None) -> AccessToken:
        """Return another token than `refused`; callers with the same refused one share it. Raises AzureError."""
        async with self._lock:
            if self._token is not None and self._token.token != refused:
                return self._token
            credential = await self._credential()
            try:
                self._token = await credential.get_token(self._scope, claims=claims or _from(self._seconds()))
                self._claimed = claims or "", time.monotonic()
            except AzureError:
                if claims:
                    raise
                self._token = await credential.get_token(self._scope)
            return self._token

    def _seconds(self) -> int:
        """Since 1970."""
        return milliseconds(self._clock.now()) // 1000

    async def _credential(self) -> AsyncTokenCredential:
        """Return the credential; the first call imports its library, in a thread, as that takes 0.2 s."""
        if self._given is None:
            library = await asyncio.to_thread(import_module, "azure.identity.aio")
            named = {"managed_identity_client_id": self._client_id} if self._client_id else {}
            self._given = library.DefaultAzureCredential(**named)
        return self._given

    async def close(self) -> None:
        if self._given is not None:
            await self._given.close()

    async def __aenter__(self) -> Identity:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


def _from(seconds: int) -> str:
    """The claim that a token begins then."""
    return json.dumps({"access_token": {"nbf": {"essential": True, "value": str(seconds)}}})
