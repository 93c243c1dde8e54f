"""Documents of identity providers, fetched under bounds.

An organization names the provider, so its host must be outside (`lib.outside`), and the connection goes to the address
that was checked. A document is small, comes at once and without redirects, or it is none.
"""

from __future__ import annotations

import json
import socket
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from lib.organizations.sign_in.refusals import ProviderDown
from lib.outside import NotOutside, refuse_inside_name, resolve_outside

_SECONDS = 5
_MOST_BYTES = 256 * 1024
_HEADERS = {"Accept": "application/json", "Accept-Encoding": "identity"}


def check_address(url: str, *, loopback: bool) -> None:
    """Check an address of a provider without asking DNS. Raises NotOutside, whose text says why it is refused.

    With `loopback`, addresses of this machine are accepted as well, and http there.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise NotOutside("It is no address.") from None
    if not host or parts.username is not None or not url.isascii() or not url.isprintable():
        raise NotOutside("It is no address.")
    if parts.scheme != "https" and not (loopback and parts.scheme == "http" and _is_loopback(host)):
        raise NotOutside("It is no https address.")
    refuse_inside_name(host, loopback=loopback)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


async def fetch_document(url: str, *, loopback: bool) -> dict[str, Any]:
    """Fetch a JSON object of at most 256 KB within 5 seconds. Raises ProviderDown, whose text names the host alone."""
    host = urlsplit(url).hostname
    try:
        check_address(url, loopback=loopback)
        document = json.loads(await _fetch(url, loopback))
    except NotOutside as error:
        raise ProviderDown(f"The identity provider's address is refused: {error}") from None
    except (TimeoutError, aiohttp.ClientError, OSError, ValueError, RecursionError) as error:
        raise ProviderDown(f"The identity provider {host} cannot be asked ({type(error).__name__}).") from None
    if not isinstance(document, dict):
        raise ProviderDown(f"The identity provider {host} answers with something else than a JSON object.")
    return document


async def _fetch(url: str, loopback: bool) -> bytes:
    """Raises OSError, ValueError, aiohttp.ClientError, NotOutside."""
    async with (
        aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(resolver=_OutsideResolver(loopback), use_dns_cache=False),
            timeout=aiohttp.ClientTimeout(total=_SECONDS),
            auto_decompress=False,
            trust_env=False,
        ) as session,
        session.get(url, headers=_HEADERS, allow_redirects=False) as response,
    ):
        if response.status != 200:
            raise ValueError("another status than 200")
        raw = bytearray()
        async for chunk in response.content.iter_chunked(16 * 1024):
            raw += chunk
            if len(raw) > _MOST_BYTES:
                raise ValueError("the document is too large")
        return bytes(raw)


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
