"""Readiness of an organization to send mail that arrives and is followed."""

from __future__ import annotations

from functions.api.endpoint import READERS, Answer, Call, Endpoints
from lib.readiness.report import ReadinessReport

endpoints = Endpoints("Readiness")


@endpoints("GET", "/readiness", answers={200: ReadinessReport}, may=(*READERS, "admin"))
async def get_readiness(call: Call) -> Answer:
    """Tell what keeps mail of the organization from arriving, or from being followed, and what to do about it.

    Looked at: the way out for mail, DNS records of the users' domains, the domain that links lead to, the way of
    answers, clocks, opt-in, time zones, mailboxes and queues. It takes ten seconds at most, and is found out anew once
    a minute.
    """
    return Answer(200, await call.services.readiness.report(call.org, call.organization.settings))
