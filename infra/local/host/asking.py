"""Requests to the functions of this process, without a network: tests and the demo make them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from infra.local.host.http_triggers import HttpTriggers


@dataclass(frozen=True, slots=True)
class Response:
    """A function's answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


async def ask(
    functions: HttpTriggers,
    base_url: str,
    method: str,
    path: str,
    body: Any = None,
    *,
    key: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Make a request, through routing and everything.

    `path` may have a query; `body` is sent as it is where it is bytes, else as JSON; `key` is the bearer's.
    """
    raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    sent = {"host": urlsplit(base_url).netloc, "content-length": str(len(raw)), **(headers or {})}
    if key is not None:
        sent["authorization"] = f"Bearer {key}"
    path, _, query = path.partition("?")
    answer: list[Any] = []
    scope = {
        "type": "http",
        "method": method,
        "scheme": urlsplit(base_url).scheme,
        "raw_path": quote(path, safe="/%:@").encode(),
        "query_string": query.encode(),
        "headers": [(name.lower().encode(), value.encode()) for name, value in sent.items()],
    }

    async def receive() -> Any:
        return {"type": "http.request", "body": raw, "more_body": False}

    async def send(message: Any) -> None:
        answer.append(message)

    await functions(scope, receive, send)
    found = {name.decode(): value.decode() for name, value in answer[0]["headers"]}
    return Response(answer[0]["status"], found, answer[1]["body"])
