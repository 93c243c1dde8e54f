"""Measure look-ups of autonomous systems: `python -m bench.networks`.

Each figure is of a fresh process, which maps the table, reads the catalogue and looks networks up. Memory that the
table takes is that of the file's pages, which processes share and the system may drop; the rest is the process's own.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from pathlib import Path

from bench.sections import NETWORKS, put
from infra.local.child import ROOT
from lib.catalogues.autonomous_systems import TABLE, AutonomousSystems

ROUNDS = 7
FOUR, SIX = 15_000, 5_000
"""Networks that are asked for, by IP version."""


def measure_once() -> dict[str, float]:
    """Measure in this process: milliseconds of the start, microseconds of look-ups, megabytes of memory."""
    before = _memory()
    began = time.thread_time()
    systems = AutonomousSystems()
    assert systems.as_of is not None
    opened = time.thread_time()
    systems.read_rows()
    read = time.thread_time()
    source = random.Random(1)
    asked = [f"{source.randrange(1, 224)}.{source.randrange(256)}.{source.randrange(256)}.0/24" for _ in range(FOUR)]
    asked += [f"2{source.randrange(4096):03x}:{source.randrange(65536):x}:1::/48" for _ in range(SIX)]
    found = {network: _timed(systems, network) for network in asked}
    again = [_timed(systems, network) for network in asked[-2_000:]]
    shared, own = (now - then for now, then in zip(_memory(), before, strict=True))
    return {
        "open": (opened - began) * 1e3,
        "rows": (read - opened) * 1e3,
        "first": sum(found.values()) / len(found) * 1e6,
        "again": sum(again) / len(again) * 1e6,
        "shared": shared,
        "own": own,
    }


def _timed(systems: AutonomousSystems, network: str) -> float:
    began = time.thread_time()
    systems.class_of(network)
    return time.thread_time() - began


def _memory() -> tuple[float, float]:
    """Megabytes of the table's pages, and of all else, that are in memory."""
    table, total, inside = 0, 0, False
    for line in Path("/proc/self/smaps").read_text(encoding="utf-8").splitlines():
        name, _, rest = line.partition(" ")
        if not name.endswith(":"):
            inside = line.endswith(TABLE.name)
        elif name == "Rss:":
            size = int(rest.split()[0])
            total += size
            table += size if inside else 0
    return table / 1e3, (total - table) / 1e3


def main() -> None:
    """Measure in fresh processes and write the section."""
    command = [sys.executable, "-m", "bench.networks", "once"]
    outputs = [subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout for _ in range(ROUNDS)]
    runs = [json.loads(output) for output in outputs]
    best = {name: min(run[name] for run in runs) for name in runs[0]}
    put(
        NETWORKS,
        f"""The table of autonomous systems ({TABLE.stat().st_size / 1e6:.1f} MB, mapped) and its catalogue. The least
of {ROUNDS} processes; CPU time of the thread; {FOUR:,} networks of IPv4 (/24) and {SIX:,} of IPv6 (/48) at random.

| what | |
|---|---:|
| opening the table, at the first question | {best["open"]:.2f} ms |
| reading the catalogue, at the start of what judges | {best["rows"]:.1f} ms |
| a network's first look-up | {best["first"]:.0f} µs |
| a look-up again | {best["again"]:.1f} µs |
| memory: pages of the table after all look-ups, shared between processes | {best["shared"]:.1f} MB |
| memory: the process's own, the cache of answers and these networks included | {best["own"]:.1f} MB |
""",
        "hits look nothing of this up: it is asked at judging alone",
    )


if __name__ == "__main__":
    if sys.argv[1:] == ["once"]:
        print(json.dumps(measure_once()))
    else:
        main()
