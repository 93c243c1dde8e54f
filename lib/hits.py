"""The hot path: a token is opened, the fact is handed to the journal, and the recipient gets what they came for.

No storage is read. Whatever fails here fails for us alone: the answer does not depend on it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from lib.facts import Kind, asks_for_privacy, new_fact
from lib.services import Services
from lib.tokens import Claim, Purpose


@dataclass(frozen=True, slots=True)
class Hit:
    """`stored` is False where the log has the fact instead of storage, and where there is none."""

    claim: Claim
    stored: bool


async def record_hit(
    services: Services,
    purpose: Purpose,
    kind: Kind,
    token: str,
    method: str,
    headers: Mapping[str, str],
    arrived: datetime,
) -> Hit | None:
    """What the token says, once the fact is durable; None, and nothing recorded, for what is no such token.

    `arrived` is when the trigger was entered: whatever was waited for since is no part of when it happened.
    A browser that asks not to be tracked is heard: its opens are not recorded, its clicks without who (mautic#17187).
    """
    claim = services.ring.open(purpose, token)
    if claim is None:
        return None
    is_private = asks_for_privacy(headers)
    if is_private and kind == "open":
        return Hit(claim, stored=False)
    fact = new_fact(
        kind,
        claim.message,
        arrived,
        method,
        headers,
        recipient=None if is_private else claim.recipient,
        item=claim.item,
        trusted_hops=services.settings.trusted_hops,
        networks=services.catalogues.networks,
    )
    return Hit(claim, await services.journal.record(claim.organization, fact))


async def record_within(
    seconds: float,
    services: Services,
    purpose: Purpose,
    kind: Kind,
    token: str,
    method: str,
    headers: Mapping[str, str],
    arrived: datetime,
) -> None:
    """`record_hit`, for an answer that has cost time already: when these are over, the log has the fact.

    The journal goes on storing it all the same.
    """
    with suppress(TimeoutError):
        async with asyncio.timeout(max(0.0, seconds)):
            await record_hit(services, purpose, kind, token, method, headers, arrived)
