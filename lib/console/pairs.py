"""Lists of pairs as people type them, one pair a line: `INBOX/Deals => opportunity/o1`, and `due_in_hours: 24`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

_PAIR = re.compile(r"(.*\S)\s+=>(?:\s+(\S+))?")


def write_pairs(pairs: Iterable[tuple[str, str]]) -> str:
    """Write pairs; the second part of a pair may be empty."""
    return "\n".join(f"{left} => {right}".rstrip() if right or "=>" in left else left for left, right in pairs)


def read_pairs(text: str) -> list[tuple[str, str]]:
    """Read pairs; the second part, which has no spaces, is empty where the line has none."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    found = [(line, _PAIR.fullmatch(line)) for line in lines]
    return [(pair[1], pair[2] or "") if pair else (line, "") for line, pair in found]


def write_named(values: Mapping[str, Any]) -> str:
    """Write values by their names. A text stands as it is, unless it would be read as something else."""
    return "\n".join(f"{name}: {_written(value)}" for name, value in values.items())


def read_named(text: str) -> dict[str, Any]:
    """Read values by their names: numbers and lists as JSON has them, and texts."""
    parts = [line.partition(":") for line in text.splitlines() if line.strip()]
    return {name.strip(): _read(value.strip()) for name, _, value in parts}


def _written(value: Any) -> str:
    if isinstance(value, str) and value == value.strip() and _read(value) == value and value.isprintable():
        return value
    return json.dumps(value, ensure_ascii=False)


def _read(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
