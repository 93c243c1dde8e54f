"""A front door on one machine: hands recipients' requests to one process, and all others to another one.

It stands in for Azure Front Door before a Heed in three parts, and looks at nothing but the beginning of the path.
"""

import socket
from collections.abc import Mapping

import aiohttp
from aiohttp import web
from multidict import CIMultiDict
from yarl import URL

RECIPIENTS = ("/o/", "/c/", "/a/", "/i/", "/p/")
"""Beginnings of the paths that mail leads to."""

_OF_A_CONNECTION = ("Connection", "Keep-Alive", "Transfer-Encoding", "Upgrade")
"""Headers that are not handed on (RFC 9110, 7.6.1)."""

_LARGEST_BODY = 256 * 1024 * 1024
"""Bytes. The parts have limits of their own, which are smaller."""

_PATIENCE = aiohttp.ClientTimeout(total=300)


class Front:
    """The front on a listening socket. `recipients` and `others` are base URLs."""

    def __init__(self, recipients: str, others: str) -> None:
        self._recipients = recipients
        self._others = others
        self._runner: web.AppRunner | None = None
        self._session: aiohttp.ClientSession | None = None

    async def start(self, listening: socket.socket) -> None:
        """Begin to answer."""
        connector = aiohttp.TCPConnector(limit=0)
        self._session = aiohttp.ClientSession(
            connector=connector, auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar(), timeout=_PATIENCE
        )
        application = web.Application(client_max_size=_LARGEST_BODY)
        application.router.add_route("*", "/{path:.*}", self._hand_on)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=5)
        await self._runner.setup()
        await web.SockSite(self._runner, listening).start()

    async def stop(self) -> None:
        """Answer no more."""
        if self._runner is not None:
            await self._runner.cleanup()
        if self._session is not None:
            await self._session.close()

    async def _hand_on(self, request: web.Request) -> web.Response:
        assert self._session is not None
        base = self._recipients if request.raw_path.startswith(RECIPIENTS) else self._others
        body = await request.read()
        try:
            async with self._session.request(
                request.method,
                URL(base + request.raw_path, encoded=True),
                headers=_handed_on(request.headers),
                skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
                data=body or None,
                allow_redirects=False,
            ) as answer:
                return web.Response(status=answer.status, headers=_handed_on(answer.headers), body=await answer.read())
        except (TimeoutError, aiohttp.ClientError):
            return web.Response(status=502, text="This part of Heed does not answer.")


def _handed_on(headers: Mapping[str, str]) -> CIMultiDict[str]:
    kept = CIMultiDict(headers)
    for name in _OF_A_CONNECTION:
        kept.popall(name, None)
    return kept
