"""Reports on messages whose counts are mostly noise."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from functions.api.endpoint import Answer, Call, Endpoints
from functions.api.paging import Page, PageQuery, last_key, page
from functions.shapes.message import MessageItem, message_item, time_zone_of
from lib.lists.store import month_of

endpoints = Endpoints("Reports")


class NoiseQuery(PageQuery):
    month: Annotated[str, Field(pattern=r"^[0-9]{4}-(0[1-9]|1[0-2])$", description="YYYY-MM, in UTC")] | None = None


class NoisyMessage(MessageItem):
    """A message that was opened more often than people open mail."""

    tag: Literal["scanner noise"] = "scanner noise"


@endpoints("GET", "/reports/scanner-noise", query=NoiseQuery, answers={200: Page[NoisyMessage]})
async def scanner_noise(call: Call) -> Answer:
    """List the messages of a month with more than 20 raw opens, most opens first; by default the current month."""
    query: NoiseQuery = call.query
    rows = call.services.lists.noise(call.org, query.month or month_of(call.now), last_key(call), query.limit + 1)
    zone = await time_zone_of(call)
    found = [(cursor, NoisyMessage(**dict(message_item(listed, call.now, zone)))) async for cursor, listed in rows]
    return Answer(200, page(call, found))
