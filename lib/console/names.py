"""Names of several people in few words."""

from __future__ import annotations

from collections.abc import Sequence

_SHOWN = 2


def first_names(names: Sequence[str]) -> str:
    """Name one or two people, and count the others: `Ada, Bob and 3 others`."""
    if not names:
        return "Nobody"
    shown, others = names[:_SHOWN], len(names) - _SHOWN
    if others > 0:
        return f"{', '.join(shown)} and {others} other{'s' if others > 1 else ''}"
    return " and ".join(shown)
