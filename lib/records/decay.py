"""Scores that fade: an event counts half after 30 days, a quarter after 60, and so on.

Nothing that is stored depends on the time of reading. Instead of letting old events shrink, later ones grow: an event
at `t` is worth 2^((t - EPOCH) / HALF_LIFE), and a score is the sum divided by what an event of now would be worth. So
two records never change their order because time passes (forward decay: Cormode, Shkapenyuk, Srivastava and Xu,
"Forward Decay: A Practical Time Decay Model for Streaming Systems", ICDE 2009).

Worths are whole numbers, of any size: sums of them are exact, do not depend on the order, and can be taken back.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Literal

from lib.clock import milliseconds
from lib.organizations.registry import Score
from lib.storage.sort_keys import descending_number

EventKind = Literal["open", "click", "attachment_view", "reply"]
EVENT_KINDS: tuple[EventKind, ...] = ("open", "click", "attachment_view", "reply")

EPOCH = milliseconds(datetime(2025, 1, 1, tzinfo=UTC))
"""There is no mail of ours from before."""

LATEST = milliseconds(datetime(2100, 1, 1, tzinfo=UTC))
"""What claims to be later counts as of then: a score must fit into a float."""

HALF_LIFE = 30 * 24 * 60 * 60 * 1000
"""Milliseconds."""

_BITS = 40
"""An event at EPOCH is worth 2^40, so that a millisecond (2^-31 of the half-life) makes a difference."""

_WEIGHT_BITS = 20
"""Weights are counted in units of 2^-20."""

_LARGEST_RANK = 10**10 - 1


def worth(at: int) -> int:
    """What an event at `at` (milliseconds since 1970) is worth; exactly twice as much 30 days later."""
    halvings, rest = divmod(min(at, LATEST) - EPOCH, HALF_LIFE)
    mantissa = int(2.0 ** (_BITS + rest / HALF_LIFE))
    return mantissa << halvings if halvings >= 0 else mantissa >> -halvings


def weighted(worths: Mapping[EventKind, int], weights: Score) -> int:
    """The sum over all kinds, in units of its own; for `score` and `rank`."""
    by_kind = {
        "open": weights.open,
        "click": weights.click,
        "attachment_view": weights.attachment,
        "reply": weights.reply,
    }
    return sum(round(by_kind[kind] * 2**_WEIGHT_BITS) * value for kind, value in worths.items())


def score(worths: Mapping[EventKind, int], weights: Score, now: int) -> float:
    """The score at `now` (milliseconds): an event of this moment counts its weight."""
    return round(weighted(worths, weights) / (max(1, worth(now)) << _WEIGHT_BITS), 3)


def rank(worths: Mapping[EventKind, int], weights: Score) -> str:
    """Ten digits that sort by score, the highest first. It tells scores apart that differ by a millionth."""
    total = weighted(worths, weights)
    level = math.log2(total) if total > 0 else 0.0
    return descending_number(int(level * 10**6), _LARGEST_RANK)
