"""Delivery advice: the best time to send a message."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from functions.api.endpoint import Answer, Call, Endpoints
from functions.resources.messages import load_message
from lib.clock import in_zone
from lib.fields import Moment
from lib.lists.store import Listed
from lib.messages.follow_state import Decision
from lib.messages.models import StoredMessage
from lib.send_time.advice import Advice
from lib.send_time.sentences import NO_RECIPIENT, SEVERAL

endpoints = Endpoints("Delivery advice")

_YEARS = range(2000, 2100)
"""The years for which holidays and working weeks are roughly known."""


def _advisable(value: datetime) -> datetime:
    if value.year not in _YEARS:
        raise ValueError(f"advice is given for the years {_YEARS[0]} to {_YEARS[-1]}")
    return value


class AdviceQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")

    now: Annotated[Moment, AfterValidator(_advisable)] | None = Field(
        None, description="the time to advise for, RFC 3339 with offset (+ written as %2B); by default now"
    )


class DeliveryAdvice(BaseModel):
    """The best time to send, and the reason; no time where there is more than one recipient or no known place."""

    suggested_at: Moment | None
    local_time: str | None = Field(description="the suggested time on the recipient's clock, ISO 8601 with offset")
    time_zone: str | None = Field(description="the recipient's zone of the IANA database, where it is known")
    sender_local_time: str | None = Field(description="the suggested time on the sender's clock, ISO 8601 with offset")
    sender_time_zone: str
    because: str
    confidence: Annotated[float, Field(ge=0, le=1)] = Field(description="how sure the advice is; 0 without a time")


@endpoints("GET", "/messages/{message}/delivery-advice", query=AdviceQuery, answers={200: DeliveryAdvice})
async def delivery_advice(call: Call) -> Answer:
    """Advise when to send the message: in the recipient's working time, or at a time when they usually read mail."""
    message = (await load_message(call)).message
    decision = None
    if len(message.recipients()) == 1:
        decision = await call.services.preparation.decision(call.org, call.organization.settings, message)
    return Answer(200, await advise_on(call, message, decision, call.query.now or call.now))


async def advise_on(
    call: Call,
    message: StoredMessage,
    decision: Decision | None,
    now: datetime,
    read_ahead: Sequence[Listed] | None = None,
) -> DeliveryAdvice:
    """Advise on a message, whose only recipient `decision` knows; `read_ahead` are mails that were read meanwhile."""
    advisor = call.services.advisor
    if decision is not None and decision.sender is not None:
        sender_zone = decision.sender.time_zone
    else:
        sender_zone = await advisor.sender_zone(call.org, message)
    if decision is not None and len(message.recipients()) == 1:
        [recipient] = decision.known.recipients
        work_hours = call.organization.settings.work_hours
        advice = await advisor.advise(call.org, work_hours, recipient.match, sender_zone, now, read_ahead)
    else:
        advice = Advice(SEVERAL if message.recipients() else NO_RECIPIENT)
    return DeliveryAdvice(
        suggested_at=advice.suggested_at,
        local_time=_on_the_clock(advice.suggested_at, advice.zone),
        time_zone=advice.zone,
        sender_local_time=_on_the_clock(advice.suggested_at, sender_zone),
        sender_time_zone=sender_zone,
        because=advice.because,
        confidence=advice.confidence,
    )


def _on_the_clock(moment: datetime | None, zone: str | None) -> str | None:
    return in_zone(moment, zone).isoformat(timespec="milliseconds") if moment and zone else None
