"""Serves HTTP-triggered functions as an ASGI application.

A request becomes a `func.HttpRequest` exactly as the Functions host and the Python worker make it, and what
the handler returns becomes the response. Every tracking pixel passes through here, so there is no framework.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, MutableMapping
from contextlib import asynccontextmanager, suppress
from io import BytesIO
from typing import Any
from urllib.parse import parse_qsl

import azure.functions as func
from azure.functions.http import HttpRequest

from infra.local.errors import StartError
from infra.local.host.application import Function
from infra.local.host.invocation import InvocationError, Invoke
from infra.local.host.routing import Router
from lib.workers.places import Room

logger = logging.getLogger("heed.host")

AsgiMessage = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[AsgiMessage]]
Send = Callable[[AsgiMessage], Awaitable[None]]
HttpAnswer = tuple[int, list[tuple[bytes, bytes]], bytes]
"""Status code, headers, body."""

MAX_BODY_BYTES = 100 * 1024 * 1024
"""Bytes of a request that the Functions host takes (`ScriptConstants.DefaultMaxRequestBodySize`)."""
_SMALL_BODY = 1024 * 1024
_MOST_BODIES = MAX_BODY_BYTES
"""Bytes of large bodies in memory at the same time: one of the largest, or some mails."""
DRAIN_SECONDS = 5.0
"""Seconds that a client may go on sending a body that is too large, so that it reads the answer; Kestrel's value."""
RESERVED_ROUTES = ("admin", "runtime")
BODILESS = frozenset((100, 101, 102, 103, 204, 205, 304))


class _BodyTooLargeError(Exception):
    """The request body is larger than MAX_BODY_BYTES."""


class _DisconnectedError(Exception):
    """The client went away before the body was complete."""


class HttpTriggers:
    """The ASGI application over all HTTP-triggered functions."""

    def __init__(self, route_prefix: str) -> None:
        self._prefix = f"{route_prefix}/" if route_prefix else ""
        self._functions: dict[str, Invoke] = {}
        self._room = Room(_MOST_BODIES)
        self.router = Router()

    def add_function(self, function: Function, invoke: Invoke) -> None:
        """Register a function under its route. Raises StartError where the Functions host would refuse it."""
        trigger = function.trigger
        route = str(trigger.route or function.name).strip()
        if route.strip("/").lower().startswith(RESERVED_ROUTES):
            raise StartError(f"Function {function.name}: no route may start with {' or '.join(RESERVED_ROUTES)}.")
        level = trigger.auth_level or func.AuthLevel.FUNCTION
        if level != func.AuthLevel.ANONYMOUS:
            raise StartError(
                f"Function {function.name} has another auth level than anonymous, and there are no keys here."
            )
        methods = [str(getattr(method, "value", method)) for method in trigger.methods or ()]
        self.router.add_route(function.name, self._prefix + route.lstrip("/"), methods)
        self._functions[function.name] = invoke

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        try:
            status, headers, body = await self._answer(scope, receive)
        except _DisconnectedError:
            return
        except _BodyTooLargeError:
            await _refuse_body(receive, send)
            return
        await send({"type": "http.response.start", "status": status, "headers": headers})
        # The server drops the body of an answer to HEAD; its length was said in the headers.
        await send({"type": "http.response.body", "body": body})

    async def _answer(self, scope: MutableMapping[str, Any], receive: Receive) -> HttpAnswer:
        method = scope["method"]
        found = self.router.find_route(method, scope["raw_path"].decode("latin-1"))
        if found is None:
            return _empty(404)
        headers = read_headers(scope["headers"])
        async with self._room_for(headers):
            request = HttpRequest(
                method=method,
                url=_url(scope, headers),
                headers=headers,
                params=read_query(scope["query_string"]),
                route_params=found.parameters,
                body_type="bytes",
                body=await _read_body(headers, receive),
            )
            return await self._answer_of(found.function_name, request)

    @asynccontextmanager
    async def _room_for(self, headers: dict[str, str]) -> AsyncIterator[None]:
        """Hold room in memory for a large body while it is read and worked on; other large bodies wait.

        The Functions host buffers bodies in a process of its own, whose memory and CPU are not the app's.
        """
        length = headers.get("content-length")
        size = int(length) if length is not None else MAX_BODY_BYTES if "transfer-encoding" in headers else 0
        if size <= _SMALL_BODY or size > MAX_BODY_BYTES:
            yield
            return
        taken = await self._room.take_bytes(size)
        try:
            yield
        finally:
            self._room.give_back(taken)

    async def _answer_of(self, name: str, request: HttpRequest) -> HttpAnswer:
        try:
            return make_answer(await self._functions[name](request))
        except InvocationError:
            return _empty(500)
        except asyncio.CancelledError:
            logger.warning("Function %s was cut off: the host stops", name)
            return _empty(503)
        except (TypeError, AttributeError, ValueError):
            logger.exception("Function %s returned what cannot be sent as an answer", name)
            return _empty(500)


def read_headers(raw: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Read headers by lower-case name; repeated ones are joined by a comma, as the host does."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in raw:
        name = raw_name.decode("latin-1")
        try:
            value = raw_value.decode()
        except UnicodeDecodeError:
            value = raw_value.decode("latin-1")
        headers[name] = f"{headers[name]},{value}" if name in headers else value
    return headers


def read_query(raw: bytes) -> dict[str, str]:
    """Read query parameters by name, as the Functions host hands them to a Python worker.

    The case of a name does not matter, repeated parameters are joined by a comma, and empty ones are left out.
    """
    if not raw:
        return {}
    names: dict[str, str] = {}
    values: dict[str, str] = {}
    for name, value in parse_qsl(raw.decode("latin-1"), keep_blank_values=True):
        known = names.setdefault(name.lower(), name)
        values[known] = f"{values[known]},{value}" if known in values else value
    return {name: value for name, value in values.items() if value}


def make_answer(result: Any) -> HttpAnswer:
    """Turn what a handler returned into an answer: a response, a text, or nothing (204)."""
    if result is None:
        return _empty(204)
    if isinstance(result, str):
        result = func.HttpResponse(result)
    status = int(result.status_code)
    headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in result.headers.items()]
    if status in BODILESS:
        return status, headers, b""
    names = {name for name, _ in headers}
    body = result.get_body() or b""
    if b"content-type" not in names:
        headers.append((b"content-type", _content_type(result).encode("latin-1")))
    if b"content-length" not in names:
        headers.append((b"content-length", str(len(body)).encode()))
    return status, headers, body


def _content_type(response: func.HttpResponse) -> str:
    mimetype = str(response.mimetype)
    return f"{mimetype}; charset={response.charset}" if mimetype.startswith("text/") else mimetype


def _empty(status: int, *headers: tuple[bytes, bytes]) -> HttpAnswer:
    length = [] if status in BODILESS else [(b"content-length", b"0")]
    return status, [*length, *headers], b""


def _url(scope: MutableMapping[str, Any], headers: dict[str, str]) -> str:
    path = scope["raw_path"].decode("latin-1")
    query = scope["query_string"]
    url = f"{scope['scheme']}://{headers.get('host', '')}{path}"
    return f"{url}?{query.decode('latin-1')}" if query else url


async def _refuse_body(receive: Receive, send: Send) -> None:
    """Answer 413 at once, and forget what still comes.

    A connection that is closed on unread data is reset, and the client may never read its answer.
    """
    status, headers, body = _empty(413, (b"connection", b"close"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": True})
    with suppress(TimeoutError):
        async with asyncio.timeout(DRAIN_SECONDS):
            while (message := await receive())["type"] != "http.disconnect" and message.get("more_body", False):
                pass
    await send({"type": "http.response.body", "body": body})


async def _read_body(headers: dict[str, str], receive: Receive) -> bytes:
    length = headers.get("content-length")
    if length is None and "transfer-encoding" not in headers:
        return b""
    if length is not None and int(length) > MAX_BODY_BYTES:
        raise _BodyTooLargeError
    # Its value is handed out without a copy, which matters for a body of 100 MB.
    whole = BytesIO()
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _DisconnectedError
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > MAX_BODY_BYTES:
            raise _BodyTooLargeError
        whole.write(chunk)
        if not message.get("more_body", False):
            return whole.getvalue()
