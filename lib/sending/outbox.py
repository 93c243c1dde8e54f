"""The sending state machine. Its truth is in the rows of the message and its copies; each step is a conditional write.

    draft -> scheduled -> submitting {plan and lease, written before the first byte to the provider}
                 ^             |
                 |             +-> sent: the first recipient was accepted; others may still be tried again
                 |             +-> scheduled again: everybody was refused for now, or the provider's pace wants it
                 |             +-> uncertain: nobody knows of a recipient. It may be asked for again; never resent
                 |             +-> failed: everybody was refused for good, or for a day
                 +-- a person, who sends a failed mail or an uncertain one again

Whoever comes second loses the write and stops. A queue message only says "look at this one": twice, late or in another
order changes nothing. `lib.sending.hand_over` sends the copies.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence

from lib.clock import Clock
from lib.composing.preparation import Mail, Preparation, Prepared
from lib.errors import Stale, UnknownSender
from lib.ids import new_key
from lib.messages.deliveries import is_waiting
from lib.messages.models import Copy, Failure, StoredMessage
from lib.messages.store import Lease, Loaded, MessageStore, sharing_links
from lib.mime.write import ComposeError
from lib.sending.copy_tries import begun, planned
from lib.sending.hand_over import HandOver, Run, not_written, with_others
from lib.sending.mx_lookup import RecipientGateways
from lib.sending.schedule import Discard, Schedule
from lib.sending.tries import LEASE
from lib.storage import Unavailable
from lib.transports import Transport

log = logging.getLogger("heed.outbox")

_MOST_TRIES = 8
"""Of writing a plan, while others change the reminder or the files."""


class _ChangedMeanwhile(Exception):
    def __init__(self, loaded: Loaded) -> None:
        super().__init__(loaded.message.id)
        self.loaded = loaded


class Outbox:
    def __init__(
        self,
        store: MessageStore,
        preparation: Preparation,
        gateways: RecipientGateways,
        schedule: Schedule,
        transport: Transport | None,
        clock: Clock,
        is_told: Callable[[Loaded], bool],
    ) -> None:
        """`is_told` says whether lists show the message as it was loaded."""
        self._store = store
        self._is_told = is_told
        self._preparation = preparation
        self._gateways = gateways
        self._schedule = schedule
        self._clock = clock
        self._transport = transport
        self._hand_over = HandOver(store, preparation, schedule, transport, clock) if transport else None

    async def deliver(self, organization: str, message_id: str, seen: str | None = None) -> StoredMessage | None:
        """Do whatever is to be done about it now; the message when lists and cards are to be told of it.

        That is so when its state has changed, and when the worker that changed it has died before it told of that.
        `seen` is the lease as it stood when this look was asked for. Raises StorageError.
        """
        loaded = await self._store.load(organization, message_id)
        if loaded is None or self._hand_over is None:
            return None
        message, now = loaded.message, self._clock.now()
        untold = None if self._is_told(loaded) else message
        if not is_waiting(message):
            return untold
        if message.due_at and message.due_at > now:
            await self._schedule.come_again(organization, message)
            return untold
        if loaded.is_held and not self._is_over(loaded, seen):
            assert loaded.lease is not None
            await self._schedule.look_again(
                organization, message, max(LEASE, loaded.lease.until - now), loaded.lease_etag
            )
            return None
        try:
            if _has_plan(loaded):
                return await self._go_on(organization, loaded)
            return await self._begin(organization, loaded)
        except Stale:
            log.info("message %s: another worker has it", message_id)
            return None

    def _is_over(self, loaded: Loaded, seen: str | None) -> bool:
        """Whether the worker that holds it has died.

        Our clock alone cannot tell, for it may run ahead of the holder's: the lease must also have stood still for its
        whole time, which the queue has measured.
        """
        return loaded.lease is not None and loaded.lease.until <= self._clock.now() and seen == loaded.lease_etag

    async def discard(self, order: Discard) -> None:
        """Remove what unsent tries have left at the provider. Raises Unavailable when it cannot be asked just now."""
        if self._transport is None or self._clock.now() > order.until:
            return
        sender = await self._preparation.address_of(order.organization, order.sender)
        if sender is not None and not await self._transport.discard(sender, order.key):
            raise Unavailable("the provider cannot be asked to remove a draft")

    async def _begin(self, organization: str, loaded: Loaded) -> StoredMessage:
        """Decide which copies there are, write the plan, and hand over. Raises Stale, StorageError.

        Whatever changes meanwhile has the mail written anew: a file may have been added, or taken out.
        """
        for _ in range(_MOST_TRIES):
            try:
                return await self._begin_with(organization, loaded)
            except _ChangedMeanwhile as changed:
                loaded = changed.loaded
        raise Stale

    async def _begin_with(self, organization: str, loaded: Loaded) -> StoredMessage:
        """Raises _ChangedMeanwhile, Stale, StorageError."""
        assert self._hand_over is not None
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
                "copy_count": len(copies),
                "attempts": 0,
            }
        )
        lease = Lease(until=now + LEASE, holder=holder)
        submitting, etag, lease_etag = await self._write_plan(organization, loaded, submitting, copies, lease)
        run = Run(organization, submitting, etag, lease_etag, holder, copies, mail)
        return await self._hand_over.run(run, first)

    async def _write_plan(
        self, organization: str, loaded: Loaded, submitting: StoredMessage, copies: Sequence[Copy], lease: Lease
    ) -> tuple[StoredMessage, str, str]:
        """The message as it then is, its etag and the lease's.

        Raises Stale when another worker has it, _ChangedMeanwhile when it is to be sent, but is not what it was.
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
        """The mail, its first copy, and who filters it; at the same time. Raises ComposeError, UnknownSender."""
        looking = asyncio.create_task(self._gateways.find_gateways([each.email for each in message.recipients()]))
        try:
            body = await self._store.body(organization, message.id)
            mail = await self._preparation.prepare(organization, message, body, self._clock.now())
            return mail, await self._preparation.write(mail, 0), await looking
        finally:
            looking.cancel()

    async def _not_written(self, organization: str, loaded: Loaded, error: Exception) -> StoredMessage:
        """Nothing was tried, and nothing can be: it has failed."""
        failed = loaded.message.model_copy(update={"state": "failed", "failure": not_written(error)})
        await self._store.change(organization, failed, loaded.etag)
        await self._schedule.leave(organization, loaded.message)
        return failed

    async def _go_on(self, organization: str, loaded: Loaded) -> StoredMessage | None:
        """Take over from a worker that paused or died, and hand over what is left. Raises Stale, StorageError."""
        assert self._hand_over is not None
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
        return await self._hand_over.run(Run(organization, held, etag, lease_etag, holder, again.copies, mail))

    async def _mail(self, organization: str, message: StoredMessage, copies: list[Copy]) -> Mail | Failure:
        """All copies have the same date."""
        body = await self._store.body(organization, message.id)
        date = message.tried_at or self._clock.now()
        try:
            return await self._preparation.prepare(organization, message, body, date, copies)
        except UnknownSender as error:
            return not_written(error)


def _has_plan(loaded: Loaded) -> bool:
    """Whether its copies are decided on, and who of them is to get it still."""
    copies = loaded.copies
    return bool(loaded.message.copy_count and copies and copies[0].state is not None and loaded.lease_etag)


def _order_of(message: StoredMessage) -> tuple[object, ...]:
    """Changes with every step that a worker takes and with every order of a person, and with nothing else.

    A plan whose writing has died leaves a count of none.
    """
    return message.state, message.due_at, message.told_at, message.copy_count or None
