"""The DNS records by which receivers judge mail, as far as readiness asks for them.

Only TXT and MX records of names below the domains of users' addresses are asked for, through the machine's own name
servers, and what they hold is not told: a lookup shows whether a record is there. Answers are remembered, and lookups
are bounded in number and time, so that the service is no scanner.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal

from cachetools import LRUCache

from lib.clock import Clock
from lib.sending.mx_lookup import make_resolver

if TYPE_CHECKING:
    from dns.asyncresolver import Resolver

DnsType = Literal["TXT", "MX"]
Lookup = Callable[[str, DnsType], Awaitable[Sequence[str]]]
"""The records of a name: texts joined, mail servers by preference; none where there are none. It may raise anything."""

SECONDS = 2.0
"""Limit of one lookup."""

_KNOWN_FOR = timedelta(minutes=5)
_MOST_REMEMBERED = 10_000
_AT_ONCE = 8


class NotAnswered(Exception):
    """DNS did not answer in time, or is not to be asked."""


class DnsRecords:
    """Looks up records, and remembers them for five minutes. `lookup` is None where DNS is not to be asked."""

    def __init__(self, lookup: Lookup | None, clock: Clock) -> None:
        self._lookup = lookup
        self._clock = clock
        self._places = asyncio.Semaphore(_AT_ONCE)
        self._known: LRUCache[tuple[str, DnsType], tuple[datetime, Sequence[str]]] = LRUCache(_MOST_REMEMBERED)

    async def texts(self, name: str, beginning: str) -> list[str]:
        """The TXT records of a name that begin so, in whatever case. Raises NotAnswered."""
        found = await self._records(name, "TXT")
        return [text for text in found if text.strip().lower().startswith(beginning)]

    async def mail_servers(self, domain: str) -> Sequence[str]:
        """The mail servers of a domain. Raises NotAnswered."""
        return [server for server in await self._records(domain, "MX") if server.strip(".")]

    async def _records(self, name: str, kind: DnsType) -> Sequence[str]:
        if self._lookup is None:
            raise NotAnswered
        until, known = self._known.get((name, kind), (self._clock.now(), ()))
        if until > self._clock.now():
            return known
        try:
            async with self._places, asyncio.timeout(SECONDS):
                found = await self._lookup(name, kind)
        except Exception as error:  # whatever a resolver raises: the check is unknown then
            raise NotAnswered from error
        self._known[name, kind] = self._clock.now() + _KNOWN_FOR, found
        return found


class AskDns:
    """Asks the machine's name servers, or the given one (address, port)."""

    def __init__(self, server: tuple[str, int] | None = None) -> None:
        self._server = server
        self._resolver: Resolver | None = None
        self._making = asyncio.Lock()

    async def __call__(self, name: str, kind: DnsType) -> Sequence[str]:
        """Return the records. Raises dns.exception.DNSException."""
        async with self._making:
            if self._resolver is None:
                # The import takes some 40 ms; hits must not wait for it.
                self._resolver = await asyncio.to_thread(make_resolver, self._server, SECONDS)
        from dns.resolver import NXDOMAIN, NoAnswer

        try:
            answer = await self._resolver.resolve(name, kind, search=False)
        except (NXDOMAIN, NoAnswer):
            return []
        if kind == "MX":
            return [str(server.exchange) for server in sorted(answer, key=lambda server: int(server.preference))]
        return [b"".join(record.strings).decode("utf-8", "replace") for record in answer]
