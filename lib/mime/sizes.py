"""Sizes in bytes, in words."""

from __future__ import annotations

MEGABYTE = 1024 * 1024


def size_text(size: int) -> str:
    """Return a size such as `812 KB` or `1.4 MB`, which every language of mails understands. A KB has 1,024 bytes."""
    if size < 1024:
        return f"{size} B"
    if size < MEGABYTE:
        return f"{round(size / 1024)} KB"
    return f"{size / MEGABYTE:.1f} MB"
