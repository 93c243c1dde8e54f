"""Settling of verdicts: how long after a hit more evidence may still change what is said of it."""

from __future__ import annotations

from datetime import timedelta

from lib.verdicts.evidence import Verdict
from lib.verdicts.thresholds import SETTLING

SETTLING_WHILE_SCANNED = timedelta(seconds=45)
"""Time from an early hit to its card. A scanner at delivery follows what it has found within this time, and a check
that is repeated shows by then. With the look that the queue brings, a card stays below the 60 s that are promised."""

_EARLY = frozenset(("at-once", "soon", "while-scanned", "before-dispatch"))
"""Codes of hits from while mail is scanned at its delivery, or of a time that says nothing."""

_KNOWN_READER = frozenset(
    ("mail-program", "image-proxy", "known-place", "well-known-place", "known-office", "this-recipient-again-and-again")
)
"""Codes of what scanners do not imitate: a mail program, a mail service's proxy, a place where the recipient was
certainly a person."""

_CERTAIN = frozenset(("replied-after", "user-said-person"))
"""Codes of evidence that settles a verdict whatever comes within seconds."""


def settling_of(verdict: Verdict) -> timedelta:
    """Return the time from a hit to its card. Early hits of unknown readers wait longest.

    The time depends on the verdict's reasons alone. Hits of long after delivery, and of known readers, wait for bursts
    and checks of the same seconds.
    """
    codes = {reason.code for reason in verdict.reasons}
    if codes & _EARLY and not codes & (_KNOWN_READER | _CERTAIN):
        return SETTLING_WHILE_SCANNED
    return SETTLING
