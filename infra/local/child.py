"""A server that the local host starts beside itself, and that must never outlive it."""

import contextlib
import ctypes
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

from infra.local.errors import StartError

ROOT = Path(__file__).resolve().parents[2]
GRACE_SECONDS = 10.0
START_SECONDS = 60.0
_PR_SET_PDEATHSIG = 1
_OWN_PORTS = range(20_000, 32_000)
_TRIES = 100


class Child:
    """A process in a group of its own, with its output in a log file; without one, its output is the host's."""

    def __init__(
        self, name: str, command: Sequence[str], log: Path | None, environment: Mapping[str, str] | None = None
    ) -> None:
        self.name = name
        self._log = log
        with contextlib.ExitStack() as opened:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=None if log is None else opened.enter_context(_new_file(log)),
                stderr=None if log is None else subprocess.STDOUT,
                env=environment,
                # A group of its own: Ctrl-C reaches only the host, which ends the children in order.
                start_new_session=True,
                preexec_fn=_end_with_parent if sys.platform == "linux" else None,
            )

    @property
    def running(self) -> bool:
        return self.process.poll() is None

    def output(self) -> str:
        """Return everything that the process has written to its log file so far."""
        return "" if self._log is None else self._log.read_text(encoding="utf-8", errors="replace")

    def wait_until(self, answers: Callable[[], bool]) -> None:
        """Wait until the process answers. Raises StartError with its last words when it never does."""
        deadline = time.monotonic() + START_SECONDS
        try:
            while not answers():
                if not self.running or time.monotonic() > deadline:
                    raise StartError(f"{self.name} did not start: {self.last_words()}")
                time.sleep(0.05)
        except BaseException:
            # Also on Ctrl-C: nothing else knows of the process yet.
            self.stop()
            raise

    def last_words(self) -> str:
        """Return the last lines of its output, in one line."""
        lines = [line.strip() for line in self.output().splitlines() if line.strip()]
        return " / ".join(lines[-3:]) or f"exit code {self.process.poll()}, see {self._log or 'above'}"

    def stop(self) -> None:
        """End the process: ask it to end, so that it can write what it holds, and kill it after GRACE_SECONDS."""
        self._signal(signal.SIGTERM)
        try:
            self.process.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            self._signal(signal.SIGKILL)
            self.process.wait()

    def _signal(self, number: signal.Signals) -> None:
        if self.running:
            os.killpg(self.process.pid, number)


def _new_file(path: Path) -> IO[bytes]:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.open("wb")


def node() -> str:
    """Return the path of Node, in which storage and the other servers run. Raises StartError when it is missing."""
    path = shutil.which("node")
    if path is None:
        raise StartError("Node.js is not installed, or not on the PATH; install it (version 20 or later) first.")
    return path


def node_program(name: str) -> str:
    """Return the path of a program of `package.json`. Raises StartError when it, or Node itself, is not installed."""
    node()
    path = ROOT / "node_modules" / ".bin" / name
    if not path.exists():
        raise StartError(f"{name} is not installed; install it with: make setup")
    return str(path)


def free_port(preferred: int = 0) -> int:
    """Return the preferred port of this machine if nothing uses it, else any free one.

    The free one is below the ports that the kernel gives out by itself: until the server that is to have it has
    started, no connection and no other server's port 0 can take it.
    """
    # `secrets`, as tests reset the seed of `random`: two processes that look at once shall find different ports.
    others = (_OWN_PORTS[secrets.randbelow(len(_OWN_PORTS))] for _ in range(_TRIES))
    for port in (*([preferred] if preferred else []), *others):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise StartError("There is no free port on this machine.")


def _end_with_parent() -> None:
    """Let the kernel end the new process when the host dies, however it dies."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
