"""Reads `.funcignore`: the part of gitignore's rules that the file uses."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator
from pathlib import Path


class IgnoreError(Exception):
    """A pattern is of a kind that is not understood here; the text names it."""


def read_patterns(path: Path) -> list[str]:
    """Patterns of the file: `/name` for the top folder, `name` for every folder, with `*`. Raises IgnoreError."""
    lines = (line.strip() for line in path.read_text().splitlines())
    patterns = [line for line in lines if line and not line.startswith("#")]
    for pattern in patterns:
        if pattern.startswith("!") or "/" in pattern.removeprefix("/") or "**" in pattern or "[" in pattern:
            raise IgnoreError(
                f"{path.name}: the pattern {pattern} is not understood; write /name or name, with * if need be"
            )
    return patterns


def kept_files(folder: Path, patterns: list[str]) -> Iterator[Path]:
    """Files of the folder, relative to it and sorted, that no pattern leaves out."""
    yield from _kept(folder, Path(), patterns)


def _kept(folder: Path, below: Path, patterns: list[str]) -> Iterator[Path]:
    for path in sorted((folder / below).iterdir()):
        relative = below / path.name
        if any(_is_left_out(relative, pattern) for pattern in patterns):
            continue
        if path.is_dir():
            yield from _kept(folder, relative, patterns)
        else:
            yield relative


def _is_left_out(path: Path, pattern: str) -> bool:
    if pattern.startswith("/"):
        return len(path.parts) == 1 and fnmatch.fnmatchcase(path.name, pattern[1:])
    return fnmatch.fnmatchcase(path.name, pattern)
