"""Heed as the local host runs it, with functions left out: `python -m bench.heed_server`.

As in Azure, a setting `AzureWebJobs.<function>.Disabled=true` keeps a function from running. So the work that follows
a hit later, on another instance if need be, can be kept off the CPU on which hits are measured.
"""

import asyncio
import contextlib
import logging
import os
import signal
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import azure.functions as func
import uvloop

from bench.bare_server import READY
from infra.local.application import load_application
from infra.local.child import ROOT
from infra.local.host import Host, bind
from infra.local.host_json import read_host_json


class _EnabledFunctions:
    """An app without its disabled functions, as far as the host looks at it."""

    def __init__(self, application: func.FunctionApp, settings: Mapping[str, str]) -> None:
        self._application = application
        self._settings = settings

    def get_functions(self) -> list[Any]:
        return [one for one in self._application.get_functions() if not self._is_disabled(one.get_function_name())]

    def _is_disabled(self, name: str) -> bool:
        return self._settings.get(f"AzureWebJobs.{name}.Disabled", "").lower() in ("true", "1")


async def serve(application: func.FunctionApp, data_dir: Path) -> None:
    """Run the app until a signal comes."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    enabled = cast(func.FunctionApp, _EnabledFunctions(application, os.environ))
    host = Host(enabled, read_host_json(ROOT / "host.json"), os.environ, data_dir)
    await host.start(bind(0))
    print(f"{READY}{host.base_url}", flush=True)
    await stop.wait()
    with contextlib.suppress(asyncio.CancelledError):
        await host.stop()


def main() -> None:
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    application = load_application(ROOT)
    with tempfile.TemporaryDirectory() as folder, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(application, Path(folder)))


if __name__ == "__main__":
    main()
