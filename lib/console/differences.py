"""Differences between two versions of a draft: the one that was typed, and the one that is stored."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import SequenceMatcher
from typing import NamedTuple

from lib.console.times import counted

_MOST_LINES = 400
"""Lines that are compared one by one. Of longer texts it is said only that they differ."""

_LONGEST_SHOWN = 500
"""Characters that are shown of a line."""


class Difference(NamedTuple):
    """A field that has two versions."""

    label: str
    mine: list[str]
    """Lines that only the typed version has."""

    stored: list[str]
    """Lines that only the stored version has."""


def differences(mine: Mapping[str, str], stored: Mapping[str, str]) -> list[Difference]:
    """Compare two versions, whose texts stand under the same labels."""
    return [_compared(label, mine[label], stored[label]) for label in mine if mine[label] != stored[label]]


def _compared(label: str, mine: str, stored: str) -> Difference:
    left, right = mine.splitlines(), stored.splitlines()
    if max(len(left), len(right)) > _MOST_LINES:
        return Difference(label, *([counted(len(lines), "line")] for lines in (left, right)))
    only_mine, only_stored = list[str](), list[str]()
    for act, start, end, other_start, other_end in SequenceMatcher(None, left, right, autojunk=False).get_opcodes():
        if act != "equal":
            only_mine += left[start:end]
            only_stored += right[other_start:other_end]
    return Difference(label, *([_shortened(line) for line in lines] for lines in (only_mine, only_stored)))


def _shortened(line: str) -> str:
    return line if len(line) <= _LONGEST_SHOWN else f"{line[:_LONGEST_SHOWN]}…"
