"""Channels that fail: each is left alone for a while, so that it holds up neither other channels nor other users.

A process remembers them by the sealed address: a channel that gets another address begins anew.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from cachetools import LRUCache

from lib.clock import Clock

_FIRST_PAUSE, _LONGEST_PAUSE = timedelta(seconds=50), timedelta(minutes=15)
"""The first pause ends before the next minute's sweep; each further one is twice as long."""

_MOST_DOUBLINGS = 5
_MOST_REMEMBERED = 10_000


class _Failures(NamedTuple):
    """Failures in a row of a channel."""

    number: int
    tried_at: datetime
    is_probed: bool
    """Whether a card is on its way, to see whether the channel takes it again."""

    def is_over(self, now: datetime) -> bool:
        """Whether the channel may be tried again; it may where the clock was set back."""
        pause = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** min(self.number - 1, _MOST_DOUBLINGS))
        return not timedelta(0) <= now - self.tried_at < pause


class BrokenChannels:
    """The channels that failed when they were tried last."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._failures: LRUCache[str, _Failures] = LRUCache(_MOST_REMEMBERED)

    def may_try(self, sealed: str | None) -> bool:
        """Whether a channel may be tried now. One that has failed is tried with one card at a time."""
        failures, now = self._failures.get(sealed or ""), self._clock.now()
        if failures is None:
            return True
        if not failures.is_over(now):
            return False
        self._failures[sealed or ""] = failures._replace(tried_at=now, is_probed=True)
        return True

    def note_failure(self, sealed: str) -> None:
        """Note that a channel did not answer, or takes nothing for now."""
        before = self._failures.get(sealed)
        # Posts that were under way together are one failure.
        number = 1 if before is None else before.number + before.is_probed
        self._failures[sealed] = _Failures(number, self._clock.now(), is_probed=False)

    def note_answer(self, sealed: str) -> None:
        """Note that a channel has answered."""
        self._failures.pop(sealed, None)
