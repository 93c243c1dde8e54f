"""Scheduled mails, time that goes by, and the cards that come of it."""

from __future__ import annotations

from typing import Any

from lib.clock import rfc3339
from lib.storage import Range
from lib.storage.due_index import Due
from lib.storage.layout import DUE
from tests.support.heed import GMAIL, Heed

TOMORROW = "2026-05-05T07:00:00Z"
RECORD = {"type": "contact", "id": "c1"}


async def scheduled(heed: Heed, **fields: Any) -> str:
    message = await heed.draft(deliver_at=TOMORROW, **fields)
    await heed.post(f"/messages/{message}/send")
    return message


async def pass_time(heed: Heed, **by: float) -> None:
    """Let time go by, and every timer tick once at its end."""
    heed.clock.move(**by)
    await heed.tick("sweep_due")
    await heed.work("outbox")
    await heed.tick("remind")
    await heed.work()


async def opened(heed: Heed, agent: str = GMAIL, **fields: Any) -> str:
    """A mail that was opened, to Ada where no recipient is given; the noise rules have had their say."""
    ada = {"email": "ada@example.com", "name": "Ada", "record": RECORD}
    message = await heed.sent(**{"to": [ada], **fields})
    await heed.hit(heed.urls("o")[0], agent)
    await heed.work("interactions")
    await pass_time(heed, seconds=15)
    await heed.services.assessor.refresh("acme", message)
    return message


async def cards(heed: Heed, status: str = "open") -> list[Any]:
    return list((await heed.get(f"/cards?status={status}", x_heed_user="rep1"))["items"])


async def act(heed: Heed, card: str, action: str, body: Any = None) -> Any:
    answer = await heed.api("POST", f"/cards/{card}/{action}", body, x_heed_user="rep1")
    assert answer.status in (200, 201), answer.body
    return answer.json


async def entries(heed: Heed) -> list[str]:
    """Times of the reminders and snoozes that a sweep would find."""
    rows = heed.storage.tables.query(DUE, Range(low="remind|", high="x"))
    return sorted([rfc3339(Due.from_row(row).at) async for row in rows if row.partition != "state"])
