"""The sending state machine. Its truth is the message's row; every step is a conditional write.

    draft -> scheduled -> claimed {lease} -> submitting {written before the first byte to the provider} -> sent
                 ^            | lease over       | definite refusal: scheduled again with backoff, or failed
                 +------------+------------------+ crash or silence: the provider is asked. It has it: sent. It would
                                                   notice a repetition: scheduled again. Else uncertain, never resent

Whoever comes second loses the write and stops. A queue message only says "look at this one": twice, late or in
another order changes nothing.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from lib.clock import Clock
from lib.compose import ComposeError
from lib.gateways import RecipientGateways
from lib.lists import is_told
from lib.message_store import Loaded, MessageStore
from lib.messages import Copy, Failure, StoredMessage
from lib.prepare import Preparation, Prepared, UnknownSender
from lib.repository import Stale
from lib.schedule import Schedule
from lib.transports import Accepted, Again, Envelope, Outcome, Refused, Transport, Unknown
from lib.transports.envelopes import earlier_tries, make_envelope

log = logging.getLogger("heed.outbox")

LEASE = timedelta(seconds=120)
"""Longer than any hand-over takes: a claim that is older belongs to a process that died."""

BACKOFF = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 240))
"""Waits between tries after temporary refusals; after the last one the message has failed."""

_MOST_TRIES = 8
"""Of a step, while others change the reminder."""

_NOT_OURS = ("reminder", "reminded_at", "reminder_met")
"""What others may change while a message is on its way: a reminder can be set, and fire, at any time."""

_INTERRUPTED = Unknown("Sending was interrupted after the mail server may have taken it.", "interrupted")


class Outbox:
    def __init__(
        self,
        store: MessageStore,
        preparation: Preparation,
        gateways: RecipientGateways,
        schedule: Schedule,
        transport: Transport | None,
        clock: Clock,
    ) -> None:
        self._store = store
        self._preparation = preparation
        self._gateways = gateways
        self._schedule = schedule
        self._transport = transport
        self._clock = clock

    async def deliver(self, organization: str, message_id: str) -> StoredMessage | None:
        """Do whatever is to be done about it now; the message when lists and cards are to be told of it.

        That is so when its state has changed, and when the worker that changed it has died before it told of that.
        Raises StorageError.
        """
        loaded = await self._store.load(organization, message_id)
        if loaded is None or self._transport is None:
            return None
        message, now = loaded.message, self._clock.now()
        untold = None if is_told(loaded.summary.places, message) else message
        if message.state == "scheduled" and message.due_at and message.due_at > now:
            await self._schedule.wake(organization, message)
            return untold
        try:
            if message.state == "scheduled":
                return await self._claim_and_send(organization, loaded)
            if message.state in ("claimed", "submitting"):
                return await self._settle_abandoned(organization, loaded, now)
        except Stale:
            log.info("message %s: another worker has it", message_id)
            return None
        return untold

    async def _step(
        self,
        organization: str,
        before: StoredMessage,
        after: StoredMessage,
        etag: str,
        copies: Sequence[Copy] = (),
    ) -> tuple[StoredMessage, str]:
        """Write the next step: the message as it then is, and its etag. Raises Stale when it has got another's."""
        for _ in range(_MOST_TRIES):
            try:
                return after, await self._store.change(organization, after, etag, copies=copies)
            except Stale:
                loaded = await self._store.load(organization, before.id)
                if loaded is None or _claim_of(loaded.message) != _claim_of(before):
                    raise
                after = after.model_copy(update={name: getattr(loaded.message, name) for name in _NOT_OURS})
                etag = loaded.etag
        raise Stale

    async def _claim_and_send(self, organization: str, loaded: Loaded) -> StoredMessage:
        assert self._transport is not None
        message = loaded.message
        claimed = message.model_copy(
            update={
                "state": "claimed",
                "lease_until": self._clock.now() + LEASE,
                # Repeating a doubtful try is still that try.
                "attempts": message.attempts + (0 if message.in_doubt else 1),
            }
        )
        claimed, etag = await self._step(organization, message, claimed, loaded.etag)
        try:
            prepared, gateways = await self._prepared_and_gateways(organization, claimed)
        except (ComposeError, UnknownSender) as error:
            return await self._conclude(organization, claimed, etag, _not_written(claimed, error))
        submitting = claimed.model_copy(
            update={
                "state": "submitting",
                "tried_at": claimed.tried_at if claimed.in_doubt else self._clock.now(),
                "follow_state": prepared.copy.follow_state,
                "remarks": prepared.remarks,
                "gateways": gateways,
            }
        )
        submitting, etag = await self._step(organization, claimed, submitting, etag, [prepared.copy])
        envelope = make_envelope(submitting, prepared, earlier_tries(claimed))
        outcome: Outcome | Again = await self._transport.send(envelope)
        if isinstance(outcome, Unknown):
            outcome = await self._after_doubt(envelope, outcome)
        return await self._conclude(organization, submitting, etag, outcome)

    async def _prepared_and_gateways(
        self, organization: str, message: StoredMessage
    ) -> tuple[Prepared, list[str | None]]:
        """At the same time. Raises ComposeError, UnknownSender."""
        looking = asyncio.create_task(self._gateways.of([each.email for each in message.recipients()]))
        try:
            return await self._prepared(organization, message), await looking
        finally:
            looking.cancel()

    async def _prepared(self, organization: str, message: StoredMessage) -> Prepared:
        """Raises ComposeError, UnknownSender."""
        body = await self._store.body(organization, message.id)
        return await self._preparation.prepare(organization, message, body, self._clock.now())

    async def _after_doubt(self, envelope: Envelope, doubt: Unknown) -> Outcome | Again:
        """What the provider says of the try; where it does not know either, both reasons together."""
        assert self._transport is not None
        outcome = await self._transport.after_doubt(envelope)
        if isinstance(outcome, Unknown):
            return Unknown(f"{doubt.text} {outcome.text}".strip(), doubt.code, outcome.ask_again)
        return outcome

    async def _conclude(
        self, organization: str, message: StoredMessage, etag: str, outcome: Outcome | Again
    ) -> StoredMessage:
        """Write down what became of it, and see to the next try, or to asking again."""
        ended = _concluded(message, outcome, self._clock.now())
        goes_on = ended.state in ("scheduled", "submitting")
        if goes_on:
            await self._schedule.enter(organization, ended)
        ended, _ = await self._step(organization, message, ended, etag)
        if not goes_on or ended.due_at != message.due_at:
            await self._schedule.leave(organization, message)
        if goes_on:
            await self._schedule.wake(organization, ended)
        return ended

    async def _settle_abandoned(self, organization: str, loaded: Loaded, now: datetime) -> StoredMessage | None:
        """Somebody is at it, or died at it: wait for the lease; then try again, or ask the provider about it."""
        message = loaded.message
        lease = message.lease_until or now
        if lease > now:
            await self._schedule.wake(organization, message, lease)
            return None
        if message.state == "claimed":
            again = message.model_copy(update={"state": "scheduled", "lease_until": None})
            again, etag = await self._step(organization, message, again, loaded.etag)
            return await self._claim_and_send(
                organization, Loaded(again, etag, loaded.summary, loaded.summary_etag, loaded.copies)
            )
        asking = message.model_copy(update={"lease_until": now + LEASE})
        asking, etag = await self._step(organization, message, asking, loaded.etag)
        outcome: Outcome | Again = _INTERRUPTED
        try:
            prepared = await self._prepared(organization, asking)
        except (ComposeError, UnknownSender):
            log.info("message %s: it cannot be written any more, so nobody can be asked about it", message.id)
        else:
            outcome = await self._after_doubt(make_envelope(asking, prepared, "doubtful"), _INTERRUPTED)
        return await self._conclude(organization, asking, etag, outcome)


def _claim_of(message: StoredMessage) -> tuple[object, ...]:
    """Changes with every step that a worker takes, and with nothing else."""
    return message.state, message.due_at, message.lease_until, message.attempts


def _concluded(message: StoredMessage, outcome: Outcome | Again, now: datetime) -> StoredMessage:
    if isinstance(outcome, Accepted):
        known = dict.fromkeys([*message.known_ids, *outcome.ids])
        sent = _ended(message, "sent", _partly_refused(outcome))
        return sent.model_copy(
            update={"sent_at": now, "known_ids": [each for each in known if each != message.message_id]}
        )
    if isinstance(outcome, Again):
        again = _ended(message, "scheduled", message.failure, due_at=now + outcome.wait)
        return again.model_copy(update={"in_doubt": True})
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


def _not_written(message: StoredMessage, error: Exception) -> Outcome:
    text = f"The mail could not be written: {error}"
    return Unknown(text, "compose") if message.in_doubt else Refused(False, "compose", text)


def _partly_refused(outcome: Accepted) -> Failure | None:
    if not outcome.refused:
        return None
    count = len(outcome.refused)
    codes = ", ".join(sorted({str(code) for _, code in outcome.refused}))
    return Failure(code="recipients", text=f"The mail server did not take {count} of the recipients ({codes}).")
