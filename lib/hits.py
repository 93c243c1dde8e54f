"""The hot path: a token is opened, the fact is handed to the journal, and the recipient gets what they came for.

No storage is read. Whatever fails here fails for us alone: the answer does not depend on it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
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


_going_on: set[asyncio.Task[Hit | None]] = set()
"""The event loop holds tasks weakly."""


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
    """`record_hit`, for an answer that has cost time already: after so long, the recording goes on by itself."""
    recording = asyncio.create_task(record_hit(services, purpose, kind, token, method, headers, arrived))
    _going_on.add(recording)
    recording.add_done_callback(_going_on.discard)
    await asyncio.wait({recording}, timeout=max(0.0, seconds))
