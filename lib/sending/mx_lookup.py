"""Gateways: the product that filters each recipient's mail, known by the mail servers (MX) of the domain.

They are looked up while a mail is being prepared. The result is a hint for the judge and nothing more: a gateway that
cannot be found in time stays unknown, and no mail waits longer than `LIMIT` for it, or fails.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from cachetools import LRUCache

from lib.catalogues.gateways import Gateways
from lib.clock import Clock
from lib.people.addresses import domain_of

if TYPE_CHECKING:
    from dns.asyncresolver import Resolver

log = logging.getLogger("heed.gateways")

Resolve = Callable[[str], Awaitable[Sequence[str]]]
"""The mail servers of a domain, the best preferred first; none where it has none. It may raise any exception."""

LIMIT = 2.0
"""Seconds for all domains of a message together."""

MOST_DOMAINS = 50
"""Domains that are looked up at a time: as a rule, recipients of one mail are at few domains."""

KNOWN_FOR = timedelta(hours=24)
FAILED_FOR = timedelta(minutes=5)
SILENT_FOR = timedelta(minutes=1)
"""After a lookup with no answer at all: where DNS is down, or is not there, every mail would wait for nothing."""

_MOST_REMEMBERED = 10_000


class RecipientGateways:
    """Looks up gateways, and remembers them. `resolve` is None where nothing is to be looked up."""

    def __init__(self, gateways: Gateways, resolve: Resolve | None, clock: Clock) -> None:
        self._gateways = gateways
        self._resolve = resolve
        self._clock = clock
        self._silent_until: datetime | None = None
        # Domain -> the time until which that holds, and the gateway.
        self._remembered: LRUCache[str, tuple[datetime, str | None]] = LRUCache(_MOST_REMEMBERED)

    async def find_gateways(self, addresses: Sequence[str]) -> list[str | None]:
        """Return the gateway's id for each address, None where it is unknown; an empty list where all are unknown."""
        if self._resolve is None:
            return []
        domains = [domain_of(address) for address in addresses]
        unknown = [domain for domain in dict.fromkeys(domains) if domain and not self._remembers(domain)]
        if unknown:
            await self._look_up(self._resolve, unknown[:MOST_DOMAINS])
        found = [self._remembered[domain][1] if domain in self._remembered else None for domain in domains]
        return found if any(found) else []

    def _remembers(self, domain: str) -> bool:
        until, _ = self._remembered.get(domain, (None, None))
        return until is not None and until > self._clock.now()

    async def _look_up(self, resolve: Resolve, domains: Sequence[str]) -> None:
        now = self._clock.now()
        if self._silent_until is not None and now < self._silent_until:
            return
        lookups = {asyncio.ensure_future(self._gateway(resolve, domain)): domain for domain in domains}
        try:
            await asyncio.wait(lookups, timeout=LIMIT)
        finally:
            for lookup in lookups:
                lookup.cancel()
        answered = 0
        for lookup, domain in lookups.items():
            if lookup.done() and not lookup.cancelled() and lookup.exception() is None:
                answered += 1
                self._remembered[domain] = now + KNOWN_FOR, lookup.result()
            else:
                _, before = self._remembered.get(domain, (now, None))
                self._remembered[domain] = now + FAILED_FOR, before
        if answered < len(lookups):
            log.info("mail servers of %d of %d domains could not be looked up", len(lookups) - answered, len(lookups))
        self._silent_until = None if answered else now + SILENT_FOR

    async def _gateway(self, resolve: Resolve, domain: str) -> str | None:
        return self._gateways.gateway_of(await resolve(domain))


class DnsResolve:
    """Asks the machine's name servers, or the given one (address, port)."""

    def __init__(self, server: tuple[str, int] | None = None) -> None:
        self._server = server
        self._resolver: Resolver | None = None
        self._making = asyncio.Lock()

    async def __call__(self, domain: str) -> Sequence[str]:
        """Return the mail servers of a domain. Raises dns.exception.DNSException."""
        async with self._making:
            if self._resolver is None:
                # The import takes some 40 ms; hits must not wait for it.
                self._resolver = await asyncio.to_thread(make_resolver, self._server, LIMIT)
        from dns.resolver import NXDOMAIN, NoAnswer

        try:
            answer = await self._resolver.resolve(domain, "MX")
        except (NXDOMAIN, NoAnswer):
            return []
        servers = sorted(answer, key=lambda server: int(server.preference))
        return [str(server.exchange) for server in servers]


def make_resolver(server: tuple[str, int] | None, seconds: float) -> Resolver:
    """Make a resolver that asks the machine's name servers, or `server`, and gives up after so many seconds."""
    import dns.asyncbackend
    from dns.asyncresolver import Resolver

    dns.asyncbackend.get_backend("asyncio")
    resolver = Resolver(configure=server is None)
    if server is not None:
        resolver.nameservers, resolver.port = [server[0]], server[1]
    # Half of the time for a server that is silent, and as much again for the next one, or the next try.
    resolver.timeout, resolver.lifetime = seconds / 2, seconds
    return resolver
