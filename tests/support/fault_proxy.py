"""Stands between an HTTP client and a server, and lets chosen requests suffer chosen faults."""

import asyncio
import re
from collections import deque
from contextlib import suppress
from enum import Enum, auto

from tests.support.loopback_proxy import LoopbackProxy

_CONNECTION = re.compile(rb"\r\nconnection:[^\r]*", re.IGNORECASE)
_CONTENT_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_BUSY = b"HTTP/1.1 503 Server Busy\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class Fault(Enum):
    """What happens to one request."""

    BUSY = auto()
    """It is answered with 503; the server never sees it."""

    CUT_BEFORE = auto()
    """The line is cut; the server never sees it."""

    CUT_AFTER = auto()
    """The server does what was asked, and the line is cut before its answer arrives."""

    SILENCE = auto()
    """The server never sees it, and the client hears nothing until the proxy ends."""

    SILENCE_AFTER = auto()
    """The server does what was asked, and the client hears nothing until the proxy ends."""


class FaultProxy(LoopbackProxy):
    """Passes requests on, each over a connection of its own."""

    def __init__(self, target_url: str) -> None:
        super().__init__(target_url)
        self._faults: deque[Fault | None] = deque()
        self._every: Fault | None = None
        self._end = asyncio.Event()
        self._arrival = asyncio.Condition()
        self.requests: list[str] = []
        """The request lines that have come, such as `GET /path HTTP/1.1`, also of those that suffered a fault."""

    def fail(self, *faults: Fault | None) -> None:
        """The next requests suffer these, one each, in this order; None lets one pass."""
        self._faults.extend(faults)

    def fail_all(self, fault: Fault | None) -> None:
        """Every request suffers this; None ends it."""
        self._every = fault

    async def have_come(self, count: int) -> None:
        """Wait until so many requests have come."""
        async with self._arrival:
            await self._arrival.wait_for(lambda: len(self.requests) >= count)

    def end(self) -> None:
        self._end.set()
        super().end()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections.add(writer)
        with suppress(OSError, asyncio.IncompleteReadError):
            await self._one_request(reader, writer)
        self._connections.discard(writer)
        writer.close()

    async def _one_request(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = _CONTENT_LENGTH.search(head)
        body = await reader.readexactly(int(length[1])) if length else b""
        async with self._arrival:
            self.requests.append(head.partition(b"\r\n")[0].decode())
            self._arrival.notify_all()
        fault = self._faults.popleft() if self._faults else self._every
        if fault is Fault.BUSY:
            writer.write(_BUSY)
            await writer.drain()
        elif fault is Fault.CUT_BEFORE:
            writer.transport.abort()
        elif fault is Fault.SILENCE:
            await self._end.wait()
        else:
            answer = await self._forward(head, body)
            if fault is Fault.CUT_AFTER:
                writer.transport.abort()
            elif fault is Fault.SILENCE_AFTER:
                await self._end.wait()
            else:
                writer.write(answer)
                await writer.drain()

    async def _forward(self, head: bytes, body: bytes) -> bytes:
        """The whole answer. The connection ends with it, so that nothing of HTTP needs to be understood."""
        upstream_reader, upstream_writer = await self._connect()
        upstream_writer.write(_CONNECTION.sub(b"", head)[:-2] + b"Connection: close\r\n\r\n" + body)
        answer = await upstream_reader.read()
        upstream_writer.close()
        return answer
