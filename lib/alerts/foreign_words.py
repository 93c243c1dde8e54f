"""Words of strangers, such as names and subjects, made safe to stand among the words of an alert."""

from __future__ import annotations

import re

# Unicode's embeddings, overrides and isolates (UAX 9, 2): one that is left open turns the words behind it around.
_DIRECTIONS = re.compile("[\u202a-\u202e\u2066-\u2069]")
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")


def in_own_direction(text: str) -> str:
    """Return the text without characters that turn other words around, or that show nothing."""
    return _CONTROLS.sub(" ", _DIRECTIONS.sub("", text))


def on_one_line(text: str) -> str:
    """Return the text on one line, without such characters."""
    return " ".join(in_own_direction(text).split())
