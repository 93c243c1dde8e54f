"""Worth of human events that fade: an event counts half after 30 days, a quarter after 60, and so on.

Nothing that is stored depends on the time of reading. Old events do not shrink; later ones grow instead: an event at
`t` is worth 2^((t - EPOCH) / HALF_LIFE), and a score is the sum divided by what an event of now would be worth. So two
records never change their order because time passes (forward decay: Cormode, Shkapenyuk, Srivastava and Xu, "Forward
Decay: A Practical Time Decay Model for Streaming Systems", ICDE 2009).

Worths are whole numbers of any size: their sums are exact, do not depend on the order, and can be taken back.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal

from lib.clock import milliseconds

EventKind = Literal["open", "click", "attachment_view", "reply"]
EVENT_KINDS: tuple[EventKind, ...] = ("open", "click", "attachment_view", "reply")

EPOCH = milliseconds(datetime(2025, 1, 1, tzinfo=UTC))
"""Milliseconds since 1970. Heed has sent no mail before this time."""

LATEST = milliseconds(datetime(2100, 1, 1, tzinfo=UTC))
"""Milliseconds since 1970. An event dated later counts as of this time: a score must fit into a float."""

HALF_LIFE = 30 * 24 * 60 * 60 * 1000
"""Milliseconds."""

_BITS = 40
"""An event at EPOCH is worth 2^40, so that a millisecond (2^-31 of the half-life) makes a difference."""


def worth(at: int) -> int:
    """Worth of an event at `at` (milliseconds since 1970); exactly twice as much 30 days later."""
    halvings, rest = divmod(min(at, LATEST) - EPOCH, HALF_LIFE)
    mantissa = int(2.0 ** (_BITS + rest / HALF_LIFE))
    return mantissa << halvings if halvings >= 0 else mantissa >> -halvings
