"""Limits of requests to the API, in memory: of each key, and of wrong keys by the network that they come from.

Limits are token buckets: a bucket is full at first, a request takes one token, and tokens come back evenly. Each
instance of the app counts by itself. Keys are known here by digests.

A wrong key costs reads of the registry, so the number of wrong keys is bounded by network. A key that was good before
is not held to that bound. A wrong key that comes again within seconds is refused without a read, and is not counted. So
neither a guesser nor a client with an old key locks out keys in use that come from the same network.
"""

from __future__ import annotations

import math
from collections.abc import MutableMapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from cachetools import LRUCache

from lib.clock import Clock

_MOST_KEYS = 20_000
"""Good keys that are known; the one that was used least lately is forgotten first."""

_MOST_NETWORKS = 20_000
_MOST_WRONG = 5_000

WRONG_KEYS = 30
"""Wrong keys that a network may send at once."""

WRONG_KEYS_A_SECOND = 1.0
"""Wrong keys that a network may send in the long run."""

REFUSED_FOR = timedelta(seconds=5)
"""For so long a wrong key is refused without a read."""


@dataclass(frozen=True, slots=True)
class KeyStanding:
    """The standing of a key after a request."""

    quota: int
    """Requests a second; also the most at once."""

    remaining: int
    """Requests that would be taken now."""

    seconds: int
    """Seconds, rounded up, after which the bucket is full again; after a refusal, after which one is taken again."""

    is_refused: bool = False


class TokenBucket:
    """A bucket of `size` tokens into which `rate` tokens come a second."""

    __slots__ = ("_at", "_rate", "_size", "_tokens")

    def __init__(self, size: int, rate: float, now: datetime) -> None:
        self._size = size
        self._rate = rate
        self._tokens = float(size)
        self._at = now

    def take_token(self, now: datetime) -> bool:
        """Take a token, if there is one."""
        self._refill(now)
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True

    def put_back(self) -> None:
        """Put a token back that was taken."""
        self._tokens = min(float(self._size), self._tokens + 1)

    @property
    def tokens(self) -> int:
        return int(self._tokens)

    def seconds_until(self, tokens: float) -> int:
        """Return the seconds after which there are so many tokens, rounded up."""
        return max(0, math.ceil((tokens - self._tokens) / self._rate))

    def _refill(self, now: datetime) -> None:
        """Add what has come since. A clock that was set back adds nothing."""
        passed = (now - self._at).total_seconds()
        self._tokens = min(float(self._size), self._tokens + max(0.0, passed) * self._rate)
        self._at = now


class RateLimits:
    """Counts requests and wrong keys. `a_second` are the requests that a key may send each second."""

    def __init__(self, a_second: int, clock: Clock) -> None:
        self.a_second = a_second
        self._clock = clock
        self._keys: MutableMapping[str, TokenBucket] = LRUCache(_MOST_KEYS)
        self._networks: MutableMapping[str | None, TokenBucket] = LRUCache(_MOST_NETWORKS)
        self._wrong: MutableMapping[str, datetime] = LRUCache(_MOST_WRONG)

    def is_known(self, key: str) -> bool:
        """Whether the key was good when it came last."""
        return key in self._keys

    def count_request(self, key: str) -> KeyStanding:
        """Count a request with a good key, and tell whether it is one too many."""
        now = self._clock.now()
        bucket = self._keys.get(key)
        if bucket is None:
            bucket = self._keys[key] = TokenBucket(self.a_second, self.a_second, now)
        if bucket.take_token(now):
            return KeyStanding(self.a_second, bucket.tokens, max(1, bucket.seconds_until(self.a_second)))
        return KeyStanding(self.a_second, 0, max(1, bucket.seconds_until(1)), is_refused=True)

    def was_refused_lately(self, key: str) -> bool:
        """Whether the key was wrong some seconds ago."""
        refused_at = self._wrong.get(key)
        return refused_at is not None and timedelta() <= self._clock.now() - refused_at < REFUSED_FOR

    def admit_unknown_key(self, network: str | None) -> int:
        """Let a network have a key looked up that is not known; return the seconds that it has to wait, 0 for none.

        A key that turns out to be good is given back by `forgive_network`. None stands for all clients whose network
        is not known.
        """
        now = self._clock.now()
        bucket = self._networks.get(network)
        if bucket is None:
            bucket = self._networks[network] = TokenBucket(WRONG_KEYS, WRONG_KEYS_A_SECOND, now)
        return 0 if bucket.take_token(now) else max(1, bucket.seconds_until(1))

    def forgive_network(self, network: str | None) -> None:
        """Take back what `admit_unknown_key` has counted, as the key was not wrong."""
        bucket = self._networks.get(network)
        if bucket is not None:
            bucket.put_back()

    def note_wrong_key(self, key: str) -> None:
        """Remember that a key is wrong, and no longer that it was good."""
        self._keys.pop(key, None)
        self._wrong[key] = self._clock.now()
