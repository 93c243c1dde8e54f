"""The load: so many connections that each ask for the next address as soon as they have their answer.

`wrk` makes it where it is installed (Debian: `apt-get install wrk`), else `raw_load`. Both cost about as much. wrk is
known to many; ours waits for every answer, so that answers and stored facts can be compared one for one.
"""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

CONNECTIONS = 32
GRACE_SECONDS = 20
HEADERS = {
    "User-Agent": "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)",
    "Accept": "image/avif,image/webp,image/apng,image/*,*/*;q=0.8",
    "Accept-Language": "en-GB,en;q=0.9",
    "X-Forwarded-For": "203.0.113.77",
}
"""What a mail client's image proxy sends, with the entry that our own front door adds."""

_SCRIPT = Path(__file__).with_name("wrk.lua")


class LoadError(Exception):
    """The load could not be made, or was not answered; the text says what happened."""


@dataclass(frozen=True, slots=True)
class Load:
    """Answers to the load; percentiles of latency are in milliseconds."""

    hits: int
    seconds: float
    failed: int
    p50: float
    p99: float

    @property
    def rate(self) -> float:
        """Hits a second."""
        return self.hits / self.seconds


@dataclass(frozen=True, slots=True)
class Generator:
    """A program that makes the load. `leaves_unanswered`: hits that have come, but whose answer it did not wait for."""

    name: str
    command: Callable[[str, Path, float], Sequence[str]]
    leaves_unanswered: int

    def load(self, base_url: str, paths: Path, seconds: float) -> Load:
        """Ask for the addresses listed in the file, over CONNECTIONS connections. Raises LoadError."""
        load = Load(**json.loads(self._said(self.command(base_url, paths, seconds), seconds + GRACE_SECONDS)))
        if load.failed or not load.hits:
            raise LoadError(f"Of {load.hits} hits {load.failed} were not answered as they should be.")
        return load

    def _said(self, command: Sequence[str], most_seconds: float) -> str:
        """The last line that the program writes."""
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=most_seconds)
        except subprocess.TimeoutExpired:
            raise LoadError(f"{self.name} did not end within {most_seconds:g} s.") from None
        if done.returncode:
            raise LoadError(f"{self.name} ended with exit code {done.returncode}: {done.stderr.strip()[-500:]}")
        return done.stdout.strip().splitlines()[-1]


def choose_generator(*, own: bool) -> Generator:
    """wrk where it is installed, unless our own generator is asked for."""
    if own or not shutil.which("wrk"):
        return Generator("bench.raw_load", _raw_load, leaves_unanswered=0)
    said = subprocess.run(["wrk", "-v"], capture_output=True, text=True, check=False)
    version = re.search(r"wrk (?:debian/)?(\S+)", said.stdout + said.stderr)
    return Generator(f"wrk {version[1]}" if version else "wrk", _wrk, leaves_unanswered=CONNECTIONS)


def _wrk(base_url: str, paths: Path, seconds: float) -> Sequence[str]:
    headers = [argument for name, value in HEADERS.items() for argument in ("-H", f"{name}: {value}")]
    size = ["-t", "1", "-c", str(CONNECTIONS), "-d", f"{max(1, round(seconds))}s"]
    return ["wrk", *size, *headers, "-s", str(_SCRIPT), base_url, "--", str(paths)]


def _raw_load(base_url: str, paths: Path, seconds: float) -> Sequence[str]:
    return [sys.executable, "-m", "bench.raw_load", base_url, str(paths), str(seconds)]
