"""Long texts in as many columns as they need."""

from __future__ import annotations

from lib.storage.protocols import Row

_CHUNK = 16_000
"""Characters of a column: Azure allows 32 Ki UTF-16 units, and a character may take two."""


def columns(text: str, name: str = "d", size: int = _CHUNK) -> dict[str, str]:
    """A text in as many columns as it needs, of `size` characters each: `d0`, `d1`, …"""
    return {f"{name}{place // size}": text[place : place + size] for place in range(0, len(text), size)}


def text_of(row: Row, name: str = "d") -> str:
    """The inverse of `columns`, whatever the size of the columns."""
    chunks: list[str] = []
    while f"{name}{len(chunks)}" in row.values:
        chunks.append(row.text(f"{name}{len(chunks)}"))
    return "".join(chunks)
