"""Logging in where mail goes out, without sending anything."""

from __future__ import annotations

import asyncio
from typing import Protocol, runtime_checkable

from lib.readiness.checks import ReadinessCheck
from lib.transports.protocol import Transport

SECONDS = 8.0
"""Limit of a login: less than a report may take."""


@runtime_checkable
class LogsIn(Protocol):
    """A transport that can show that it would be let in."""

    async def log_in(self) -> str | None:
        """Log in, and send nothing. Return why that failed, in a sentence; None where it went well."""


async def check_login(transport: Transport | None) -> ReadinessCheck:
    """Check that the mail server or the provider lets Heed in."""
    code = "transport"
    if transport is None:
        sentence = "No mail server is set, so that nothing is sent; a CRM that sends by itself needs none."
        return ReadinessCheck(
            code=code, state="warning", sentence=sentence, what_to_do="Set HEED_SMTP_HOST or HEED_TRANSPORT."
        )
    if not isinstance(transport, LogsIn):
        return ReadinessCheck(
            code=code, state="unknown", sentence="This way out for mail cannot be tried without sending."
        )
    try:
        async with asyncio.timeout(SECONDS):
            failure = await transport.log_in()
    except TimeoutError:
        failure = f"The way out for mail did not answer within {SECONDS:.0f} seconds."
    if failure is None:
        return ReadinessCheck(code=code, state="ok", sentence="The way out for mail is open: logging in went well.")
    mending = "Look at the settings HEED_SMTP_…, HEED_ACS_… or HEED_GRAPH_URL, and at the roles of the app's identity."
    return ReadinessCheck(code=code, state="problem", sentence=failure, what_to_do=mending)
