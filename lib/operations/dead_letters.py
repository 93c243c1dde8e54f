"""Dead letters: messages that failed every time. This module classifies and counts them, and raises the alarm."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Literal

from lib.inbound.orders import read_inbound_order
from lib.metrics import DEAD_LETTERS, emit_metric
from lib.organizations.job_orders import read_job_order
from lib.sending.orders import read_order
from lib.storage import DeadLetters
from lib.storage.layout import INBOUND, JOBS, OUTBOX, QUEUES, WEBHOOKS
from lib.tracking.queue_messages import read_interactions
from lib.webhooks.orders import read_delivery_order

log = logging.getLogger("heed.dead_letters")

LOG_MARK = "heed.dead_letters "
"""Begins the part of a log line that alerts are made of."""

DeadLetterKind = Literal["wake", "facts", "refresh", "mail", "job", "delivery", "unreadable"]
"""`wake` asks the outbox to look at a message, `facts` and `refresh` ask the assessor, `mail` asks for a mail to be
taken in, `job` for a piece of long work, `delivery` for events to go to a webhook; the rest is `unreadable`."""


def dead_letter_kind(queue: str, body: bytes) -> DeadLetterKind:
    """Classify a message of the queue, without telling its contents."""
    try:
        if queue == OUTBOX:
            read_order(body)
            return "wake"
        if queue == INBOUND:
            read_inbound_order(body)
            return "mail"
        if queue == JOBS:
            read_job_order(body)
            return "job"
        if queue == WEBHOOKS:
            read_delivery_order(body)
            return "delivery"
        interactions = read_interactions(json.loads(body))
        return "facts" if interactions.facts or interactions.commits else "refresh"
    except (ValueError, RecursionError):
        return "unreadable"


async def count_dead_letters(dead_letters: DeadLetters) -> dict[str, int]:
    """Count the dead letters of each queue. Raises StorageError."""
    return dict(zip(QUEUES, await asyncio.gather(*map(dead_letters.count, QUEUES)), strict=True))


def raise_alarm(queue: str, count: int) -> None:
    """Write the metric of a queue's dead letters, and log an error where there are any."""
    emit_metric(DEAD_LETTERS, count, queue=queue)
    if count:
        log.error("%s%s", LOG_MARK, json.dumps({"queue": queue, "count": count}))
