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
from tests.support.provider_servers.faults import Provider, error

KEY = base64.b64encode(b"the access key of tests").decode()
TRACKED = timedelta(minutes=5)
SUPPRESSED = {"code": "EmailDroppedAllRecipientsSuppressed", "message": "All suppressed: ada@example.com"}


class AcsServer(Provider):
    """`sent` are the mails that go out, `operations` their states by id; `forgetful`: asked for one, it knows none.

    An operation runs for `runs`, and then succeeds, or fails with one of `failures` while there are any. With
    `per_minute`, more submissions than that within a minute are refused.
    """

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self.clock = clock
        self.submissions: list[dict[str, str]] = []
        self.operations: dict[str, dict[str, Any]] = {}
        self.forgetful = False
        self.runs = timedelta(0)
        self.failures: list[dict[str, str]] = []
        self.per_minute: int | None = None
        self._begun: dict[str, datetime] = {}
        self._mails: dict[str, dict[str, Any]] = {}
        self._tracked: dict[str, tuple[bytes, dict[str, Any]]] = {}
        self._taken: list[datetime] = []
        self.app = web.Application(client_max_size=20_000_000)
        self.app.router.add_post("/emails:send", self._send)
        self.app.router.add_get("/emails/operations/{operation}", self._operation)

    @property
    def sent(self) -> list[dict[str, Any]]:
        return [mail for name, mail in self._mails.items() if self._state(name)["status"] not in ("Failed", "Canceled")]

    async def _send(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        self.submissions.append(dict(request.headers))
        refusal = self._refusal(request, raw)
        return refusal or await self.handle("send", request, lambda: self._submit(request, raw))

    def _submit(self, request: web.Request, raw: bytes) -> web.Response:
        operation, repeatable = request.headers["Operation-Id"], request.headers["Repeatability-Request-Id"]
        UUID(operation)
        UUID(repeatable)
        first_sent: datetime = parsedate_to_datetime(request.headers["Repeatability-First-Sent"])
        rejected = {"Repeatability-Result": "rejected"}
        now = self.clock.now()
        if not timedelta(0) <= now - first_sent <= TRACKED:
            return error(412, "PreconditionFailed", "First sent is not within 5 minutes window.", rejected)
        self._taken = [moment for moment in self._taken if now - moment < timedelta(minutes=1)]
        if self.per_minute is not None and len(self._taken) >= self.per_minute:
            return error(429, "TooManyRequests", "Too many requests.", {"Retry-After": "60"})
        self._taken.append(now)
        body, answer = self._tracked.get(repeatable, (raw, None))
        if body != raw:
            return error(400, "BadRequest", "It does not match the previous request.", rejected)
        if answer is None:
            answer = {"id": operation, "status": "Running"}
            self._tracked[repeatable] = raw, answer
            end = {"status": "Failed", "error": self.failures.pop(0)} if self.failures else {"status": "Succeeded"}
            self.operations[operation] = {"id": operation, **end}
            self._begun[operation] = now
            self._mails[operation] = json.loads(raw)
        place = f"{request.scheme}://{request.host}/emails/operations/{operation}?api-version=2025-09-01"
        headers = {"Repeatability-Result": "accepted", "Operation-Location": place, "Retry-After": "30"}
        return web.json_response(answer, status=202, headers=headers)

    async def _operation(self, request: web.Request) -> web.StreamResponse:
        refusal = self._refusal(request, b"")
        return refusal or await self.handle("operation", request, lambda: self._asked(request))

    def _asked(self, request: web.Request) -> web.Response:
        name = request.match_info["operation"]
        if name not in self.operations or self.forgetful:
            return error(404, "NotFound", "The requested operation was not found.")
        return web.json_response(self._state(name))

    def _state(self, name: str) -> dict[str, Any]:
        if self.clock.now() - self._begun[name] < self.runs:
            return {"id": name, "status": "Running"}
        return self.operations[name]

    def _refusal(self, request: web.Request, raw: bytes) -> web.Response | None:
        proof = request.headers.get("Authorization", "")
        if proof.startswith("Bearer "):
            if proof.removeprefix("Bearer ") not in self.revoked:
                return None
            claims = base64.b64encode(b'{"access_token":{"nbf":{"essential":true}}}').decode()
            challenge = {"WWW-Authenticate": f'Bearer realm="", error="insufficient_claims", claims="{claims}"'}
            return error(401, "Denied", "The token was revoked.", challenge if self.challenges else None)
        return None if _signed(request, raw) else error(401, "Denied", "Denied by the resource provider.")


def _signed(request: web.Request, raw: bytes) -> bool:
    """HMAC-SHA256 over method, path, date, host and content, as the service checks it."""
    digest = base64.b64encode(hashlib.sha256(raw).digest()).decode()
    text = f"{request.method}\n{request.path_qs}\n{request.headers['x-ms-date']};{request.host};{digest}"
    signature = base64.b64encode(hmac.digest(base64.b64decode(KEY), text.encode(), "sha256")).decode()
    return request.headers.get("Authorization", "").endswith(f"&Signature={signature}")
