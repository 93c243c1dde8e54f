"""An HTTP server on loopback that answers as a test says, and remembers what it was asked."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web


@dataclass(frozen=True, slots=True)
class Scripted:
    """An answer; a status of 0 stands for a connection that breaks off."""

    status: int
    body: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it came."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes


@dataclass(slots=True)
class ScriptedServer:
    """Gives the answers in their order, and the last one again and again."""

    answers: list[Scripted] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    url: str = ""

    async def respond(self, request: web.Request) -> web.Response:
        self.asked.append(
            Asked(request.method, request.path, dict(request.query), dict(request.headers), await request.read())
        )
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if answer.status == 0:
            assert request.transport is not None
            request.transport.abort()
        return web.Response(
            status=answer.status or 500,
            text=answer.body,
            headers={"Content-Type": "application/json", **answer.headers},
        )


@asynccontextmanager
async def scripted_server(*answers: Scripted) -> AsyncIterator[ScriptedServer]:
    """Run a server for the length of the block."""
    server = ScriptedServer(list(answers))
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", server.respond)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield server
    finally:
        await runner.cleanup()
