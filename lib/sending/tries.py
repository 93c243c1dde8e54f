"""How long a worker may hold a message, when refused mail is tried again, and asking about a try in doubt."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from lib.transports import Accepted, Again, Envelope, Outcome, Transport, Unknown

LEASE = timedelta(seconds=45)
"""For which a worker holds a message. It renews that while it lives; with a sweep each minute, what a killed one has
left goes on within two minutes."""

RENEW_EVERY = 12.0
"""Seconds between renewals: three may fail."""

BACKOFF = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 30, 60, 120, 240))
"""Waits between tries after temporary refusals; the last one is repeated."""

GIVE_UP_AFTER = timedelta(hours=24)
"""From the first try: what is still refused then has failed."""

INTERRUPTED = Unknown("Sending was interrupted after the mail server may have taken it.", "interrupted")


def pause_after(attempts: int, retry_after: timedelta | None = None) -> timedelta:
    """The wait before the next try, after so many (1 up) that were refused; longer where the provider says so."""
    return max(BACKOFF[min(max(attempts, 1), len(BACKOFF)) - 1], retry_after or timedelta(0))


async def after_doubt(transport: Transport, envelope: Envelope, doubt: Unknown) -> Outcome | Again:
    """What the provider says of the try; where it does not know either, both reasons together."""
    outcome = await transport.after_doubt(envelope)
    if isinstance(outcome, Unknown):
        return Unknown(f"{doubt.text} {outcome.text}".strip(), doubt.code, outcome.ask_again, doubt.refused)
    if isinstance(outcome, Accepted):
        return replace(outcome, refused=(*outcome.refused, *doubt.refused))
    return outcome
