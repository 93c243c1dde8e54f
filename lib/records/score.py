"""Scores of records: fading worths of events, weighted as the organization says (`lib.verdicts.decay`)."""

from __future__ import annotations

import math
from collections.abc import Mapping

from lib.organizations.settings import Score
from lib.storage.sort_keys import descending_number
from lib.verdicts.decay import EventKind, worth

_WEIGHT_BITS = 20
"""Weights are counted in units of 2^-20."""

_LARGEST_RANK = 10**10 - 1


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
