"""What a try to send came to, and what follows from it for a message that has one copy."""

from __future__ import annotations

from datetime import datetime, timedelta

from lib.messages import Failure, StoredMessage
from lib.transports import Accepted, Again, Envelope, Outcome, Paced, Refused, Transport, Underway, Unknown

LEASE = timedelta(seconds=120)
"""Longer than any hand-over takes: a claim that is older belongs to a process that died."""

BACKOFF = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 240))
"""Waits between tries after temporary refusals; after the last one the message has failed."""

INTERRUPTED = Unknown("Sending was interrupted after the mail server may have taken it.", "interrupted")


def concluded(message: StoredMessage, outcome: Outcome | Again, now: datetime) -> StoredMessage:
    """The message as it is after that."""
    if isinstance(outcome, Accepted):
        known = dict.fromkeys([*message.known_ids, *outcome.ids])
        sent = _ended(message, "sent", _partly_refused(outcome))
        return sent.model_copy(
            update={"sent_at": now, "known_ids": [each for each in known if each != message.message_id]}
        )
    if isinstance(outcome, Again):
        again = _ended(message, "scheduled", message.failure, due_at=now + outcome.wait)
        return again.model_copy(update={"in_doubt": True})
    if isinstance(outcome, Paced):
        waiting = _ended(message, "scheduled", message.failure, due_at=now + outcome.wait)
        return waiting.model_copy(update={"attempts": message.attempts - 1})
    if isinstance(outcome, Underway):
        then = now + outcome.ask_again
        return message.model_copy(update={"lease_until": then, "due_at": then})
    failure = Failure(code=outcome.code, text=outcome.text)
    if isinstance(outcome, Unknown):
        if outcome.ask_again is None:
            return _ended(message, "uncertain", failure)
        # Still `submitting`: when this lease is over, the provider is asked as after a crash.
        then = now + outcome.ask_again
        return message.model_copy(update={"lease_until": then, "due_at": then})
    if outcome.temporary and message.attempts <= len(BACKOFF):
        pause = max(BACKOFF[message.attempts - 1], outcome.retry_after or timedelta(0))
        return _ended(message, "scheduled", failure, due_at=now + pause)
    return _ended(message, "failed", failure)


def _ended(
    message: StoredMessage, state: str, failure: Failure | None, due_at: datetime | None = None
) -> StoredMessage:
    return message.model_copy(
        update={
            "state": state,
            "failure": failure,
            "lease_until": None,
            "in_doubt": False,
            "due_at": due_at or message.due_at,
        }
    )


def not_written(message: StoredMessage, error: Exception) -> Outcome:
    """No refusal where an earlier try may have come through."""
    text = f"The mail could not be written: {error}"
    return Unknown(text, "compose") if message.in_doubt else Refused(False, "compose", text)


def _partly_refused(outcome: Accepted) -> Failure | None:
    if not outcome.refused:
        return None
    count = len(outcome.refused)
    codes = ", ".join(sorted({each.code for each in outcome.refused}))
    return Failure(code="recipients", text=f"The mail server did not take {count} of the recipients ({codes}).")


async def after_doubt(transport: Transport, envelope: Envelope, doubt: Unknown) -> Outcome | Again:
    """What the provider says of the try; where it does not know either, both reasons together."""
    outcome = await transport.after_doubt(envelope)
    if isinstance(outcome, Unknown):
        return Unknown(f"{doubt.text} {outcome.text}".strip(), doubt.code, outcome.ask_again)
    return outcome
