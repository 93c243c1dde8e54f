"""What can go wrong at a provider, for the next requests of one kind."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer


@dataclass(frozen=True, slots=True)
class Answer:
    """Answered without doing it; `done`: after doing it, as a gateway does that has waited too long."""

    status: int
    code: str = ""
    message: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    done: bool = False


@dataclass(frozen=True, slots=True)
class Cut:
    """The line goes dead: before it was done, or after."""

    done: bool


@dataclass(frozen=True, slots=True)
class Half:
    """It is done, and the line goes dead within the answer."""

    status: int
    done: bool = True


@dataclass(frozen=True, slots=True)
class Death:
    """The process that asks dies: before it was done, or after."""

    done: bool


Fault = Answer | Cut | Half | Death


class Provider:
    """`faults` by kind of request, used up one by one; `asked` counts the requests of each kind.

    A fault that is None lets a request pass. `death` is set when the process that asks is to die. `revoked` tokens
    are refused, with a claims challenge where the provider `challenges`.
    """

    def __init__(self) -> None:
        self.faults: dict[str, list[Fault | None]] = defaultdict(list)
        self.asked: dict[str, int] = defaultdict(int)
        self.death = asyncio.Event()
        self.revoked: set[str] = set()
        self.challenges = True

    async def handle(self, kind: str, request: web.Request, do: Callable[[], web.Response]) -> web.StreamResponse:
        self.asked[kind] += 1
        fault = self.faults[kind].pop(0) if self.faults[kind] else None
        if fault is None:
            return do()
        if fault.done:
            do()
        if isinstance(fault, Answer):
            return error(fault.status, fault.code, fault.message, fault.headers)
        if isinstance(fault, Death):
            self.death.set()
        answer = web.StreamResponse()
        if isinstance(fault, Half):
            answer = web.StreamResponse(status=fault.status, headers={"Content-Length": "100"})
            await answer.prepare(request)
            await answer.write(b'{"id":')
        assert request.transport is not None
        request.transport.abort()
        return answer


def error(status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> web.Response:
    """An error in the shape of Azure's and Graph's; without a code what a gateway makes of one, under a wrong name."""
    if not code:
        return web.Response(status=status, text="<h1>Oops</h1>", content_type="application/json", headers=headers)
    inner: dict[str, Any] = {"date": "2026-05-04T09:30:00", "request-id": "5ab0e3c5", "client-request-id": "5ab0e3c5"}
    body = {"error": {"code": code, "message": message, "innerError": inner}}
    return web.json_response(body, status=status, headers={"x-ms-error-code": code, **(headers or {})})


@asynccontextmanager
async def serving(app: web.Application) -> AsyncIterator[str]:
    """On a free port; its address without a trailing slash."""
    async with TestServer(app) as server:
        yield str(server.make_url("")).rstrip("/")
