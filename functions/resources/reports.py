"""Reports: messages whose counts are mostly noise, and how reliable verdicts are."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from functions.api.endpoint import READERS, Answer, Call, Endpoints
from functions.api.paging import Page, PageQuery, last_key, page_until
from functions.api.problems import not_there
from functions.shapes.message import MessageItem, message_item, time_zone_of
from lib.clock import month_of
from lib.fields import QueryNumber
from lib.lists.store import scope_of
from lib.reliability.report import Reliability, make_report
from lib.reliability.shares import ReliabilityTally
from lib.verdicts.kpis import Kpis

endpoints = Endpoints("Reports")

_MOST_COUNTED = 5_000


Month = Annotated[str, Field(pattern=r"^[0-9]{4}-(0[1-9]|1[0-2])$", description="YYYY-MM, in UTC")]


class NoiseQuery(PageQuery):
    month: Month | None = None


class ReliabilityQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")

    month: Month | None = None


class VerdictsQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")

    days: Annotated[QueryNumber, Field(ge=1, le=90, description="days up to today, in UTC")] = 14


class VerdictsOfDay(BaseModel):
    """Verdicts on the opens, clicks and views of attachments of the mail that was sent on a day."""

    day: date = Field(description="in UTC")
    messages: int = Field(description="mails that were sent on the day")
    human: int = Field(description="verdicts that a person did it")
    machine: int = Field(description="verdicts that a machine did it; the sender's own looks count here, too")
    uncertain: int = Field(description="verdicts that leave it open")


class VerdictMix(BaseModel):
    """Verdicts by the day of sending, newest first."""

    days: list[VerdictsOfDay] = Field(description="days on which mail was sent")
    is_complete: bool = Field(
        description="false: the days have more than 5,000 messages, drafts and received mail included, and the newest "
        "were counted"
    )


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


@endpoints(
    "GET",
    "/reports/verdicts",
    query=VerdictsQuery,
    answers={200: VerdictMix},
    may=(*READERS, "admin", "administrator"),
    everybodys=True,
)
async def report_verdicts(call: Call) -> Answer:
    """Count verdicts by the day on which the mail was sent, without telling of which mail."""
    if await call.services.organizations.load_organization(call.org) is None:
        raise not_there("organization")
    since = call.now.date() - timedelta(days=call.query.days - 1)
    days: dict[date, VerdictsOfDay] = {}
    count = 0
    async for _, listed in call.services.lists.page(call.org, scope_of(), "all", "-sent_at", None, _MOST_COUNTED + 1):
        message = listed.message
        if message.sort_time().date() < since:
            break  # nothing that follows was sent within the days
        count += 1
        if message.sent_at is not None and message.state != "received" and count <= _MOST_COUNTED:
            day = message.sent_at.date()
            _count(days.setdefault(day, _empty(day)), listed.kpis)
    return Answer(200, VerdictMix(days=list(days.values()), is_complete=count <= _MOST_COUNTED))


def _empty(day: date) -> VerdictsOfDay:
    return VerdictsOfDay(day=day, messages=0, human=0, machine=0, uncertain=0)


def _count(day: VerdictsOfDay, kpis: Kpis) -> None:
    """Add a message to its day."""
    day.messages += 1
    day.human += kpis.opens + kpis.clicks + kpis.attachment_views
    for name in ("machine", "uncertain"):
        counts = getattr(kpis, name)
        setattr(day, name, getattr(day, name) + counts.opens + counts.clicks + counts.attachment_views)


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
