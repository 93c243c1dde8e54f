"""Delivery reports of the email service, which Event Grid brings."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field, StringConstraints

from functions.api.endpoint import Answer, Call, Endpoints
from functions.api.problems import Problem
from lib.fields import Model
from lib.inbound.delivery_reports import NotEvents, read_events

endpoints = Endpoints("Inbound mail")

_LARGEST = 1_100_000
"""Bytes: Event Grid's batches have up to 1 MB."""

_SAFE_ORIGIN_LENGTH = 253


class ReportsQuery(Model):
    key: Annotated[str, StringConstraints(max_length=200)] | None = Field(
        None, description="a key of scope `inbound`, where no header Authorization can be sent"
    )


class ReportsTaken(BaseModel):
    """The outcome of a request of Event Grid."""

    taken: int = Field(description="reports on mail of this organization")
    ignored: int = Field(description="reports on other mail")
    validationResponse: str | None = Field(None, description="the answer to Event Grid's handshake")


@endpoints(
    "POST",
    "/delivery-reports",
    query=ReportsQuery,
    answers={200: ReportsTaken},
    text_body=True,
    largest_body=_LARGEST,
    media_type="application/json",
    may=("full", "inbound"),
    key_in_query=True,
    everybodys=True,
)
async def take_delivery_reports(call: Call) -> Answer:
    """Take in Event Grid's events on delivered and failed mail of Azure Communication Services. Again is the same."""
    try:
        events = read_events(call.body)
    except NotEvents as error:
        raise Problem(400, f"The body holds no events: {error}.") from None
    if events.validation_code is not None:
        return Answer(200, {"validationResponse": events.validation_code})
    found = [await call.services.delivery_reports.take_report(call.org, each) for each in events.reports]
    return Answer(200, ReportsTaken(taken=sum(found), ignored=len(found) - sum(found)))


@endpoints(
    "OPTIONS",
    "/delivery-reports",
    query=ReportsQuery,
    answers={200: None},
    may=("full", "inbound"),
    key_in_query=True,
    everybodys=True,
)
async def allow_delivery_reports(call: Call) -> Answer:
    """Answer the handshake of CloudEvents: the service that asks may send events."""
    origin = call.request.headers.get("webhook-request-origin", "")[:_SAFE_ORIGIN_LENGTH]
    if not origin or not origin.isascii() or not origin.isprintable():
        raise Problem(400, "The header WebHook-Request-Origin names who wants to send events.")
    return Answer(200, None, headers={"WebHook-Allowed-Origin": origin, "WebHook-Allowed-Rate": "*"})
