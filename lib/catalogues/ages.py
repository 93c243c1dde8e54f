"""Ages of catalogues: the newest date that stands in each."""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path

_OURS = Path(__file__).parent
FILES = ("agents.csv", "autonomous_systems.csv", "gateways.csv", "networks.csv", "owners.csv")


@cache
def newest_dates(folder: Path | None) -> dict[str, str]:
    """Return the newest `as_of` of each catalogue, by its name, such as `2026-11`; of a deployment's rows, too.

    It reads all files, once in a process. Empty for a catalogue without rows.
    """
    return {
        name.removesuffix(".csv"): max(
            (date for where in (_OURS, folder) if where is not None for date in _dates(where / name)), default=""
        )
        for name in FILES
    }


def _dates(path: Path) -> list[str]:
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        lines = csv.reader(file)
        next(lines, None)
        return [values[-1] for values in lines if values]
