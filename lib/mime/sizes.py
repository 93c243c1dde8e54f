"""Sizes in bytes, in words."""

from __future__ import annotations

MEGABYTE = 1024 * 1024


def size_text(size: int) -> str:
    """`812 KB`, `1.4 MB`: understood in every language that mails are written in. A KB has 1,024 bytes."""
    if size < 1024:
        return f"{size} B"
    if size < MEGABYTE:
        return f"{round(size / 1024)} KB"
    return f"{size / MEGABYTE:.1f} MB"
