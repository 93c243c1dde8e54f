"""Messages that failed every time: what is told of them, and the alarm that there are any."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Literal

from lib.sending.orders import read_order
from lib.storage import DeadLetters
from lib.storage.layout import OUTBOX, QUEUES
from lib.tracking.facts import read_interactions

log = logging.getLogger("heed.dead_letters")

LOG_MARK = "heed.dead_letters "
"""Begins the part of a log line that alerts are made of."""

Kind = Literal["wake", "facts", "refresh", "unreadable"]
"""`wake` asks the outbox to look at a message, `facts` and `refresh` the assessor; the rest nobody can read."""


def kind_of(queue: str, body: bytes) -> Kind:
    """What a message of the queue is about, without what it says."""
    try:
        if queue == OUTBOX:
            read_order(body)
            return "wake"
        interactions = read_interactions(json.loads(body))
        return "facts" if interactions.facts or interactions.commits else "refresh"
    except (ValueError, RecursionError):
        return "unreadable"


async def counts(dead_letters: DeadLetters) -> dict[str, int]:
    """How many each queue has. Raises StorageError."""
    return dict(zip(QUEUES, await asyncio.gather(*map(dead_letters.count, QUEUES)), strict=True))


async def raise_alarm(dead_letters: DeadLetters) -> None:
    """One error in the log for each queue that has any. Raises StorageError."""
    for queue, count in (await counts(dead_letters)).items():
        if count:
            log.error("%s%s", LOG_MARK, json.dumps({"queue": queue, "count": count}))
