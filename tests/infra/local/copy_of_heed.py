"""Runs `python -m infra.local` as a process of its own, on a folder of a small app."""

import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Iterable
from pathlib import Path

from infra.local.child import ROOT, free_port

APP = """
import json, os
import azure.functions as func

class SettingsError(Exception):
    pass

if os.environ.get("HEED_COLOUR", "green") != "green":
    raise SettingsError("HEED_COLOUR must be green; leave it out to have it so.")

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)

@app.route("settings")
async def settings(req: func.HttpRequest) -> str:
    return json.dumps(dict(os.environ))
"""


class CopyOfHeed:
    """One run of the program; `stop` or `kill` must end it."""

    def __init__(self, folder: Path, **settings: str) -> None:
        (folder / "function_app.py").write_text(APP)
        (folder / "host.json").write_text('{"version": "2.0"}')
        self.port = settings.setdefault("HEED_PORT", str(free_port()))
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("HEED_", "Azure"))}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "infra.local", str(folder)],
            cwd=ROOT,
            env=inherited | settings,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.lines: list[str] = []

    def wait_until_ready(self) -> None:
        """Read what is said until the last of the three lines."""
        assert self._process.stdout
        lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=_read_lines, args=(self._process.stdout, lines)).start()
        while not any(line.startswith("Admin key:") for line in self.lines):
            self.lines.append(lines.get(timeout=120).rstrip("\n"))

    @property
    def inbox(self) -> str:
        return next(line for line in self.lines if line.startswith("Inbox:")).split()[-1]

    @property
    def children(self) -> dict[str, int]:
        """Process ids of the servers it has started, by program."""
        listed = subprocess.run(
            ["pgrep", "-a", "-P", str(self._process.pid)], capture_output=True, text=True, check=False
        )
        found = {}
        for line in listed.stdout.splitlines():
            process_id, command = line.split(" ", 1)
            program = next(name for name in ("maildev", "service_bus", "azurite") if name in command)
            found[program] = int(process_id)
        return found

    def send(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def end(self) -> tuple[int, str]:
        """Wait for its end; returns the exit code and what it wrote to stderr."""
        assert self._process.stderr
        errors = self._process.stderr.read()
        return self._process.wait(20), errors


def _read_lines(output: Iterable[str], lines: queue.Queue[str]) -> None:
    for line in output:
        lines.put(line)
