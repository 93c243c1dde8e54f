"""Circumstances: all that rules about one hit see beside its request.

Many hits have the same, so that what the rules say of them is found once and kept.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import NamedTuple

from lib.catalogues.gateways import Gateway
from lib.messages.feedback import Was
from lib.tracking.facts import FactKind
from lib.verdicts.thresholds import DEFAULT


class Circumstances(NamedTuple):
    """Circumstances of a hit: what the time and the message say of it."""

    kind: FactKind

    gateway_network: str | None
    """Name of the product that filters mail, for a hit from its network."""

    passed: int | None
    """Milliseconds since the mail went out, cut down by `tell_apart`; None where not known."""

    seconds: int
    """Seconds since the mail went out, for as long as they are told; later 0."""

    is_out_of_date: bool
    """Whether the browser was years old by then."""

    gateway: Gateway | None
    """Product that filters the recipient's mail."""

    is_own: bool
    """Whether it came from the sender's own network, and the recipient is none of the sender's side."""

    said: Was | None
    """What a user of the organization said of it."""


_LONGEST_SOON = max(DEFAULT.soon.values())

_STEPS = sorted(
    {
        -DEFAULT.skew,
        *[passed + 1 for passed in (*DEFAULT.at_once.values(), *DEFAULT.soon.values())],
        DEFAULT.gateway_scans_for + 1,
        DEFAULT.scans_for + 1,
        DEFAULT.later,
        DEFAULT.much_later,
    }
)
"""Milliseconds after dispatch from which a rule may say something else."""

_BEFORE = _STEPS[0] - 1


def tell_apart(passed: int) -> tuple[int, int]:
    """Cut a time after dispatch down to what rules tell apart: the last step in milliseconds, and seconds to tell."""
    place = bisect_right(_STEPS, passed)
    if place and passed <= _LONGEST_SOON:
        return _STEPS[place - 1], max(1, round(passed / 1000))
    return _STEPS[place - 1] if place else _BEFORE, 0
