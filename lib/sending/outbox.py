"""The sending state machine. Its truth is in the rows of the message and its copies; each step is a conditional write.

    draft -> scheduled -> submitting {plan and lease, written before the first byte to the provider}
                 ^             |
                 |             +-> sent: the first recipient was accepted; others may still be tried again
                 |             +-> scheduled again: all were refused for now, or the provider's pace wants it
                 |             +-> uncertain: the outcome for a recipient is unknown; asked for, but never resent
                 |             +-> failed: all were refused for good, or for a day
                 +-- a person, who sends a failed mail or an uncertain one again

Of two workers, the second loses the write and stops. A queue message only says "look at this one": twice, late or in
another order changes nothing. `lib.sending.copies_outbox` sends the copies.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass

from lib.clock import Clock
from lib.composing.mail import Mail, Prepared
from lib.composing.preparation import Preparation
from lib.errors import Stale, UnknownSender
from lib.ids import new_key
from lib.messages.copy_rows import Copy
from lib.messages.deliveries import is_waiting
from lib.messages.matched_records import matched_records
from lib.messages.models import Failure, StoredMessage
from lib.messages.store import Lease, Loaded, MessageStore, sharing_links
from lib.messages.threads import Threads
from lib.metrics import MAIL_OUTCOMES, emit_metric
from lib.mime.write import ComposeError
from lib.people.bounces import Bounces
from lib.sending.copies_outbox import CopiesOutbox, CopiesRun, not_written, with_others
from lib.sending.copy_outcomes import begun, planned
from lib.sending.mx_lookup import RecipientGateways
from lib.sending.orders import Discard
from lib.sending.schedule import Schedule
from lib.sending.tries import LEASE
from lib.storage import Unavailable
from lib.storage.retry import retry_on_conflict
from lib.tracing import message_span
from lib.transports import Transport

log = logging.getLogger("heed.outbox")

"""Tries of writing a plan, while others change the reminder or the files."""


class _ChangedMeanwhile(Exception):
    def __init__(self, loaded: Loaded) -> None:
        super().__init__(loaded.message.id)
        self.loaded = loaded


@dataclass(frozen=True, slots=True)
class Look:
    """The outcome of one look at a message."""

    message: StoredMessage
    has_changed: bool
    """Whether this look changed its state, so that lists and cards are to be told."""


class Outbox:
    """Takes one message at a time through the state machine."""

    def __init__(
        self,
        store: MessageStore,
        preparation: Preparation,
        threads: Threads,
        gateways: RecipientGateways,
        schedule: Schedule,
        transport: Transport | None,
        bounces: Bounces,
        clock: Clock,
    ) -> None:
        self._store = store
        self._preparation = preparation
        self._gateways = gateways
        self._schedule = schedule
        self._clock = clock
        self._transport = transport
        self._copies_outbox = (
            CopiesOutbox(store, preparation, threads, schedule, transport, bounces, clock) if transport else None
        )

    async def deliver(self, organization: str, message_id: str, seen: str | None = None) -> Look | None:
        """Do all that is to be done about a message now; None where it is gone, or another worker has it.

        `seen` is the lease as it stood when this look was asked for. Raises StorageError.
        """
        with message_span(message_id, "queue outbox"):
            return await self._deliver(organization, message_id, seen)

    async def _deliver(self, organization: str, message_id: str, seen: str | None) -> Look | None:
        loaded = await self._store.load(organization, message_id)
        if loaded is None or self._copies_outbox is None:
            return None
        message, now = loaded.message, self._clock.now()
        if not is_waiting(message):
            return Look(message, has_changed=False)
        if message.due_at and message.due_at > now:
            await self._schedule.come_again(organization, message)
            return Look(message, has_changed=False)
        if loaded.is_held and not self._is_over(loaded, seen):
            assert loaded.lease is not None
            await self._schedule.look_again(
                organization, message, max(LEASE, loaded.lease.until - now), loaded.lease_etag
            )
            return None
        try:
            if _has_plan(loaded):
                return _worked_on(await self._go_on(organization, loaded))
            return _worked_on(await self._begin(organization, loaded))
        except Stale:
            log.info("message %s: another worker has it", message_id)
            return None

    def _is_over(self, loaded: Loaded, seen: str | None) -> bool:
        """Whether the worker that holds the message has died.

        Our clock alone cannot tell, for it may run ahead of the holder's: the lease must also have stood still for its
        whole time, which the queue has measured.
        """
        return loaded.lease is not None and loaded.lease.until <= self._clock.now() and seen == loaded.lease_etag

    async def discard(self, order: Discard) -> None:
        """Remove drafts that unsent tries have left at the provider. Raises Unavailable when it cannot be asked just
        now."""
        if self._transport is None or self._clock.now() > order.until:
            return
        sender = await self._preparation.address_of(order.organization, order.sender)
        if sender is not None and not await self._transport.discard(sender, order.key):
            raise Unavailable("the provider cannot be asked to remove a draft")

    async def _begin(self, organization: str, loaded: Loaded) -> StoredMessage:
        """Decide which copies there are, write the plan, and hand over. Raises Stale, StorageError.

        Each change in the meantime has the mail written anew: a file may have been added or removed.
        """
        latest = loaded

        async def begin() -> StoredMessage:
            nonlocal latest
            try:
                return await self._begin_with(organization, latest)
            except _ChangedMeanwhile as changed:
                latest = changed.loaded
                raise

        return await retry_on_conflict(f"message {loaded.message.id}", begin, on=_ChangedMeanwhile)

    async def _begin_with(self, organization: str, loaded: Loaded) -> StoredMessage:
        """Begin with the message as it was loaded. Raises _ChangedMeanwhile, Stale, StorageError."""
        assert self._copies_outbox is not None
        message, now = loaded.message, self._clock.now()
        message = message.model_copy(update={"tried_at": now})
        try:
            mail, first, gateways = await self._mail_and_gateways(organization, message)
        except (ComposeError, UnknownSender) as error:
            return await self._not_written(organization, loaded, error)
        copies = sharing_links(planned(mail.copies(), message))
        copies[0] = begun(copies[0], first.copy.follow_state, now)
        holder = new_key()
        submitting = message.model_copy(
            update={
                "state": "submitting",
                "follow_state": mail.follow_state,
                "remarks": mail.remarks,
                "gateways": gateways,
                "matched": matched_records(mail.decision.known),
                "copy_count": len(copies),
                "attempts": 0,
            }
        )
        lease = Lease(until=now + LEASE, holder=holder)
        submitting, etag, lease_etag = await self._write_plan(organization, loaded, submitting, copies, lease)
        run = CopiesRun(organization, submitting, etag, lease_etag, holder, copies, mail)
        return await self._copies_outbox.run(run, first)

    async def _write_plan(
        self, organization: str, loaded: Loaded, submitting: StoredMessage, copies: Sequence[Copy], lease: Lease
    ) -> tuple[StoredMessage, str, str]:
        """Write the plan. Return the message as it then is, its etag and the lease's.

        Raises Stale when another worker has it, _ChangedMeanwhile when it is still to be sent, but was changed.
        """
        before = loaded.message
        try:
            etags = await self._store.put_plan(organization, before, submitting, loaded.etag, copies, lease)
        except (Stale, Unavailable) as error:
            again = await self._store.load(organization, before.id)
            if again and again.lease and again.lease.holder == lease.holder:
                # It came through, though it had seemed to fail.
                return with_others(submitting, again.message), again.etag, again.lease_etag or ""
            if isinstance(error, Unavailable) or again is None or _order_of(again.message) != _order_of(before):
                raise
            raise _ChangedMeanwhile(again) from error
        return submitting, *etags

    async def _mail_and_gateways(
        self, organization: str, message: StoredMessage
    ) -> tuple[Mail, Prepared, list[str | None]]:
        """Prepare the mail and its first copy, and look up gateways at the same time. Raises ComposeError,
        UnknownSender."""
        looking = asyncio.create_task(self._gateways.find_gateways([each.email for each in message.recipients()]))
        try:
            body = await self._store.body(organization, message.id)
            mail = await self._preparation.prepare(organization, message, body, self._clock.now())
            return mail, await self._preparation.write_copy(mail, 0), await looking
        finally:
            looking.cancel()

    async def _not_written(self, organization: str, loaded: Loaded, error: Exception) -> StoredMessage:
        """Let a message fail that was not tried and cannot be."""
        failed = loaded.message.model_copy(update={"state": "failed", "failure": not_written(error)})
        await self._store.change(organization, failed, loaded.etag)
        await self._schedule.leave(organization, loaded.message)
        return failed

    async def _go_on(self, organization: str, loaded: Loaded) -> StoredMessage:
        """Take over from a worker that paused or died, and hand over what is left. Raises Stale, StorageError."""
        assert self._copies_outbox is not None
        assert loaded.lease_etag is not None
        message, now, holder = loaded.message, self._clock.now(), new_key()
        state = "submitting" if message.state == "scheduled" else message.state
        held = message.model_copy(update={"state": state, "tried_at": message.tried_at or now})
        lease = Lease(until=now + LEASE, holder=holder)
        etag, lease_etag = await self._store.change_with_lease(
            organization, held, loaded.etag, {}, lease, loaded.lease_etag
        )
        # Read again: rows that were read while another worker wrote them may not fit together.
        again = await self._store.load(organization, message.id)
        if again is None or again.lease_etag != lease_etag:
            raise Stale(f"message {message.id}: another worker has it")
        mail = await self._mail(organization, held, again.copies)
        return await self._copies_outbox.run(
            CopiesRun(organization, held, etag, lease_etag, holder, again.copies, mail)
        )

    async def _mail(self, organization: str, message: StoredMessage, copies: list[Copy]) -> Mail | Failure:
        """Prepare the mail for the rest of its copies, with the same date; a Failure where that is impossible."""
        body = await self._store.body(organization, message.id)
        date = message.tried_at or self._clock.now()
        try:
            return await self._preparation.prepare(organization, message, body, date, copies)
        except UnknownSender as error:
            return not_written(error)


def _worked_on(message: StoredMessage) -> Look:
    """The look that changed the message; writes the metric if the message has come to rest."""
    if message.state in MAIL_OUTCOMES.labels["outcome"]:
        emit_metric(MAIL_OUTCOMES, 1, outcome=message.state)
    return Look(message, has_changed=True)


def _has_plan(loaded: Loaded) -> bool:
    """Whether the copies are decided on, and the message can go on where it stopped."""
    copies = loaded.copies
    return bool(loaded.message.copy_count and copies and copies[0].state is not None and loaded.lease_etag)


def _order_of(message: StoredMessage) -> tuple[object, ...]:
    """Return what changes with every step of a worker and every order of a person, and with nothing else.

    A plan whose writing was cut off leaves a copy count of 0.
    """
    return message.state, message.due_at, message.told_at, message.copy_count or None
