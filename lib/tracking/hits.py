"""The hot path: open the token, hand the fact to the journal, and let the recipient have the answer.

No storage is read: who is not to be recorded stands in memory (`lib.stops`). A failure here is ours alone: the answer
does not depend on the record.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from lib.catalogues.networks import Networks
from lib.stops.organization_stops import OrganizationStops
from lib.tokens import Claim, KeyRing, Purpose
from lib.tracking.facts import HitKind
from lib.tracking.floods import Floods
from lib.tracking.requests import asks_for_privacy, new_fact

FindStops = Callable[[str], OrganizationStops]
"""Returns the stops of an organization as they are in memory."""


class Request(Protocol):
    """The parts of a recipient's request that a hit needs."""

    @property
    def method(self) -> str:
        """The method, in capitals."""
        ...

    @property
    def headers(self) -> Mapping[str, str]:
        """Headers by name in lower case."""
        ...


@dataclass(frozen=True, slots=True)
class Hit:
    """A hit on one of our tokens."""

    claim: Claim

    stored: bool
    """False where the log has the fact instead of storage, where it is counted in a flood, and where no fact is
    recorded."""

    is_switched_off: bool = False
    """Whether the link must not lead on."""


class Hits:
    """Records hits. `trusted_hops` is the number of our own proxies that add to `X-Forwarded-For`."""

    def __init__(
        self, ring: KeyRing, floods: Floods, find_stops: FindStops, networks: Networks, trusted_hops: int
    ) -> None:
        self._ring = ring
        self._floods = floods
        self._find_stops = find_stops
        self._networks = networks
        self._trusted_hops = trusted_hops

    async def record(
        self, purpose: Purpose, kind: HitKind, token: str, request: Request, arrived: datetime
    ) -> Hit | None:
        """Record a hit, and return it once the fact is durable; record nothing and return None for any other token.

        A hit of a flood (`lib.tracking.floods`) is counted, and returned at once.

        `arrived` is the time at which the trigger was entered: waiting since then does not change the time of the hit.
        Nothing is recorded of a recipient who is stopped. The wish of a browser not to be tracked is heeded: opens are
        not recorded, clicks are recorded without the recipient (mautic#17187).
        """
        claim = self._ring.open(purpose, token)
        if claim is None:
            return None
        stops = self._find_stops(claim.organization)
        link = claim.item if kind == "click" else None
        if stops.is_stopped(claim, link):
            return Hit(claim, stored=False, is_switched_off=stops.is_switched_off(claim.message, link))
        is_private = asks_for_privacy(request.headers)
        if is_private and kind == "open":
            return Hit(claim, stored=False)
        is_named = stops.state.names_recipients and not is_private
        fact = new_fact(
            kind,
            claim.message,
            arrived,
            request.method,
            request.headers,
            recipient=claim.recipient if is_named else None,
            item=claim.item,
            trusted_hops=self._trusted_hops,
            networks=self._networks,
        )
        return Hit(claim, await self._floods.record_hit(claim.organization, fact, claim.recipient))

    async def record_within(
        self, seconds: float, purpose: Purpose, kind: HitKind, token: str, request: Request, arrived: datetime
    ) -> None:
        """Record a hit whose answer has cost time already: after these seconds the log has the fact.

        The journal goes on storing the fact all the same.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, seconds)):
                await self.record(purpose, kind, token, request, arrived)
