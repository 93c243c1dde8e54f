"""The few requests of Microsoft Graph that sending mail needs, as plain REST.

Errors are `{"error": {"code", "message", "innerError"}}`; 429 and 503 may name a time in Retry-After. A mailbox takes
at most four requests of one app at a time. Sources: https://learn.microsoft.com/en-us/graph/errors,
https://learn.microsoft.com/en-us/graph/throttling, https://learn.microsoft.com/en-us/graph/throttling-limits (Outlook
service limits). The app needs the permissions Mail.ReadWrite (drafts, looking for them) and Mail.Send, on the mailboxes
of the senders.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

import aiohttp
from azure.core.exceptions import AzureError
from yarl import URL

from lib.clock import Clock
from lib.transports.answers import NoAnswer, NotSent, retry_after
from lib.transports.clouds import graph_scope
from lib.transports.identity import Identity
from lib.transports.pace import Mailboxes, NoSlot

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential

_SECONDS_IN_ALL = 15
_SECONDS_FOR_AN_UPLOAD = 60
_SECONDS_FOR_A_SLOT = 20
_AT_ONCE = 4
_SLICE = 256 * 1024
_CLAIMS = re.compile(r'claims="([^"]+)"')


class MailboxBusy(Exception):
    """A request that never left: the mailbox's slots are all in use."""


@dataclass(frozen=True, slots=True)
class GraphReply:
    """An answer of the service."""

    status: int
    body: Mapping[str, Any]
    """Empty where the answer was no JSON object."""
    wait: timedelta | None
    """The time named in Retry-After."""
    challenge: str | None
    """The claims that the next token must have."""


class GraphApi:
    """Requests to Microsoft Graph. Without a credential they carry a token of the app's identity."""

    def __init__(self, url: str, clock: Clock, credential: AsyncTokenCredential | None = None) -> None:
        self._url = url
        self._clock = clock
        self._identity = Identity(graph_scope(url), credential)
        self.mailboxes = Mailboxes(_AT_ONCE, clock)

    @cached_property
    def _session(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_SECONDS_IN_ALL))

    async def log_in(self) -> str | None:
        """Get a token; return why that failed."""
        return await self._identity.log_in()

    async def call(
        self,
        mailbox: str,
        method: str,
        *path: str,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> GraphReply:
        """Send one request about the mailbox's messages; a token that is refused is renewed once.

        Raises NotSent, MailboxBusy, NoAnswer.
        """
        place = "/".join(quote(part, safe="") for part in ("users", mailbox, "messages", *path))
        url = f"{self._url}/{place}" + (f"?{urlencode(query, quote_via=quote)}" if query else "")
        data = None if body is None else json.dumps(body, ensure_ascii=False).encode(errors="replace")
        headers = {"Content-Type": "application/json"}
        token = await self._token(None)
        reply = await self._request(mailbox, method, url, data, {**headers, "Authorization": f"Bearer {token}"})
        if reply.status == 401:
            token = await self._token(token, reply.challenge)
            reply = await self._request(mailbox, method, url, data, {**headers, "Authorization": f"Bearer {token}"})
        return reply

    async def upload(self, mailbox: str, url: str, part: memoryview, start: int, size: int) -> GraphReply:
        """Upload a part of a file to the address of its upload session, which is a proof of its own.

        Raises NotSent, MailboxBusy, NoAnswer.
        """
        headers = {
            "Content-Type": "application/octet-stream",
            "Content-Range": f"bytes {start}-{start + len(part) - 1}/{size}",
        }
        return await self._request(mailbox, "PUT", url, part, headers, _SECONDS_FOR_AN_UPLOAD)

    async def _request(
        self,
        mailbox: str,
        method: str,
        url: str,
        data: bytes | memoryview | None,
        headers: Mapping[str, str],
        seconds: float = _SECONDS_IN_ALL,
    ) -> GraphReply:
        length = {} if data is None else {"Content-Length": str(len(data))}
        try:
            async with (
                self.mailboxes.slot(mailbox, _SECONDS_FOR_A_SLOT),
                self._answered(method, url, data, {**headers, **length}, seconds) as response,
            ):
                reply = self._reply(response, await response.read())
        except NoSlot as error:
            raise MailboxBusy from error
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise NotSent(f"Microsoft Graph could not be reached ({type(error).__name__}).") from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise NoAnswer(type(error).__name__) from error
        if reply.status == 429 and reply.wait is not None:
            self.mailboxes.close(mailbox, reply.wait)
        return reply

    def _answered(
        self, method: str, url: str, data: bytes | memoryview | None, headers: Mapping[str, str], seconds: float
    ) -> Any:
        return self._session.request(
            method,
            URL(url, encoded=True),
            data=None if data is None else _sliced(data),
            headers=headers,
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(total=seconds),
        )

    def _reply(self, response: aiohttp.ClientResponse, raw: bytes) -> GraphReply:
        try:
            body = json.loads(raw)
        except ValueError:
            body = None
        return GraphReply(
            status=response.status,
            body=body if isinstance(body, dict) else {},
            wait=retry_after(response.headers.get("Retry-After"), self._clock.now()),
            challenge=_claims(response.headers.get("WWW-Authenticate", "")),
        )

    async def _token(self, refused: str | None, claims: str | None = None) -> str:
        try:
            if refused is None:
                return (await self._identity.get_token()).token
            return (await self._identity.renew(refused, claims)).token
        except (AzureError, OSError) as error:
            raise NotSent(f"There is no token for Microsoft Graph ({type(error).__name__}).") from error

    async def close(self) -> None:
        if "_session" in self.__dict__:
            await self._session.close()
        await self._identity.close()


async def _sliced(data: bytes | memoryview) -> AsyncIterator[bytes]:
    """Yield slices, so that other tasks of the event loop run in between."""
    view = memoryview(data)
    for start in range(0, len(view), _SLICE):
        yield bytes(view[start : start + _SLICE])


def _claims(challenge: str) -> str | None:
    """Decode the claims that the next token must have.

    Source: "Claims challenges, claims requests, and client capabilities",
    https://learn.microsoft.com/en-us/entra/identity-platform/claims-challenge.
    """
    found = _CLAIMS.search(challenge)
    if found is None:
        return None
    try:
        return base64.urlsafe_b64decode(found[1] + "=" * (-len(found[1]) % 4)).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None
