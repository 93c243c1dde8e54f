"""Reports: messages whose counts are mostly noise, and how reliable verdicts are."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from functions.api.endpoint import Answer, Call, Endpoints
from functions.api.paging import Page, PageQuery, last_key, page_until
from functions.shapes.message import MessageItem, message_item, time_zone_of
from lib.clock import month_of
from lib.reliability.report import Reliability, make_report
from lib.reliability.shares import ReliabilityTally

endpoints = Endpoints("Reports")


Month = Annotated[str, Field(pattern=r"^[0-9]{4}-(0[1-9]|1[0-2])$", description="YYYY-MM, in UTC")]


class NoiseQuery(PageQuery):
    month: Month | None = None


class ReliabilityQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")

    month: Month | None = None


class NoisyMessage(MessageItem):
    """A message that was opened more often than people open mail."""

    tag: Literal["scanner noise"] = "scanner noise"


@endpoints("GET", "/reports/scanner-noise", query=NoiseQuery, answers={200: Page[NoisyMessage]})
async def scanner_noise(call: Call) -> Answer:
    """List the messages of a month with more than 20 raw opens, most opens first; by default the current month."""
    query: NoiseQuery = call.query
    rows = call.services.lists.noise(call.org, query.month or month_of(call.now), last_key(call), query.limit + 1)
    zone = await time_zone_of(call)
    found = [row async for row in rows]
    shown, has_more = found[: query.limit], len(found) > query.limit
    seen = [listed for _, listed in shown if call.sees_mail_of(listed.message.sender)]
    items = [NoisyMessage(**dict(message_item(listed, call.now, zone))) for listed in seen]
    return Answer(200, page_until(call, items, shown[-1][0] if has_more else None))


@endpoints("GET", "/reports/reliability", query=ReliabilityQuery, answers={200: Reliability})
async def report_reliability(call: Call) -> Answer:
    """Compare what was said of a month's certain cases with what came true; by default of the current month.

    A month is that of the messages' sending. An organization that counts without who has no cases.
    """
    query: ReliabilityQuery = call.query
    month, reliability = query.month or month_of(call.now), call.services.reliability
    if call.organization.settings.tracking == "aggregate":
        return Answer(200, make_report(month, ReliabilityTally(), {}))
    shift = await reliability.load_prior_shift(call.org)
    return Answer(200, make_report(month, await reliability.load_month(call.org, month), shift))
