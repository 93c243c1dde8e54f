"""Delivery advice: when a message is best sent."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field

from functions.endpoint import Answer, Call, Endpoints
from functions.messages import load
from lib.fields import Moment

endpoints = Endpoints("Delivery advice")

_YEARS = range(2000, 2100)
_RFC_3339 = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]")


def _written_out(value: Any) -> Any:
    """Numbers would pass for seconds since 1970."""
    if isinstance(value, str) and not _RFC_3339.match(value):
        raise ValueError("not a time of RFC 3339 with offset, such as 2026-05-04T09:30:00Z")
    return value


def _in_reach(value: datetime) -> datetime:
    if value.year not in _YEARS:
        raise ValueError(f"the year must be {_YEARS[0]} to {_YEARS[-1]}")
    return value


class AdviceQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")

    now: (
        Annotated[
            AwareDatetime,
            BeforeValidator(_written_out),
            AfterValidator(_in_reach),
            Field(description="the time to advise for, RFC 3339 with offset (+ written as %2B); by default now"),
        ]
        | None
    ) = None


class DeliveryAdvice(BaseModel):
    """When to send, and why; without a time where there is more than one recipient, or no known place."""

    suggested_at: Moment | None
    local_time: str | None = Field(description="the suggested time on the recipient's clock, ISO 8601 with offset")
    time_zone: str | None = Field(description="the recipient's zone of the IANA database, where it is known")
    sender_local_time: str | None = Field(description="the suggested time on the sender's clock, ISO 8601 with offset")
    sender_time_zone: str
    because: str
    confidence: Annotated[float, Field(ge=0, le=1)] = Field(description="how sure the advice is; 0 without a time")


@endpoints("GET", "/messages/{message}/delivery-advice", query=AdviceQuery, answers={200: DeliveryAdvice})
async def delivery_advice(call: Call) -> Answer:
    """When to send the message: in the recipient's working time, or when they read mail by habit; and why."""
    message = (await load(call)).message
    advisor = call.services.advisor
    sender_zone = await advisor.sender_zone(call.org, message)
    work_hours = call.organization.settings.work_hours
    advice = await advisor.advise(call.org, work_hours, message, sender_zone, call.query.now or call.now)
    return Answer(
        200,
        DeliveryAdvice(
            suggested_at=advice.suggested_at,
            local_time=_on_the_clock(advice.suggested_at, advice.zone),
            time_zone=advice.zone,
            sender_local_time=_on_the_clock(advice.suggested_at, sender_zone),
            sender_time_zone=sender_zone,
            because=advice.because,
            confidence=advice.confidence,
        ),
    )


def _on_the_clock(moment: datetime | None, zone: str | None) -> str | None:
    return moment.astimezone(ZoneInfo(zone)).isoformat(timespec="milliseconds") if moment and zone else None
