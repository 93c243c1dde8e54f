"""`python -m tests.faults.instance`: the app in the local host, whose timers tick every half second.

So a minute of Heed's sweeps takes half a second. Timers that were not asked for are left out. The clock that the app
itself asks is the process's own, which Debian's faketime may have moved.
"""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import aiohttp
import azure.functions as func
import uvloop

from infra.local.child import ROOT, free_port
from infra.local.host.application import load_application
from infra.local.host.host import Host, bind
from infra.local.host.host_json import read_host_json
from tests.support.heed import ADMIN_KEY, SETTINGS

TICK_SECONDS = 0.5
FAKETIME = shutil.which("faketime")

DUE_TIMERS = ("sweep_due", "remind")
"""The timers for what is due."""

_REAL_WAITS = {"FAKETIME_DONT_FAKE_MONOTONIC": "1", "FAKETIME_FORCE_MONOTONIC_FIX": "0"}
"""Only the time of day is another one. With Debian's default fix, threads would hand over to each other in 30 ms."""

_READY = "Heed is ready"
_PATIENCE_SECONDS = 60


class _Functions:
    """The app with these timers alone, as far as the host looks at an app."""

    def __init__(self, application: func.FunctionApp, timers: Sequence[str]) -> None:
        self._application = application
        self._timers = timers

    def get_functions(self) -> list[Any]:
        functions: list[Any] = self._application.get_functions()
        return [
            each
            for each in functions
            if each.get_trigger().type != "timerTrigger" or each.get_function_name() in self._timers
        ]


class QuickTimers:
    """A clock by which no timer waits for long."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    async def sleep_until(self, moment: datetime) -> None:
        await asyncio.sleep(TICK_SECONDS)


@dataclass(slots=True)
class Instance:
    """A process of the app; `key` is the organization's."""

    base_url: str
    session: aiohttp.ClientSession
    process: subprocess.Popen[bytes]
    key: str = ADMIN_KEY

    async def call(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """`path` as it stands after `/api`."""
        sent = {"Authorization": f"Bearer {self.key}", "X-Heed-User": "rep1", **headers}
        async with self.session.request(method, f"{self.base_url}/api{path}", json=body, headers=sent) as answer:
            found = await answer.json(content_type=None)
            assert answer.status < 300, found
            return found

    def kill(self) -> None:
        # The whole group: faketime stays beside the program that it runs.
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def start(
    folder: Path,
    session: aiohttp.ClientSession,
    settings: Mapping[str, str],
    ahead: timedelta = timedelta(0),
    timers: Sequence[str] = DUE_TIMERS,
) -> Instance:
    """Start one with these timers, whose clock is ahead by that; it is to be killed in the end."""
    folder.mkdir()
    port, log = free_port(), folder / "log"
    command = [sys.executable, "-m", "tests.faults.instance", str(port), str(folder), *timers]
    if ahead:
        assert FAKETIME
        command = [FAKETIME, "-f", f"{ahead.total_seconds():+.0f}s", *command]
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("HEED_", "Azure"))}
    environment = {**inherited, **SETTINGS, **settings, **_REAL_WAITS}
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=output, stderr=output, start_new_session=True
        )
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while _READY not in log.read_text():
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.05)
    return Instance(f"http://127.0.0.1:{port}", session, process)


async def _serve(port: int, folder: Path, timers: Sequence[str]) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    options = read_host_json(ROOT / "host.json")
    application = cast(func.FunctionApp, _Functions(load_application(ROOT), timers))
    host = Host(application, options, os.environ, folder, QuickTimers())
    await host.start(bind(port))
    print(_READY, flush=True)
    await stop.wait()
    await host.stop()


def main(port: str, folder: str, *timers: str) -> None:
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(int(port), Path(folder), timers))


if __name__ == "__main__":
    main(*sys.argv[1:])
