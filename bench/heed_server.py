"""Heed as the local host runs it: `python -m bench.heed_server all|http|counted|watched`.

With `http`, queues and timers are left out: that is the work that follows a hit later, on another instance if need be,
and so it is kept off the CPU on which hits are measured. With `counted`, SIGUSR1 has it say how many requests it has
made of storage so far, and how many of these write. With `watched`, it tells of each time that its event loop stands
still.
"""

import asyncio
import functools
import logging
import os
import signal
import sys
from pathlib import Path
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


class _HttpFunctions:
    """The app's HTTP functions alone, as far as the host looks at an app."""

    def __init__(self, application: func.FunctionApp) -> None:
        self._application = application

    def get_functions(self) -> list[Any]:
        functions: list[Any] = self._application.get_functions()
        return [function for function in functions if function.get_trigger().type == "httpTrigger"]


class _Requests:
    """Counts what goes out over HTTP: every client that is made from now on, the SDK's among them, tells of it."""

    def __init__(self) -> None:
        self._count = self._writes = 0
        tracing = aiohttp.TraceConfig()
        tracing.on_request_start.append(self._note)
        setattr(aiohttp, "ClientSession", functools.partial(aiohttp.ClientSession, trace_configs=[tracing]))  # noqa: B010

    async def _note(self, _session: object, _context: object, request: aiohttp.TraceRequestStartParams) -> None:
        self._count += 1
        self._writes += request.method != "GET"

    def say(self) -> None:
        print(f"{REQUESTS}{self._count} of which {self._writes} write", flush=True)


async def serve(application: func.FunctionApp, requests: _Requests | None, *, watched: bool) -> None:
    """Run the app until a signal comes."""
    stop = asyncio.Event()
    if watched:
        Watch()
    if requests is not None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, requests.say)
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
    requests = _Requests() if which == "counted" else None
    application = load_application(ROOT)
    if which == "http":
        application = cast(func.FunctionApp, _HttpFunctions(application))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(application, requests, watched=which == "watched"))


if __name__ == "__main__":
    main(sys.argv[1])
