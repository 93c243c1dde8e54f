"""The times of sending: a worker's lease, and the waits between tries; and asking a provider about a try in doubt."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from lib.transports import Accepted, Again, Envelope, Outcome, Transport, Unknown

LEASE = timedelta(seconds=45)
"""The time for which a worker holds a message, unless it renews its lease. With a sweep each minute, the messages of
a killed worker go on within two minutes."""

RENEW_EVERY = 12.0
"""Seconds between renewals: three may fail."""

BACKOFF = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 30, 60, 120, 240))
"""Waits between tries after temporary refusals; the last one is repeated."""

GIVE_UP_AFTER = timedelta(hours=24)
"""The time from the first try after which refused mail has failed."""

INTERRUPTED = Unknown("Sending was interrupted after the mail server may have taken it.", "interrupted")


def pause_after(attempts: int, retry_after: timedelta | None = None) -> timedelta:
    """Return the wait before the next try, after so many refused tries (1 up); longer where the provider says so."""
    return max(BACKOFF[min(max(attempts, 1), len(BACKOFF)) - 1], retry_after or timedelta(0))


async def after_doubt(transport: Transport, envelope: Envelope, doubt: Unknown) -> Outcome | Again:
    """Ask the provider about the try. Where it does not know either, the outcome has both reasons."""
    outcome = await transport.after_doubt(envelope)
    if isinstance(outcome, Unknown):
        return Unknown(f"{doubt.text} {outcome.text}".strip(), doubt.code, outcome.ask_again, doubt.refused)
    if isinstance(outcome, Accepted):
        return replace(outcome, refused=(*outcome.refused, *doubt.refused))
    return outcome
