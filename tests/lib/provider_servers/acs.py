"""Azure Communication Services Email, as its REST contract and its page about repeatable requests describe it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from uuid import UUID

from aiohttp import web

from lib.clock import Clock
from tests.lib.provider_servers.faults import Provider, error

KEY = base64.b64encode(b"the access key of tests").decode()
TRACKED = timedelta(minutes=5)


class AcsServer(Provider):
    """`sent` are the mails that go out, `operations` their states by id; `forgetful`: asked for one, it knows none."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self.clock = clock
        self.sent: list[dict[str, Any]] = []
        self.submissions: list[dict[str, str]] = []
        self.operations: dict[str, dict[str, Any]] = {}
        self.forgetful = False
        self._tracked: dict[str, tuple[bytes, dict[str, Any]]] = {}
        self.app = web.Application()
        self.app.router.add_post("/emails:send", self._send)
        self.app.router.add_get("/emails/operations/{operation}", self._operation)

    async def _send(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        self.submissions.append(dict(request.headers))
        return await self.handle("send", request, lambda: self._submit(request, raw))

    def _submit(self, request: web.Request, raw: bytes) -> web.Response:
        if not _signed(request, raw):
            return error(401, "Denied", "Denied by the resource provider.")
        operation, repeatable = request.headers["Operation-Id"], request.headers["Repeatability-Request-Id"]
        UUID(operation)
        UUID(repeatable)
        first_sent: datetime = parsedate_to_datetime(request.headers["Repeatability-First-Sent"])
        rejected = {"Repeatability-Result": "rejected"}
        if not timedelta(0) <= self.clock.now() - first_sent <= TRACKED:
            return error(412, "PreconditionFailed", "First sent is not within 5 minutes window.", rejected)
        body, answer = self._tracked.get(repeatable, (raw, None))
        if body != raw:
            return error(400, "BadRequest", "It does not match the previous request.", rejected)
        if answer is None:
            answer = {"id": operation, "status": "Running"}
            self._tracked[repeatable] = raw, answer
            self.operations[operation] = {"id": operation, "status": "Succeeded"}
            self.sent.append(json.loads(raw))
        place = f"{request.scheme}://{request.host}/emails/operations/{operation}?api-version=2025-09-01"
        headers = {"Repeatability-Result": "accepted", "Operation-Location": place, "Retry-After": "30"}
        return web.json_response(answer, status=202, headers=headers)

    async def _operation(self, request: web.Request) -> web.StreamResponse:
        return await self.handle("operation", request, lambda: self._state(request))

    def _state(self, request: web.Request) -> web.Response:
        if not _signed(request, b""):
            return error(401, "Denied", "Denied by the resource provider.")
        known = self.operations.get(request.match_info["operation"])
        if known is None or self.forgetful:
            return error(404, "NotFound", "The requested operation was not found.")
        return web.json_response(known)


def _signed(request: web.Request, raw: bytes) -> bool:
    """HMAC-SHA256 over method, path, date, host and content, as the service checks it."""
    digest = base64.b64encode(hashlib.sha256(raw).digest()).decode()
    text = f"{request.method}\n{request.path_qs}\n{request.headers['x-ms-date']};{request.host};{digest}"
    signature = base64.b64encode(hmac.digest(base64.b64decode(KEY), text.encode(), "sha256")).decode()
    return request.headers.get("Authorization", "").endswith(f"&Signature={signature}")
