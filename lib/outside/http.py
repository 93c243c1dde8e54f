"""HTTP requests to addresses that an organization names, under bounds.

The host must be outside (`lib.outside`), and the connection goes to the address that was checked. Requests go without
redirects, cookies and proxies, and take 5 seconds at most; of an answer, a stated number of bytes is read at most.
"""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from ipaddress import ip_address
from typing import Literal, NamedTuple
from urllib.parse import urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from lib.outside import NotOutside, is_host, refuse_inside_name, resolve_outside

_SECONDS = 5
_MOST_OF_A_REPLY = 1024
"""Bytes."""

_CHUNK = 16 * 1024

_NO_ADDRESS = "This is no address of the web, such as https://example.com/hook."

_KINDS: tuple[tuple[type[Exception], str], ...] = (
    (aiohttp.ClientConnectorDNSError, "the host's name leads to no address"),
    (aiohttp.ClientSSLError, "no secure connection could be made, as with a wrong certificate"),
    (TimeoutError, f"none came within {_SECONDS} seconds"),
    (aiohttp.ClientConnectorError, "no connection could be made"),
    (aiohttp.ClientConnectionError, "the connection was closed before it"),
    (aiohttp.ClientError, "what came is no answer in HTTP"),
)
"""Failures in words; the first kind that fits counts."""


class RequestFailed(Exception):
    """A request without a usable answer; the text says why in some plain words, and tells nothing of the address."""

    def __init__(self, kind: str, *, may_have_arrived: bool = True) -> None:
        super().__init__(kind)
        self.may_have_arrived = may_have_arrived
        """Whether the other side may have got the request."""


class HttpReply(NamedTuple):
    """The answer to what was posted."""

    status: int
    retry_after: str | None
    """The header Retry-After, as it came."""

    beginning: bytes
    """The body's first bytes, at most 1,024 unless more were asked for."""


def check_address(url: str, *, loopback: bool) -> None:
    """Check an address without asking DNS. Raises NotOutside, whose text says why it is refused.

    With `loopback`, addresses of this machine are accepted as well, and http there.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise NotOutside(_NO_ADDRESS) from None
    if not host or parts.username is not None or not url.isascii() or not url.isprintable():
        raise NotOutside(_NO_ADDRESS)
    if parts.scheme != "https" and not (loopback and parts.scheme == "http" and is_loopback(host)):
        raise NotOutside("This is no https address.")
    refuse_inside_name(host, loopback=loopback)
    if not is_host(host.replace("_", "x")):  # names with underscores exist, although RFC 1123 has none
        raise NotOutside(_NO_ADDRESS)


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, by its name or number."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


async def get_document(url: str, headers: Mapping[str, str], *, loopback: bool, most_bytes: int) -> bytes:
    """Fetch a whole document. Raises NotOutside; RequestFailed for a status but 200, and for a larger document."""
    async with _asked("GET", url, headers, None, loopback) as response:
        if response.status != 200:
            raise RequestFailed(f"status {response.status}")
        document = await _read(response, most_bytes + 1)
        if len(document) > most_bytes:
            raise RequestFailed("the document is too large")
        return document


async def post_body(
    url: str, body: bytes, headers: Mapping[str, str], *, loopback: bool, most_bytes: int = _MOST_OF_A_REPLY
) -> HttpReply:
    """Post a body; return the answer of whatever status. Raises NotOutside, RequestFailed.

    Of the answer's body, at most so many bytes are read.
    """
    async with _asked("POST", url, headers, body, loopback) as response:
        beginning = await _read(response, most_bytes)
        return HttpReply(response.status, response.headers.get("Retry-After"), beginning)


@asynccontextmanager
async def _asked(
    method: Literal["GET", "POST"], url: str, headers: Mapping[str, str], body: bytes | None, loopback: bool
) -> AsyncIterator[aiohttp.ClientResponse]:
    check_address(url, loopback=loopback)
    try:
        async with (
            aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(resolver=_OutsideResolver(loopback), use_dns_cache=False),
                timeout=aiohttp.ClientTimeout(total=_SECONDS),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                trust_env=False,
            ) as session,
            session.request(
                method,
                url,
                data=body,
                headers={"Accept-Encoding": "identity", "User-Agent": "Heed", **headers},
                allow_redirects=False,
            ) as response,
        ):
            yield response
    except aiohttp.InvalidURL:
        raise NotOutside(_NO_ADDRESS) from None
    except (TimeoutError, aiohttp.ClientError, OSError, ValueError) as error:
        may_have_arrived = not isinstance(error, aiohttp.ClientConnectorError)
        raise RequestFailed(_in_words(error), may_have_arrived=may_have_arrived) from None


def _in_words(error: Exception) -> str:
    return next((words for kind, words in _KINDS if isinstance(error, kind)), "the connection failed")


async def _read(response: aiohttp.ClientResponse, most: int) -> bytes:
    """Read the body's beginning. What is left unread goes with the connection."""
    raw = bytearray()
    async for chunk in response.content.iter_chunked(_CHUNK):
        raw += chunk
        if len(raw) >= most:
            response.close()
            break
    return bytes(raw[:most])


class _OutsideResolver(AbstractResolver):
    """Resolves names to addresses that were checked, so that the connection goes to none but these."""

    def __init__(self, loopback: bool) -> None:
        self._loopback = loopback

    async def resolve(
        self,
        host: str,
        port: int = 0,
        family: socket.AddressFamily = socket.AF_INET,  # noqa: ARG002
    ) -> list[ResolveResult]:
        found = [ip_address(each) for each in await resolve_outside(host, port, loopback=self._loopback)]
        return [
            ResolveResult(
                hostname=host,
                host=str(address),
                port=port,
                family=socket.AF_INET6 if address.version == 6 else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for address in found
        ]

    async def close(self) -> None:
        """Nothing is open."""
