"""A stand-in for Dataverse's Web API on loopback, as far as a sync of mail needs it.

Columns and their limits are those of the reference of the table `email`; a row that is not there is not made by a
request with `If-Match: *`.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from aiohttp import web

_LARGEST = 2**31 - 1
_COUNTS = frozenset({"opencount", "linksclickedcount", "attachmentopencount"})
_TIMES = frozenset({"lastopenedtime"})


class Dataverse:
    """`emails` are rows by `activityid`; `written` what was changed, in order."""

    def __init__(self) -> None:
        self.emails: dict[str, dict[str, Any]] = {}
        self.written: list[tuple[str, dict[str, Any]]] = []
        self.too_many = 0
        """Requests that are still to be refused by the service protection limits."""

        self._runner: web.AppRunner | None = None
        self.url = ""

    async def start(self) -> Dataverse:
        app = web.Application(middlewares=[self._protect])
        app.router.add_get("/api/data/v9.2/emails({activity})", self._read)
        app.router.add_patch("/api/data/v9.2/emails({activity})", self._change)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def stop(self) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    @web.middleware
    async def _protect(self, request: web.Request, handler: Any) -> web.StreamResponse:
        if request.headers.get("Authorization") != "Bearer entra-token":
            return web.Response(status=401)
        if self.too_many:
            self.too_many -= 1
            return web.json_response({"error": {"code": "0x80072322"}}, status=429, headers={"Retry-After": "0"})
        answer: web.StreamResponse = await handler(request)
        return answer

    async def _read(self, request: web.Request) -> web.Response:
        row = self.emails.get(request.match_info["activity"])
        if row is None:
            return web.json_response({"error": {"code": "0x80040217"}}, status=404)
        asked = request.query["$select"].split(",")
        return web.json_response({"@odata.etag": 'W/"1"', **{name: row.get(name) for name in asked}})

    async def _change(self, request: web.Request) -> web.Response:
        activity, change = request.match_info["activity"], await request.json()
        if request.headers.get("If-Match") != "*":
            return web.json_response({"error": {"message": "this would make a row"}}, status=400)
        if activity not in self.emails:
            return web.json_response({"error": {"code": "0x80040217"}}, status=404)
        if not all(_is_valid(name, value) for name, value in change.items()):
            return web.json_response({"error": {"code": "0x80048d19"}}, status=400)
        self.emails[activity].update(change)
        self.written.append((activity, change))
        return web.Response(status=204)


def _is_valid(name: str, value: Any) -> bool:
    if name in _COUNTS:
        return type(value) is int and 0 <= value <= _LARGEST
    if name in _TIMES and value is not None:
        return bool(re.fullmatch(r"\S+Z", value) and datetime.fromisoformat(value))
    return name in _TIMES
