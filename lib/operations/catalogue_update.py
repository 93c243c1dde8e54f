"""Update of a deployment's own catalogues: files are checked together before one of them takes effect."""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from lib.catalogues.csv_rows import BrokenCatalogue
from lib.catalogues.registry import load_catalogues

FILES = ("networks.csv", "owners.csv", "autonomous_systems.csv", "gateways.csv", "agents.csv")


@dataclass(frozen=True, slots=True)
class CatalogueChange:
    """Changes by an update to one file."""

    file: str
    added: int
    """Lines that are new."""

    removed: int
    newest: str
    """The newest `as_of` in the file; empty for a file without rows."""


def update_catalogues(source: Path, folder: Path, *, write: bool = True) -> list[CatalogueChange]:
    """Put the catalogues of `source` into the deployment's folder; files that `source` lacks stay.

    A process that dies leaves whole files: another run ends the update. Raises BrokenCatalogue, with nothing written,
    where the files make no sound catalogues together, OSError.
    """
    given = [name for name in FILES if (source / name).is_file()]
    if not given:
        raise BrokenCatalogue(f"{source} has none of {', '.join(FILES)}")
    with tempfile.TemporaryDirectory() as together:
        for name in FILES:
            newest = source / name if name in given else folder / name
            if newest.is_file():
                shutil.copyfile(newest, Path(together, name))
        load_catalogues(Path(together))
    changes = [_compare(source / name, folder / name) for name in given]
    if write:
        for name in given:
            part = folder / f"{name}.part"
            shutil.copyfile(source / name, part)
            os.replace(part, folder / name)
    return changes


def _compare(new: Path, old: Path) -> CatalogueChange:
    lines, before = _lines(new), _lines(old) if old.is_file() else set()
    newest = max((line.rpartition(",")[2].strip() for line in lines), default="")
    return CatalogueChange(new.name, len(lines - before), len(before - lines), newest)


def _lines(path: Path) -> set[str]:
    """The rows of a file without its header."""
    return {line for line in path.read_text("utf-8").splitlines()[1:] if line.strip()}
