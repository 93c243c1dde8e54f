"""Raw, signed requests to a storage account over one pooled session: what the journal and transactions are made of.

Signing follows "Authorize with Shared Key" (Shared Key Lite for the Table and the Queue service).
"""

from __future__ import annotations

import base64
import hmac
import time
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import aiohttp
from azure.core.exceptions import AzureError
from yarl import URL

from lib.storage.azure.account import Account
from lib.storage.protocols import Unavailable

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential

_VERSION = "2021-12-02"
_SCOPE = "https://storage.azure.com/.default"


class RestSession:
    """Call inside a running event loop. Paths are those of the URL, quoted as they are sent."""

    def __init__(
        self,
        account: Account,
        credential: AsyncTokenCredential | None = None,
        timeout: aiohttp.ClientTimeout | None = None,
    ) -> None:
        if account.key is None and credential is None:
            raise ValueError("an account without a key needs a credential")
        self._account = account
        self._credential = credential
        self._bearer: tuple[str, float] = ("", 0.0)
        self._table_path = urlsplit(account.table_endpoint).path
        self._queue_path = urlsplit(account.queue_endpoint).path
        self._session = aiohttp.ClientSession(
            auto_decompress=False,
            # By host, so that a table or a queue that does not answer leaves the other one its connections.
            connector=aiohttp.TCPConnector(limit=0, limit_per_host=64, keepalive_timeout=55),
            skip_auto_headers=("User-Agent", "Accept-Encoding"),
            timeout=timeout or aiohttp.ClientTimeout(total=300),
        )

    async def close(self) -> None:
        await self._session.close()

    async def to_table(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
        """Ask the Table service; `path` begins with `/`. Status and body of its answer. Raises Unavailable."""
        date = _now()
        to_sign = f"{date}\n/{self._account.name}{self._table_path}{path}"
        return await self._send(method, self._account.table_endpoint + path, body, headers, date, to_sign)

    async def to_queue(self, path: str, query: str, body: bytes) -> tuple[int, bytes]:
        """Post XML to the Queue service. Status and body of its answer. Raises Unavailable."""
        date = _now()
        canonical = f"x-ms-date:{date}\nx-ms-version:{_VERSION}"
        to_sign = f"POST\n\napplication/xml\n\n{canonical}\n/{self._account.name}{self._queue_path}{path}"
        url = f"{self._account.queue_endpoint}{path}?{query}"
        return await self._send("POST", url, body, {"Content-Type": "application/xml"}, date, to_sign)

    async def _send(
        self, method: str, url: str, body: bytes, headers: dict[str, str], date: str, to_sign: str
    ) -> tuple[int, bytes]:
        headers["x-ms-date"] = date
        headers["x-ms-version"] = _VERSION
        headers["Authorization"] = await self._proof(to_sign)
        try:
            async with self._session.request(method, URL(url, encoded=True), data=body, headers=headers) as response:
                return response.status, await response.read()
        except (aiohttp.ClientError, OSError) as error:
            raise Unavailable(f"storage does not answer: {type(error).__name__}") from error

    async def _proof(self, to_sign: str) -> str:
        if self._account.key is not None:
            signature = base64.b64encode(hmac.digest(self._account.key, to_sign.encode(), "sha256")).decode()
            return f"SharedKeyLite {self._account.name}:{signature}"
        token, expires = self._bearer
        if time.time() > expires - 300:
            assert self._credential is not None
            try:
                fresh = await self._credential.get_token(_SCOPE)
            except AzureError as error:
                raise Unavailable(f"there is no token for storage: {type(error).__name__}") from error
            token, expires = self._bearer = (fresh.token, fresh.expires_on)
        return f"Bearer {token}"


def _now() -> str:
    return format_datetime(datetime.now(UTC), usegmt=True)


def error_code(answer: bytes) -> str:
    """The service's own word for it, without what we sent; empty where it gives none."""
    for start, end in ((b'"code":"', b'"'), (b"<Code>", b"</Code>")):
        _, found, rest = answer.partition(start)
        if found:
            return rest.partition(end)[0].decode("ascii", "replace")[:80]
    return ""
