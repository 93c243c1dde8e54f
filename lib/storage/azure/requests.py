"""Raw, signed requests to a storage account over one pooled session, for the journal, transactions and queries.

Signing follows "Authorize with Shared Key" (Shared Key Lite for the Table and the Queue service).
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Mapping
from email.utils import formatdate
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

import aiohttp
from yarl import URL

from lib.clock import SystemClock
from lib.storage.azure.account import Account
from lib.storage.protocols import Unavailable

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential

_VERSION = "2021-12-02"
SCOPE = "https://storage.azure.com/.default"


class RestAnswer(NamedTuple):
    """An answer of the service. Names of headers match in any case."""

    status: int
    body: bytes
    headers: Mapping[str, str]


class RestSession:
    """Signed requests over pooled connections. Paths are those of the URL, quoted as they are sent.

    Make it inside a running event loop. An account without a key needs a credential, which keeps its tokens itself: it
    is asked for one with every request.
    """

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
        self._table_path = urlsplit(account.table_endpoint).path
        self._queue_path = urlsplit(account.queue_endpoint).path
        self._session = aiohttp.ClientSession(
            auto_decompress=False,
            # By host, so that a table or a queue that does not answer leaves the other one its connections.
            connector=aiohttp.TCPConnector(limit=0, limit_per_host=64, keepalive_timeout=55),
            skip_auto_headers=("User-Agent", "Accept-Encoding"),
            # The service sets no cookies; a jar would be asked for some with every request.
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=timeout or aiohttp.ClientTimeout(total=300),
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._session.close()

    async def to_table(
        self, method: str, path: str, body: bytes, headers: dict[str, str], query: str = ""
    ) -> RestAnswer:
        """Ask the Table service; `path` begins with `/`, and the query is not signed. Raises Unavailable."""
        date = _now()
        to_sign = f"{date}\n/{self._account.name}{self._table_path}{path}"
        url = f"{self._account.table_endpoint}{path}?{query}" if query else self._account.table_endpoint + path
        return await self._send(method, url, body, headers, date, to_sign)

    async def to_queue(self, path: str, query: str, body: bytes) -> RestAnswer:
        """Post XML to the Queue service. Raises Unavailable."""
        date = _now()
        canonical = f"x-ms-date:{date}\nx-ms-version:{_VERSION}"
        to_sign = f"POST\n\napplication/xml\n\n{canonical}\n/{self._account.name}{self._queue_path}{path}"
        url = f"{self._account.queue_endpoint}{path}?{query}"
        return await self._send("POST", url, body, {"Content-Type": "application/xml"}, date, to_sign)

    async def _send(
        self, method: str, url: str, body: bytes, headers: dict[str, str], date: str, to_sign: str
    ) -> RestAnswer:
        headers["x-ms-date"] = date
        headers["x-ms-version"] = _VERSION
        headers["Authorization"] = await self._proof(to_sign)
        try:
            async with self._session.request(
                # The service does not redirect.
                method,
                URL(url, encoded=True),
                data=body or None,
                headers=headers,
                allow_redirects=False,
            ) as response:
                return RestAnswer(response.status, await response.read(), response.headers)
        except (aiohttp.ClientError, OSError) as error:
            raise Unavailable(f"storage does not answer: {type(error).__name__}") from error

    async def _proof(self, to_sign: str) -> str:
        if self._account.key is not None:
            signature = base64.b64encode(hmac.digest(self._account.key, to_sign.encode(), "sha256")).decode()
            return f"SharedKeyLite {self._account.name}:{signature}"
        assert self._credential is not None
        try:
            token = await self._credential.get_token(SCOPE)
        except Exception as error:
            from azure.core.exceptions import AzureError  # 0.03 s to import, which an account with a key does without

            if not isinstance(error, AzureError):
                raise
            raise Unavailable(f"there is no token for storage: {type(error).__name__}") from error
        return f"Bearer {token.token}"


def _now() -> str:
    # The service refuses a request whose date is not that of today: no clock that a test has set.
    return _date_of(int(SystemClock().now().timestamp()))


@lru_cache(maxsize=1)
def _date_of(second: int) -> str:
    return formatdate(second, usegmt=True)


def error_code(answer: bytes) -> str:
    """The service's own code of an error, without anything that was sent to it; empty where it gives none."""
    for start, end in ((b'"code":"', b'"'), (b"<Code>", b"</Code>")):
        _, found, rest = answer.partition(start)
        if found:
            return rest.partition(end)[0].decode("ascii", "replace")[:80]
    return ""
