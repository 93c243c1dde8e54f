"""The limit of what one link to the recipient's page may have done, in memory: each instance counts by itself.

A request of the page writes to storage, or puts a message on the queue by which mail is sent. So a stranger with a
forwarded mail, or a program that sends every form, must not send thousands of them. The first stop by a link that names
its recipient is never refused.
"""

from __future__ import annotations

import hashlib
from collections.abc import MutableMapping

from cachetools import LRUCache

from lib.clock import Clock
from lib.organizations.rate_limits import TokenBucket

AT_ONCE = 20
"""Requests of one link that are carried out at once."""

SECONDS_APART = 6
"""Seconds between two requests of one link in the long run."""

_MOST_LINKS = 20_000
"""Links whose requests are counted. The one that was used least lately is forgotten first."""


class VisitLimit:
    """Counts the requests of links."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._links: MutableMapping[bytes, TokenBucket] = LRUCache(_MOST_LINKS)

    def admit_request(self, token: str) -> bool:
        """Count a request by this token; tell whether there are not too many."""
        link, now = hashlib.blake2b(token.encode(), digest_size=16).digest(), self._clock.now()
        bucket = self._links.get(link)
        if bucket is None:
            bucket = self._links[link] = TokenBucket(AT_ONCE, 1 / SECONDS_APART, now)
        return bucket.take_token(now)
