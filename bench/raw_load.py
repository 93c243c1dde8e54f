"""A load generator for machines without wrk: `python -m bench.raw_load URL FILE SECONDS`.

Requests are bytes made beforehand, answers are read just far enough to know where they end.
"""

import asyncio
import json
import re
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from itertools import cycle
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

import uvloop

from bench.load import CONNECTIONS, HEADERS

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


class _Connection(asyncio.Protocol):
    """One client: it asks, waits for the whole answer, and asks again until the time is up."""

    def __init__(self, requests: Iterator[bytes], until: float, latencies: list[float]) -> None:
        self._requests = requests
        self._until = until
        self._latencies = latencies
        self._received = b""
        self._asked = 0.0
        self.failed = 0
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # By cast: uvloop's transports are no subclasses of asyncio's.
        self._transport = cast(asyncio.Transport, transport)
        self._ask()

    def data_received(self, data: bytes) -> None:
        self._received += data
        if not _is_whole(self._received):
            return
        self._latencies.append(time.perf_counter() - self._asked)
        self.failed += self._received[9:10] not in (b"2", b"3")
        self._received = b""
        self._ask()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.failed += 1
            self.done.set_result(None)

    def _ask(self) -> None:
        self._asked = time.perf_counter()
        if self._asked < self._until:
            self._transport.write(next(self._requests))
        else:
            self.done.set_result(None)
            self._transport.close()


def _is_whole(received: bytes) -> bool:
    head = received.find(b"\r\n\r\n")
    if head < 0:
        return False
    length = _LENGTH.search(received, 0, head + 2)
    return len(received) >= head + 4 + (int(length[1]) if length else 0)


def as_bytes(method: str, url: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> bytes:
    """A request to the server of this URL, as it goes over the line."""
    named = {"Host": urlsplit(url).netloc, **headers, **({"Content-Length": str(len(body))} if body else {})}
    head = "".join(f"{name}: {value}\r\n" for name, value in named.items())
    return f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + body


async def ask(url: str, each: Sequence[bytes], seconds: float, connections: int) -> dict[str, float]:
    """Send these requests in turn over so many connections, until the time is up."""
    target, requests, latencies = urlsplit(url), cycle(each), list[float]()
    began = time.perf_counter()

    def connection() -> _Connection:
        return _Connection(requests, began + seconds, latencies)

    loop = asyncio.get_running_loop()
    assert target.hostname is not None
    assert target.port is not None
    opened = [await loop.create_connection(connection, target.hostname, target.port) for _ in range(connections)]
    await asyncio.gather(*(protocol.done for _, protocol in opened))
    latencies.sort()
    return {
        "hits": len(latencies),
        "seconds": time.perf_counter() - began,
        "failed": sum(protocol.failed for _, protocol in opened),
        "p50": latencies[len(latencies) // 2] * 1000,
        "p99": latencies[len(latencies) * 99 // 100] * 1000,
    }


def main(url: str, paths: str, seconds: str) -> None:
    """Print what came of it, as one line of JSON."""
    lines = Path(paths).read_text(encoding="ascii").splitlines()
    requests = [as_bytes("GET", url, path, HEADERS) for path in lines]
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        print(json.dumps(runner.run(ask(url, requests, float(seconds), CONNECTIONS))))


if __name__ == "__main__":
    main(*sys.argv[1:])
