"""Shares of a whole as parts of one bar."""

from __future__ import annotations

from collections.abc import Sequence

WIDTH = 240


def share_bars(counts: Sequence[int]) -> list[tuple[float, float]]:
    """Return the beginning and the width of each part of a bar that is `WIDTH` wide; nothing where all is zero."""
    whole, begun = sum(counts), 0.0
    parts: list[tuple[float, float]] = []
    for count in counts if whole else ():
        width = WIDTH * count / whole
        parts.append((round(begun, 2), round(width, 2)))
        begun += width
    return parts
