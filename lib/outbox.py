"""The sending state machine. Its truth is the message's row; every step is a conditional write.

    draft -> scheduled -> claimed {lease} -> submitting {written before the first byte to the provider} -> sent
                 ^            | lease over       | definite refusal: scheduled again with backoff, or failed
                 +------------+------------------+ crash or silence: uncertain, never resent by itself

Whoever comes second loses the write and stops. A queue message only says "look at this one": twice, late or in
another order changes nothing.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from lib.clock import Clock
from lib.compose import ComposeError
from lib.message_store import Loaded, MessageStore
from lib.messages import Failure, StoredMessage
from lib.prepare import Preparation, Prepared, UnknownSender
from lib.repository import Stale
from lib.schedule import Schedule
from lib.transports import Accepted, Envelope, Outcome, Refused, Transport

log = logging.getLogger("heed.outbox")

LEASE = timedelta(seconds=120)
"""Longer than any hand-over takes: a claim that is older belongs to a process that died."""

BACKOFF = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 240))
"""Waits between tries after temporary refusals; after the last one the message has failed."""


class Outbox:
    def __init__(
        self,
        store: MessageStore,
        preparation: Preparation,
        schedule: Schedule,
        transport: Transport | None,
        clock: Clock,
    ) -> None:
        self._store = store
        self._preparation = preparation
        self._schedule = schedule
        self._transport = transport
        self._clock = clock

    async def deliver(self, organization: str, message_id: str) -> StoredMessage | None:
        """Do whatever is to be done about it now; the message when its state has changed. Raises StorageError."""
        loaded = await self._store.load(organization, message_id)
        if loaded is None or self._transport is None:
            return None
        message, now = loaded.message, self._clock.now()
        if message.state == "scheduled" and message.due_at and message.due_at > now:
            await self._schedule.wake(organization, message)
            return None
        try:
            if message.state == "scheduled":
                return await self._claim_and_send(organization, loaded)
            if message.state in ("claimed", "submitting"):
                return await self._settle_abandoned(organization, loaded, now)
        except Stale:
            log.info("message %s: another worker has it", message_id)
        return None

    async def _claim_and_send(self, organization: str, loaded: Loaded) -> StoredMessage:
        claimed = loaded.message.model_copy(
            update={
                "state": "claimed",
                "lease_until": self._clock.now() + LEASE,
                "attempts": loaded.message.attempts + 1,
            }
        )
        etag = await self._store.change(organization, claimed, loaded.etag)
        try:
            body = await self._store.body(organization, claimed.id)
            prepared = await self._preparation.prepare(organization, claimed, body, self._clock.now())
        except (ComposeError, UnknownSender) as error:
            failed = _ended(claimed, "failed", Failure(code="compose", text=f"The mail could not be written: {error}"))
            await self._store.change(organization, failed, etag)
            return failed
        submitting = claimed.model_copy(
            update={
                "state": "submitting",
                "follow_state": prepared.copy.follow_state,
                "remarks": prepared.remarks,
            }
        )
        etag = await self._store.change(organization, submitting, etag, copies=[prepared.copy])
        outcome = await self._hand_over(submitting, prepared)
        return await self._conclude(organization, submitting, etag, outcome)

    async def _hand_over(self, message: StoredMessage, prepared: Prepared) -> Outcome:
        assert self._transport is not None
        recipients = message.recipients()
        addresses = tuple(dict.fromkeys(recipients[number].email for number in prepared.copy.recipients))
        return await self._transport.send(Envelope(prepared.sender, addresses, prepared.composed.mime))

    async def _conclude(self, organization: str, message: StoredMessage, etag: str, outcome: Outcome) -> StoredMessage:
        """Write down what became of it, and see to the next try."""
        now = self._clock.now()
        if isinstance(outcome, Accepted):
            ended = message.model_copy(
                update={
                    "state": "sent",
                    "sent_at": now,
                    "lease_until": None,
                    "failure": _partly_refused(outcome),
                }
            )
        elif not isinstance(outcome, Refused):
            ended = _ended(message, "uncertain", Failure(code="unconfirmed", text=outcome.text))
        elif outcome.temporary and message.attempts <= len(BACKOFF):
            again = now + BACKOFF[message.attempts - 1]
            ended = _ended(message, "scheduled", Failure(code=outcome.code, text=outcome.text), due_at=again)
        else:
            ended = _ended(message, "failed", Failure(code=outcome.code, text=outcome.text))
        if ended.state == "scheduled":
            await self._schedule.enter(organization, ended)
        await self._store.change(organization, ended, etag)
        await self._schedule.leave(organization, message)
        if ended.state == "scheduled":
            await self._schedule.wake(organization, ended)
        return ended

    async def _settle_abandoned(self, organization: str, loaded: Loaded, now: datetime) -> StoredMessage | None:
        """Somebody is at it, or died at it: wait for the lease; then try again, or say that nobody knows."""
        message = loaded.message
        lease = message.lease_until or now
        if lease > now:
            await self._schedule.wake(organization, message, lease)
            return None
        if message.state == "claimed":
            again = message.model_copy(update={"state": "scheduled", "lease_until": None})
            etag = await self._store.change(organization, again, loaded.etag)
            return await self._claim_and_send(
                organization, Loaded(again, etag, loaded.summary, loaded.summary_etag, loaded.copies)
            )
        uncertain = _ended(
            message,
            "uncertain",
            Failure(code="interrupted", text="Sending was interrupted after the mail server may have taken it."),
        )
        await self._store.change(organization, uncertain, loaded.etag)
        return uncertain


def _ended(message: StoredMessage, state: str, failure: Failure, due_at: datetime | None = None) -> StoredMessage:
    return message.model_copy(
        update={
            "state": state,
            "failure": failure,
            "lease_until": None,
            "due_at": due_at or message.due_at,
        }
    )


def _partly_refused(outcome: Accepted) -> Failure | None:
    if not outcome.refused:
        return None
    count = len(outcome.refused)
    codes = ", ".join(sorted({str(code) for _, code in outcome.refused}))
    return Failure(code="recipients", text=f"The mail server did not take {count} of the recipients ({codes}).")
