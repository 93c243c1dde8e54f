"""The hot path: a token is opened, the fact is handed to the journal, and the recipient gets what they came for.

No storage is read. Whatever fails here fails for us alone: the answer does not depend on it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from lib.catalogues.networks import Networks
from lib.tokens import Claim, KeyRing, Purpose
from lib.tracking.facts import HitKind, asks_for_privacy, new_fact
from lib.tracking.journal import Journal


class Request(Protocol):
    """A recipient's request: what a hit needs of it."""

    @property
    def method(self) -> str: ...

    @property
    def headers(self) -> Mapping[str, str]: ...


@dataclass(frozen=True, slots=True)
class Hit:
    """`stored` is False where the log has the fact instead of storage, and where there is none."""

    claim: Claim
    stored: bool


class Hits:
    """`trusted_hops` counts the proxies of ours that add to `X-Forwarded-For`."""

    def __init__(self, ring: KeyRing, journal: Journal, networks: Networks, trusted_hops: int) -> None:
        self._ring = ring
        self._journal = journal
        self._networks = networks
        self._trusted_hops = trusted_hops

    async def record(
        self, purpose: Purpose, kind: HitKind, token: str, request: Request, arrived: datetime
    ) -> Hit | None:
        """Record a hit, and return it once the fact is durable; None, and nothing recorded, for what is no such token.

        `arrived` is when the trigger was entered: whatever was waited for since is no part of when it happened.
        A browser that asks not to be tracked is heard: its opens are not recorded, its clicks without who
        (mautic#17187).
        """
        claim = self._ring.open(purpose, token)
        if claim is None:
            return None
        is_private = asks_for_privacy(request.headers)
        if is_private and kind == "open":
            return Hit(claim, stored=False)
        fact = new_fact(
            kind,
            claim.message,
            arrived,
            request.method,
            request.headers,
            recipient=None if is_private else claim.recipient,
            item=claim.item,
            trusted_hops=self._trusted_hops,
            networks=self._networks,
        )
        return Hit(claim, await self._journal.record(claim.organization, fact))

    async def record_within(
        self, seconds: float, purpose: Purpose, kind: HitKind, token: str, request: Request, arrived: datetime
    ) -> None:
        """`record`, for an answer that has cost time already: when these are over, the log has the fact.

        The journal goes on storing it all the same.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, seconds)):
                await self.record(purpose, kind, token, request, arrived)
