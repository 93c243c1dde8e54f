"""CPUs and what runs on them: which process may use which, and how much it has used. Linux only."""

import contextlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_NOT_BUSY = slice(3, 5)
"""Columns of /proc/stat: idle, and waiting for disks."""


@dataclass(frozen=True, slots=True)
class Seats:
    """One CPU for the server, one for storage and the load; the same one where there is no second."""

    server: int
    storage: int

    @staticmethod
    def choose() -> "Seats":
        mine = sorted(os.sched_getaffinity(0))
        return Seats(mine[0], mine[-1])


@contextlib.contextmanager
def inherited(cpu: int, settings: Mapping[str, str] | None = None) -> Iterator[None]:
    """Processes that are started within the block run on this CPU alone, with these settings in their environment."""
    cpus, environment = os.sched_getaffinity(0), dict(os.environ)
    os.sched_setaffinity(0, {cpu})
    os.environ.update(settings or {})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cpus)
        os.environ.clear()
        os.environ.update(environment)


def seconds_used(process_id: int) -> float:
    """CPU seconds of the process and all its threads so far."""
    after_name = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()
    return (int(after_name[11]) + int(after_name[12])) / _TICKS


def seconds_busy(cpu: int) -> float:
    """Seconds for which this CPU has worked since the machine's start, for all processes."""
    for line in Path("/proc/stat").read_text().splitlines():
        name, *columns = line.split()
        if name == f"cpu{cpu}":
            ticks = [int(column) for column in columns[:8]]
            return (sum(ticks) - sum(ticks[_NOT_BUSY])) / _TICKS
    raise ValueError(f"there is no CPU {cpu}")
