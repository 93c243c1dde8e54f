"""The few requests of Microsoft Graph that sending mail needs, as plain REST.

Errors are `{"error": {"code", "message", "innerError"}}`; 429 and 503 may name a time in Retry-After. Sources:
https://learn.microsoft.com/en-us/graph/errors and https://learn.microsoft.com/en-us/graph/throttling. The app needs the
permissions Mail.ReadWrite (drafts, looking for them) and Mail.Send, on the mailboxes of the senders.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

import aiohttp
from azure.core.exceptions import AzureError
from yarl import URL

from lib.clock import Clock
from lib.transports.answers import retry_after

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential

_SCOPE = "https://graph.microsoft.com/.default"
_SECONDS_IN_ALL = 15
_EARLY = 300
"""Seconds before its end that a token is renewed."""

_CLAIMS = re.compile(r'claims="([^"]+)"')


class NotSent(Exception):
    """The request never left: no connection, or no token. The text says which."""


class NoAnswer(Exception):
    """The request was on its way when the line went dead; the text names the failure."""


@dataclass(frozen=True, slots=True)
class Reply:
    """`body` is empty where the answer was no JSON object."""

    status: int
    body: Mapping[str, Any]
    wait: timedelta | None
    challenge: str | None


class GraphApi:
    """`url` with the version, without a trailing slash. Without a credential it is entered with the app's identity."""

    def __init__(self, url: str, clock: Clock, credential: AsyncTokenCredential | None = None) -> None:
        self._url = url
        self._clock = clock
        self._credential = credential
        self._token: tuple[str, float] = ("", 0.0)

    @cached_property
    def _session(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_SECONDS_IN_ALL))

    async def call(
        self,
        method: str,
        *path: str,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> Reply:
        """One request; a token that is refused is renewed once. Raises NotSent, NoAnswer."""
        place = "/".join(quote(part, safe="") for part in path)
        url = f"{self._url}/{place}" + (f"?{urlencode(query, quote_via=quote)}" if query else "")
        reply = await self._request(method, url, body, await self._bearer(None))
        if reply.status == 401:
            reply = await self._request(method, url, body, await self._bearer(reply.challenge, renew=True))
        return reply

    async def _request(self, method: str, url: str, body: Mapping[str, Any] | None, token: str) -> Reply:
        try:
            async with self._session.request(
                method,
                URL(url, encoded=True),
                data=None if body is None else json.dumps(body).encode(),
                headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
                allow_redirects=False,
            ) as response:
                return self._reply(response, await response.read())
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise NotSent(f"Microsoft Graph could not be reached ({type(error).__name__}).") from error
        except (aiohttp.ClientError, OSError) as error:
            raise NoAnswer(type(error).__name__) from error

    def _reply(self, response: aiohttp.ClientResponse, raw: bytes) -> Reply:
        try:
            body = json.loads(raw)
        except ValueError:
            body = None
        return Reply(
            status=response.status,
            body=body if isinstance(body, dict) else {},
            wait=retry_after(response.headers.get("Retry-After"), self._clock.now()),
            challenge=_claims(response.headers.get("WWW-Authenticate", "")),
        )

    async def _bearer(self, challenge: str | None, renew: bool = False) -> str:
        token, expires = self._token
        if renew or time.time() > expires - _EARLY:
            try:
                fresh = await self._identity().get_token(_SCOPE, claims=challenge)
            except AzureError as error:
                raise NotSent(f"There is no token for Microsoft Graph ({type(error).__name__}).") from error
            token, _ = self._token = (fresh.token, fresh.expires_on)
        return token

    def _identity(self) -> AsyncTokenCredential:
        if self._credential is None:
            from azure.identity.aio import DefaultAzureCredential

            self._credential = DefaultAzureCredential()
        return self._credential

    async def close(self) -> None:
        if "_session" in self.__dict__:
            await self._session.close()
        if self._credential is not None:
            await self._credential.close()


def _claims(challenge: str) -> str | None:
    """What the next token must claim: with it, a credential asks for a new one and does not answer from its cache.

    Source: "Claims challenges, claims requests, and client capabilities",
    https://learn.microsoft.com/en-us/entra/identity-platform/claims-challenge.
    """
    found = _CLAIMS.search(challenge)
    if found is None:
        return None
    try:
        return base64.b64decode(found[1] + "==").decode()
    except (binascii.Error, UnicodeDecodeError):
        return None
