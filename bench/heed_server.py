"""Heed as the local host runs it: `python -m bench.heed_server all|http|counted|itemized|watched`.

With `http`, queues and timers are left out: that is the work that follows a hit later, on another instance if need be,
and so it is kept off the CPU on which hits are measured. With `counted`, SIGUSR1 has it say how many requests it has
made of storage so far, and how many of these write. With `itemized`, it says so of each service, method and table or
queue, with the bytes that it sent and read; a transaction has the method BATCH. With `watched`, it tells of each time
that its event loop stands still.
"""

import asyncio
import functools
import json
import logging
import os
import re
import signal
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import aiohttp
import azure.functions as func
import uvloop

from bench.bare_server import READY
from bench.stalls import Watch
from infra.local.child import ROOT
from infra.local.host.application import load_application
from infra.local.host.host import Host, bind
from infra.local.host.host_json import read_host_json

REQUESTS = "requests so far: "
ITEMS = "items so far: "

_TABLE_OF_BATCH = re.compile(rb"\r\n(?:POST|PUT|MERGE|DELETE) http://[^/]+/[^/]+/([a-z0-9]+)")
"""The first request within a transaction."""


class _HttpFunctions:
    """The app's HTTP functions alone, as far as the host looks at an app."""

    def __init__(self, application: func.FunctionApp) -> None:
        self._application = application

    def get_functions(self) -> list[Any]:
        functions: list[Any] = self._application.get_functions()
        return [function for function in functions if function.get_trigger().type == "httpTrigger"]


class _Requests:
    """Counts what goes out over HTTP, by port, method and the first part of the path after the account's name.

    Every client that is made from now on, the SDK's among them, tells of it.
    """

    def __init__(self, *, with_bytes: bool) -> None:
        self._items: Counter[str] = Counter()
        self._sent = self._read = 0
        tracing = aiohttp.TraceConfig()
        tracing.on_request_start.append(self._note)
        if with_bytes:
            tracing.on_request_start.append(self._await_batch)
            tracing.on_request_chunk_sent.append(self._note_sent)
            tracing.on_response_chunk_received.append(self._note_read)
        setattr(aiohttp, "ClientSession", functools.partial(aiohttp.ClientSession, trace_configs=[tracing]))  # noqa: B010

    async def _note(self, _session: object, _context: object, request: aiohttp.TraceRequestStartParams) -> None:
        name = [*request.url.path.split("/"), "", ""][2]
        self._items[f"{request.url.port} {request.method} {name.partition('(')[0]}"] += 1

    async def _await_batch(
        self, _session: object, context: SimpleNamespace, request: aiohttp.TraceRequestStartParams
    ) -> None:
        context.batch = f"{request.url.port} POST $batch" if request.url.path.endswith("/$batch") else None

    async def _note_sent(
        self, _session: object, context: SimpleNamespace, sent: aiohttp.TraceRequestChunkSentParams
    ) -> None:
        self._sent += len(sent.chunk)
        if context.batch is not None and (table := _TABLE_OF_BATCH.search(sent.chunk)):
            self._items[context.batch] -= 1
            self._items[f"{context.batch.split()[0]} BATCH {table[1].decode()}"] += 1
            context.batch = None

    async def _note_read(
        self, _session: object, _context: object, read: aiohttp.TraceResponseChunkReceivedParams
    ) -> None:
        self._read += len(read.chunk)

    def say(self) -> None:
        """Say how many requests were made, how many of these write, and how many went where, with their bytes."""
        writes = sum(number for item, number in self._items.items() if item.split()[1] != "GET")
        print(f"{REQUESTS}{self._items.total()} of which {writes} write", flush=True)
        print(f"{ITEMS}{json.dumps({'items': self._items, 'sent': self._sent, 'read': self._read})}", flush=True)


async def serve(application: func.FunctionApp, say: Callable[[], None] | None, *, watched: bool) -> None:
    """Run the app until a signal comes; at SIGUSR1, `say` what was counted."""
    stop = asyncio.Event()
    if watched:
        Watch()
    if say is not None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, say)
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    options = read_host_json(ROOT / "host.json")
    host = Host(application, options, os.environ, Path(os.environ["HEED_DATA_DIR"]))
    await host.start(bind(0))
    print(f"{READY}{host.base_url}", flush=True)
    await stop.wait()
    await host.stop()


def main(which: str) -> None:
    """Load the app as it is and run it, or its HTTP functions."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    is_counted = which in ("counted", "itemized")
    say = _Requests(with_bytes=which == "itemized").say if is_counted else None
    application = load_application(ROOT)
    if which == "http":
        application = cast(func.FunctionApp, _HttpFunctions(application))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(application, say, watched=which == "watched"))


if __name__ == "__main__":
    main(sys.argv[1])
