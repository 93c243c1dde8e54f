"""Heed as the local host runs it: `python -m bench.heed_server all|http`.

With `http`, queues and timers are left out: that is the work that follows a hit later, on another instance if need be,
and so it is kept off the CPU on which hits are measured.
"""

import asyncio
import logging
import os
import signal
import sys
from pathlib import Path
from typing import Any, cast

import azure.functions as func
import uvloop

from bench.bare_server import READY
from infra.local.application import load_application
from infra.local.child import ROOT
from infra.local.host import Host, bind
from infra.local.host_json import read_host_json


class _HttpFunctions:
    """The app's HTTP functions alone, as far as the host looks at an app."""

    def __init__(self, application: func.FunctionApp) -> None:
        self._application = application

    def get_functions(self) -> list[Any]:
        functions: list[Any] = self._application.get_functions()
        return [function for function in functions if function.get_trigger().type == "httpTrigger"]


async def serve(application: func.FunctionApp) -> None:
    """Run the app until a signal comes."""
    stop = asyncio.Event()
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
    application = load_application(ROOT)
    if which == "http":
        application = cast(func.FunctionApp, _HttpFunctions(application))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(application))


if __name__ == "__main__":
    main(sys.argv[1])
