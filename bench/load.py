"""The load: so many connections that each ask for the next address as soon as they have their answer.

Debian's `wrk` makes it where it is installed (`apt-get install wrk`), for it costs the least; `raw_load` where it is not.
"""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

CONNECTIONS = 32
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
    """What was answered. `median` and `slowest` (the 99th percentile) are latencies in milliseconds."""

    hits: int
    seconds: float
    failed: int
    median: float
    slowest: float

    @property
    def rate(self) -> float:
        """Hits a second."""
        return self.hits / self.seconds


def generator_name() -> str:
    """Which program makes the load."""
    if not shutil.which("wrk"):
        return "a generator of our own (wrk is not installed)"
    said = subprocess.run(["wrk", "-v"], capture_output=True, text=True, check=False)
    version = re.search(r"wrk (?:debian/)?(\S+)", said.stdout + said.stderr)
    return f"wrk {version[1]}" if version else "wrk"


def make_load(base_url: str, paths: Path, seconds: float) -> Load:
    """Ask for the addresses listed in the file, over CONNECTIONS connections. Raises LoadError."""
    command = _wrk if shutil.which("wrk") else _raw_load
    done = subprocess.run(command(base_url, paths, seconds), capture_output=True, text=True, check=False)
    if done.returncode:
        raise LoadError(f"The load ended with exit code {done.returncode}: {done.stderr.strip()[-500:]}")
    load = Load(**json.loads(done.stdout.strip().splitlines()[-1]))
    if load.failed or not load.hits:
        raise LoadError(f"Of {load.hits} hits {load.failed} were not answered as they should be.")
    return load


def _wrk(base_url: str, paths: Path, seconds: float) -> Sequence[str]:
    headers = [argument for name, value in HEADERS.items() for argument in ("-H", f"{name}: {value}")]
    size = ["-t", "1", "-c", str(CONNECTIONS), "-d", f"{max(1, round(seconds))}s"]
    return ["wrk", *size, *headers, "-s", str(_SCRIPT), base_url, "--", str(paths)]


def _raw_load(base_url: str, paths: Path, seconds: float) -> Sequence[str]:
    return [sys.executable, "-m", "bench.raw_load", base_url, str(paths), str(seconds)]
