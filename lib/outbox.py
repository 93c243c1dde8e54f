"""The sending state machine. Its truth is the message's row; every step is a conditional write.

    draft -> scheduled -> claimed {lease} -> submitting {written before the first byte to the provider} -> sent
                 ^            | lease over       | definite refusal: scheduled again with backoff, or failed
                 +------------+------------------+ crash or silence: uncertain, never resent by itself

Whoever comes second loses the write and stops. A queue message only says "look at this one": twice, late or in
another order changes nothing.
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from lib.clock import Clock
from lib.compose import ComposeError
from lib.ids import MADE, ORGANIZATION
from lib.message_store import Loaded, MessageStore
from lib.messages import Failure, StoredMessage
from lib.prepare import Preparation, Prepared, UnknownSender
from lib.repository import Stale
from lib.storage import Queues
from lib.tables import OUTBOX
from lib.transports import Accepted, Envelope, Outcome, Refused, Transport

log = logging.getLogger("heed.outbox")

LEASE = timedelta(seconds=120)
"""Longer than any hand-over takes: a claim that is older belongs to a process that died."""

BACKOFF = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 240))
"""Waits between tries after temporary refusals; after the last one the message has failed."""

_LONGEST_DELAY = timedelta(days=1)


class NotAllowed(Exception):
    """The message's state does not allow this; the text says why."""


@dataclass(frozen=True, slots=True)
class Wake:
    """A message of the queue `outbox`."""

    organization: str
    message: str

    def to_json(self) -> str:
        return json.dumps({"v": 1, "org": self.organization, "message": self.message})


def read_wake(body: bytes) -> Wake:
    """Raises ValueError for whatever is no such message; it ends in the poison queue."""
    raw = json.loads(body)
    if not isinstance(raw, dict) or raw.get("v") != 1:
        raise ValueError("a message of another version, or none")
    organization, message = raw.get("org"), raw.get("message")
    if not isinstance(organization, str) or not ORGANIZATION.fullmatch(organization):
        raise ValueError("it names no organization")
    if not isinstance(message, str) or not MADE.fullmatch(message):
        raise ValueError("it names no message")
    return Wake(organization, message)


class Outbox:
    def __init__(
        self,
        store: MessageStore,
        preparation: Preparation,
        queues: Queues,
        transport: Transport | None,
        clock: Clock,
    ) -> None:
        self._store = store
        self._preparation = preparation
        self._queues = queues
        self._transport = transport
        self._clock = clock

    async def schedule(self, organization: str, loaded: Loaded) -> StoredMessage:
        """Queue it: now, or for its `deliver_at`. Again is the same. Raises NotAllowed, Stale."""
        if self._transport is None:
            raise NotAllowed(
                "No mail server is set (HEED_SMTP_HOST), so Heed cannot send; use prepare and sent, or have it set."
            )
        message = loaded.message
        if message.state not in ("draft", "scheduled", "failed"):
            raise NotAllowed(f"A message that is {message.status} cannot be sent.")
        now = self._clock.now()
        if message.state != "scheduled":
            due = message.deliver_at if message.deliver_at and message.deliver_at > now else now
            message = message.model_copy(
                update={
                    "state": "scheduled",
                    "due_at": due,
                    "message_id": message.message_id or await self._preparation.message_id(organization, message),
                    "failure": None,
                    "attempts": 0,
                }
            )
            await self._store.change(organization, message, loaded.etag)
        await self._wake(organization, message, (message.due_at or now) - now)
        return message

    async def deliver(self, organization: str, message_id: str) -> StoredMessage | None:
        """Do whatever is to be done about it now; the message when its state has changed. Raises StorageError."""
        loaded = await self._store.load(organization, message_id)
        if loaded is None or self._transport is None:
            return None
        message, now = loaded.message, self._clock.now()
        if message.state == "scheduled" and message.due_at and message.due_at > now:
            await self._wake(organization, message, message.due_at - now)
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
        await self._store.change(organization, ended, etag)
        if ended.state == "scheduled":
            await self._wake(organization, ended, BACKOFF[message.attempts - 1])
        return ended

    async def _settle_abandoned(self, organization: str, loaded: Loaded, now: datetime) -> StoredMessage | None:
        """Somebody is at it, or died at it: wait for the lease; then try again, or say that nobody knows."""
        message = loaded.message
        lease = message.lease_until or now
        if lease > now:
            await self._wake(organization, message, lease - now)
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

    async def resolve(self, organization: str, loaded: Loaded, resend: bool) -> StoredMessage:
        """A person says what became of an uncertain message. Raises NotAllowed, Stale."""
        message = loaded.message
        if message.state != "uncertain":
            raise NotAllowed(f"Only an uncertain message can be resolved; this one is {message.status}.")
        now = self._clock.now()
        if not resend:
            sent = message.model_copy(update={"state": "sent", "sent_at": now, "failure": None})
            await self._store.change(organization, sent, loaded.etag)
            return sent
        again = message.model_copy(update={"state": "scheduled", "due_at": now, "failure": None, "attempts": 0})
        await self._store.change(organization, again, loaded.etag)
        await self._wake(organization, again, timedelta(0))
        return again

    async def _wake(self, organization: str, message: StoredMessage, delay: timedelta) -> None:
        wake = Wake(organization, message.id)
        await self._queues.send(OUTBOX, wake.to_json(), max(timedelta(0), min(delay, _LONGEST_DELAY)))


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
