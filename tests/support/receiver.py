"""A receiver of webhooks: a real HTTP server on loopback that answers as a test says."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Posted:
    """A request as it came."""

    headers: Mapping[str, str]
    body: bytes

    @property
    def event(self) -> Any:
        return json.loads(self.body)

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]


@dataclass
class Receiver:
    """`answer` decides; by default everything is taken."""

    answer: Answer | None = None
    posted: list[Posted] = field(default_factory=list)
    _runner: web.AppRunner | None = None

    async def start(self) -> Receiver:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._receive)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        return self

    async def stop(self) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    @property
    def url(self) -> str:
        assert self._runner is not None
        return f"http://127.0.0.1:{self._runner.addresses[0][1]}/hook"

    async def _receive(self, request: web.Request) -> web.StreamResponse:
        self.posted.append(Posted(dict(request.headers), await request.read()))
        return await self.answer(request) if self.answer else web.Response()

    def types(self) -> list[str]:
        return [each.event["type"] for each in self.posted]
