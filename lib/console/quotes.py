"""The words of a mail as its answer quotes them."""

from __future__ import annotations

from datetime import datetime

from lib.console.times import Times

_LONGEST = 4000
"""Characters of a quote."""


def quoted(words: str, writer: str, at: datetime | None, times: Times) -> str:
    """Quote a mail: a line that names writer and day, and the words, each line behind `> `."""
    local = times.local(at) if at else None
    when = f" on {local:%a} {local.day} {local:%b} {local.year}" if local else ""
    cut = words if len(words) <= _LONGEST else f"{words[:_LONGEST].rstrip()}…"
    lines = "\n".join(f"> {line}".rstrip() for line in cut.strip().splitlines())
    return f"{writer} wrote{when}:\n{lines}"
