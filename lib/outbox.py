"""The sending state machine. Its truth is the message's row; every step is a conditional write.

    draft -> scheduled -> claimed {lease} -> submitting {written before the first byte to the provider} -> sent
                 ^            | lease over       | definite refusal: scheduled again with backoff, or failed
                 +------------+------------------+ crash or silence: the provider is asked. It has it: sent. It would
                                                   notice a repetition: scheduled again. Else uncertain, never resent

Whoever comes second loses the write and stops. A queue message only says "look at this one": twice, late or in
another order changes nothing. A message that goes out in several copies is handed over by `lib.outbox_copies`, which
knows of each copy what became of it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from datetime import datetime
from functools import partial

from lib.clock import Clock
from lib.compose import ComposeError
from lib.gateways import RecipientGateways
from lib.lists import is_told
from lib.message_store import Loaded, MessageStore
from lib.messages import Copy, StoredMessage
from lib.outbox_copies import CopiesOutbox
from lib.prepare import Mail, Preparation, Prepared, UnknownSender
from lib.repository import Stale
from lib.schedule import Schedule
from lib.steps import Steps
from lib.transports import Again, Outcome, Transport, Unknown
from lib.transports.envelopes import earlier_tries, make_envelope
from lib.tries import BACKOFF, INTERRUPTED, LEASE, after_doubt, concluded, not_written

log = logging.getLogger("heed.outbox")

__all__ = ["BACKOFF", "LEASE", "Outbox"]


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
        self._steps = Steps(store, schedule)
        self._copies = CopiesOutbox(store, preparation, self._steps, transport, clock) if transport else None

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
            if message.state == "scheduled" and self._copies and _has_several(message):
                return await self._copies.go_on(organization, loaded)
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
        write = partial(self._store.change, organization, copies=copies)
        return await self._steps.take(organization, before, after, etag, write)

    async def _claim_and_send(self, organization: str, loaded: Loaded) -> StoredMessage:
        assert self._transport is not None
        assert self._copies is not None
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
            mail, prepared, gateways = await self._prepared_and_gateways(organization, claimed, loaded.copies)
        except (ComposeError, UnknownSender) as error:
            return await self._conclude(organization, claimed, etag, not_written(claimed, error))
        if len(mail.divisions) > 1:
            return await self._copies.begin(organization, claimed, etag, mail, gateways)
        submitting = claimed.model_copy(
            update={
                "state": "submitting",
                "tried_at": claimed.tried_at if claimed.in_doubt else self._clock.now(),
                "follow_state": prepared.copy.follow_state,
                "remarks": prepared.remarks,
                "gateways": gateways,
                "copy_count": 1,
            }
        )
        submitting, etag = await self._step(organization, claimed, submitting, etag, [prepared.copy])
        envelope = make_envelope(submitting, prepared, earlier_tries(claimed))
        outcome: Outcome | Again = await self._transport.send(envelope)
        if isinstance(outcome, Unknown):
            outcome = await after_doubt(self._transport, envelope, outcome)
        return await self._conclude(organization, submitting, etag, outcome)

    async def _prepared_and_gateways(
        self, organization: str, message: StoredMessage, planned: Sequence[Copy]
    ) -> tuple[Mail, Prepared, list[str | None]]:
        """The mail, its first copy, and who filters it; at the same time. Raises ComposeError, UnknownSender."""
        looking = asyncio.create_task(self._gateways.of([each.email for each in message.recipients()]))
        try:
            mail, prepared = await self._prepared(organization, message, planned)
            return mail, prepared, await looking
        finally:
            looking.cancel()

    async def _prepared(
        self, organization: str, message: StoredMessage, planned: Sequence[Copy]
    ) -> tuple[Mail, Prepared]:
        """A mail that went out as one once goes on as one. Raises ComposeError, UnknownSender."""
        body = await self._store.body(organization, message.id)
        keep = planned if message.copy_count or message.in_doubt or message.state == "submitting" else ()
        mail = await self._preparation.prepare(organization, message, body, self._clock.now(), keep)
        return mail, await self._preparation.write(mail, 0)

    async def _conclude(
        self, organization: str, message: StoredMessage, etag: str, outcome: Outcome | Again
    ) -> StoredMessage:
        """Write down what became of it, and see to the next try, or to asking again."""
        ended = concluded(message, outcome, self._clock.now())
        write = partial(self._store.change, organization)
        return await self._steps.conclude(organization, message, ended, etag, write)

    async def _settle_abandoned(self, organization: str, loaded: Loaded, now: datetime) -> StoredMessage | None:
        """Somebody is at it, or died at it: wait for the lease; then try again, or ask the provider about it."""
        message = loaded.message
        lease = message.lease_until or now
        if _has_several(message) and loaded.lease is not None:
            lease = loaded.lease.until
        if lease > now:
            await self._schedule.wake(organization, message, lease)
            return None
        if _has_several(message):
            assert self._copies is not None
            return await self._copies.go_on(organization, loaded)
        if message.state == "claimed":
            again = message.model_copy(update={"state": "scheduled", "lease_until": None})
            again, etag = await self._step(organization, message, again, loaded.etag)
            return await self._claim_and_send(
                organization, Loaded(again, etag, loaded.summary, loaded.summary_etag, loaded.copies)
            )
        asking = message.model_copy(update={"lease_until": now + LEASE})
        asking, etag = await self._step(organization, message, asking, loaded.etag)
        outcome: Outcome | Again = INTERRUPTED
        try:
            _, prepared = await self._prepared(organization, asking, loaded.copies)
        except (ComposeError, UnknownSender):
            log.info("message %s: it cannot be written any more, so nobody can be asked about it", message.id)
        else:
            assert self._transport is not None
            outcome = await after_doubt(self._transport, make_envelope(asking, prepared, "doubtful"), INTERRUPTED)
        return await self._conclude(organization, asking, etag, outcome)


def _has_several(message: StoredMessage) -> bool:
    """Whether it goes out in several copies, and the plan of them is written."""
    return message.copy_count is not None and message.copy_count > 1
