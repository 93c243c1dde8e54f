"""The worker's part of sending: the copies of a message are handed over one after the other, each exactly once.

Before a copy is handed over, its row says `submitting`; the outcome of the copy before it is written in the same
transaction. So a worker that dies leaves at most one copy in doubt. The next worker asks the provider for that one by
its own key, and goes on with the copies that have not left.

A worker holds the message by the row `d`, the lease. It renews the lease while it lives, however long a mail server
takes. A worker that has lost its lease can write one thing more: the outcome of the very try that it had begun, in
place of a doubt.

One queue message is worth `MOST_AT_ONCE` copies or `LONGEST`; then the outbox wakes itself for the rest.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from lib.clock import Clock
from lib.composing.mail import Mail, Prepared
from lib.composing.preparation import Preparation
from lib.errors import Stale
from lib.messages.copy_rows import Copy, Delivery
from lib.messages.deliveries import is_waiting, together
from lib.messages.models import Failure, StoredMessage
from lib.messages.store import Lease, Loaded, MessageStore
from lib.messages.threads import Threads
from lib.mime.write import ComposeError
from lib.people.bounces import Bounces
from lib.sending.copy_outcomes import abandoned, begun, concluded, is_general, next_copy, unwritable
from lib.sending.envelopes import earlier_tries, make_envelope
from lib.sending.schedule import Schedule
from lib.sending.tries import GIVE_UP_AFTER, INTERRUPTED, LEASE, RENEW_EVERY, after_doubt, pause_after
from lib.sending.unknown_addresses import says_unknown
from lib.storage import Conflict, StorageError, Unavailable
from lib.storage.batches import batches_of
from lib.storage.retry import retry_on_conflict
from lib.tracing import message_span
from lib.transports import Again, Outcome, Paced, Refused, Transport, Unknown
from lib.transports.protocol import Earlier

log = logging.getLogger("heed.outbox")

MOST_AT_ONCE = 100
LONGEST = timedelta(minutes=1)

_ROWS_AT_ONCE = 90
"""Tries of one write, while others change the reminder."""

_LATE_TRIES = 30
_LATE_PAUSE = 3.0
"""Seconds between tries to write a late outcome, while another worker still has the message."""

_NOT_OURS = ("reminder", "reminded_at", "reminder_met")
"""Fields that others may change while a message is on its way: a reminder can be set, and fire, at any time."""


def with_others(message: StoredMessage, theirs: StoredMessage) -> StoredMessage:
    """Return the message with all that others have changed of it."""
    return message.model_copy(update={name: getattr(theirs, name) for name in _NOT_OURS})


def not_written(error: Exception) -> Failure:
    """Return the reason for which a mail, or a copy of it, can never leave."""
    return Failure(code="compose", text=f"The mail could not be written: {error}")


@dataclass(slots=True)
class CopiesRun:
    """A worker's hold on a message: no other worker writes its copies while the lease names this holder."""

    organization: str
    message: StoredMessage
    etag: str
    lease_etag: str
    holder: str
    copies: list[Copy]
    mail: Mail | Failure
    """The mail, or the reason for which it cannot be written any more."""
    unsaved: dict[int, Copy] = field(default_factory=dict)
    """Copies with outcomes that are not stored yet, by number."""
    settled: dict[int, Delivery] = field(default_factory=dict)
    """Recipients who were accepted or refused in this run, by number."""
    tried_before: set[int] = field(default_factory=set)
    """Copies that may have more than one draft at the provider."""
    refused_since: datetime | None = None
    """The first try of the copy with which the provider refused all mail."""
    writing: asyncio.Lock = field(default_factory=asyncio.Lock)
    is_over: bool = False
    """Whether the lease was given back: from then on another worker may hold the message."""

    def note(self, number: int, copy: Copy) -> None:
        """Note the outcome of a copy; it is stored with the next write."""
        before = self.copies[number].deliveries
        for each, found in copy.deliveries.items():
            if found != before.get(each) and found.state in ("accepted", "refused"):
                self.settled[each] = found
        self.copies[number] = self.unsaved[number] = copy

    @property
    def progress(self) -> bool:
        """Whether a recipient was accepted in this run."""
        return any(each.state == "accepted" for each in self.settled.values())


class CopiesOutbox:
    """Hands the copies of a message to the transport, and stores what became of each."""

    def __init__(
        self,
        store: MessageStore,
        preparation: Preparation,
        threads: Threads,
        schedule: Schedule,
        transport: Transport,
        bounces: Bounces,
        clock: Clock,
    ) -> None:
        self._store = store
        self._preparation = preparation
        self._threads = threads
        self._schedule = schedule
        self._transport = transport
        self._bounces = bounces
        self._clock = clock

    async def run(self, run: CopiesRun, first: Prepared | None = None) -> StoredMessage:
        """Hand over as many copies as are due, within bounds; then let the message rest.

        `first` is the first copy, if it has been begun with the plan. Raises Stale, StorageError.
        """
        try:
            return await self._hand_over(run, first)
        finally:
            await self._note_addresses(run)

    async def _note_addresses(self, run: CopiesRun) -> None:
        """Note which addresses are unknown, and which are not any more; a fault of storage costs that advice alone."""
        emails = {number: run.message.recipients()[number].email for number in run.settled}
        try:
            for number, delivery in run.settled.items():
                if says_unknown(delivery):
                    await self._bounces.note_bounce(run.organization, emails[number], delivery.code or "")
            accepted = [emails[number] for number, each in run.settled.items() if each.state == "accepted"]
            await self._bounces.clear_bounces(run.organization, accepted)
        except StorageError as error:
            log.warning("message %s: unknown addresses could not be noted: %s", run.message.id, error)

    async def _hand_over(self, run: CopiesRun, first: Prepared | None) -> StoredMessage:
        begun_at, stop = self._clock.now(), None
        async with self._renewing(run):
            try:
                if first is not None:
                    stop = await self._send(run, 0, run.copies[0], first, "none")
                for _ in range(MOST_AT_ONCE - 1 if first else MOST_AT_ONCE):
                    number = next_copy(run.copies, self._clock.now())
                    if number is None or stop is not None or self._clock.now() - begun_at > LONGEST:
                        break
                    stop = await self._work_on(run, number)
                return await self._rest(run, stop)
            except Stale:
                settled = await self._settle_late(run)
                if settled is None:
                    raise
                return settled
            except Exception:
                # What is known of those that have left must not be lost with the fault.
                with suppress(Stale, StorageError):
                    await self._save(run, {})
                raise

    @asynccontextmanager
    async def _renewing(self, run: CopiesRun) -> AsyncIterator[None]:
        """Hold the lease while this lasts."""
        renewing = asyncio.create_task(self._renew(run))
        try:
            yield
        finally:
            async with run.writing:  # a renewal that was cut off would leave us a lease of unknown version
                renewing.cancel()
            await asyncio.wait({renewing})

    async def _renew(self, run: CopiesRun) -> None:
        while True:
            await asyncio.sleep(RENEW_EVERY)
            try:
                await self._write(run, {})
            except Stale:
                log.warning("message %s: its worker has lost it", run.message.id)
                return
            except StorageError as error:
                log.warning("message %s: its lease could not be renewed: %s", run.message.id, error)

    async def _work_on(self, run: CopiesRun, number: int) -> Refused | Paced | None:
        """Send the copy, or ask for it. Return the outcome if the other copies would get the same."""
        copy = run.copies[number]
        prepared = await self._written(run, number)
        if isinstance(prepared, Failure):
            run.note(number, unwritable(copy, prepared, self._clock.now()))
            return None
        if copy.state != "planned":
            # A renewal only; what it asks about was written when it was begun.
            await self._save(run, {})
            return await self._ask(run, number, copy, prepared)
        earlier = earlier_tries(copy)
        copy = begun(copy, prepared.copy.follow_state, self._clock.now())
        await self._save(run, {number: copy})
        return await self._send(run, number, copy, prepared, earlier)

    async def _send(
        self, run: CopiesRun, number: int, copy: Copy, prepared: Prepared, earlier: Earlier
    ) -> Refused | Paced | None:
        envelope = make_envelope(run.message, prepared, earlier, copy)
        with message_span(run.message.id, "hand over", copy=number):
            outcome: Outcome | Again = await self._transport.send(envelope)
        if isinstance(outcome, Unknown) and outcome.ask_again is None:
            outcome = await after_doubt(self._transport, envelope, outcome)
        if earlier != "none":
            run.tried_before.add(number)
        return self._note(run, number, copy, outcome)

    async def _ask(self, run: CopiesRun, number: int, copy: Copy, prepared: Prepared) -> Refused | Paced | None:
        envelope = make_envelope(run.message, prepared, "doubtful", copy)
        run.tried_before.add(number)
        return self._note(run, number, copy, await after_doubt(self._transport, envelope, INTERRUPTED))

    def _note(self, run: CopiesRun, number: int, copy: Copy, outcome: Outcome | Again) -> Refused | Paced | None:
        run.note(number, concluded(copy, outcome, run.message.recipients(), self._clock.now()))
        if not isinstance(outcome, Refused | Paced) or not is_general(outcome):
            return None
        run.refused_since = copy.first_tried_at
        return outcome

    async def _written(self, run: CopiesRun, number: int) -> Prepared | Failure:
        if isinstance(run.mail, Failure):
            return run.mail
        try:
            return await self._preparation.write_copy(run.mail, number)
        except ComposeError as error:
            return not_written(error)

    async def _save(self, run: CopiesRun, begun_now: Mapping[int, Copy]) -> None:
        """Store outcomes, and the copy that is begun; this renews the lease. Raises Stale."""
        changed = {**run.unsaved, **begun_now}
        if not changed:
            return
        for numbers in batches_of(list(changed), _ROWS_AT_ONCE):
            await self._write(run, {number: changed[number] for number in numbers})
        run.copies = [changed.get(number, copy) for number, copy in enumerate(run.copies)]
        run.unsaved = {}

    async def _write(self, run: CopiesRun, copies: Mapping[int, Copy], ended: StoredMessage | None = None) -> None:
        """Write the copies, and the message where it has `ended`, in one transaction.

        The transaction renews the lease, or gives it back at the end.

        Raises Stale when another worker holds the message.
        """
        now = self._clock.now()
        lease = Lease(until=now + LEASE, holder=run.holder) if ended is None else Lease(until=now)
        organization, message = run.organization, run.message.id
        async with run.writing:
            if run.is_over:
                return
            last, is_first = ended, True

            async def write() -> None:
                nonlocal last, is_first
                was_first, is_first = is_first, False
                try:
                    if last is None:
                        run.lease_etag = await self._store.put_copies(
                            organization, message, copies, lease, run.lease_etag
                        )
                    else:
                        run.etag, run.lease_etag = await self._store.change_with_lease(
                            organization, last, run.etag, copies, lease, run.lease_etag
                        )
                        run.message, run.is_over = last, True
                except (Stale, Unavailable) as error:
                    if isinstance(error, Unavailable) and not was_first:
                        raise
                    loaded = await self._store.load(organization, message)
                    if loaded is None or loaded.lease is None or loaded.lease.holder != run.holder:
                        raise
                    # A person has changed the reminder, or a write of ours came through that had seemed to fail.
                    run.etag, run.lease_etag = loaded.etag, loaded.lease_etag or ""
                    last = with_others(last, loaded.message) if last else None
                    raise Conflict("the lease is still ours") from error

            await retry_on_conflict(f"message {message}", write)

    async def _rest(self, run: CopiesRun, stop: Refused | Paced | None) -> StoredMessage:
        """Write down the outcomes of the copies, and arrange the next round."""
        now, before = self._clock.now(), run.message
        rounds, pause = self._pause(run, stop)
        ended = together(before, run.copies, now, pause).model_copy(update={"attempts": rounds})
        await self._forget_drafts(run)
        if len(run.unsaved) > _ROWS_AT_ONCE:
            await self._save(run, {})
        if is_waiting(ended):
            await self._schedule.enter(run.organization, ended)
        await self._enter_new_ids(run.organization, before, ended)
        await self._write(run, run.unsaved, ended)
        run.unsaved = {}
        ended = run.message
        if not is_waiting(ended) or ended.due_at != before.due_at:
            await self._schedule.leave(run.organization, before)
        if is_waiting(ended):
            await self._schedule.wake(run.organization, ended)
        return ended

    async def _enter_new_ids(self, organization: str, before: StoredMessage, after: StoredMessage) -> None:
        """Have answers find the message by the names that the provider gave it since."""
        new = [each for each in after.known_ids if each not in before.known_ids]
        await self._threads.enter_provider_ids(organization, after.id, new)

    async def _forget_drafts(self, run: CopiesRun) -> None:
        """Ask for the removal of drafts that unsent tries may have left at the provider."""
        if self._transport.separate_envelopes:
            return
        for number, copy in run.unsaved.items():
            is_settled = copy.state == "refused" or (copy.state == "sent" and number in run.tried_before)
            if is_settled and copy.tried_at and copy.key:
                await self._schedule.discard(run.organization, run.message, copy.key)

    def _pause(self, run: CopiesRun, stop: Refused | Paced | None) -> tuple[int, timedelta | None]:
        """Return the number of rounds in a row in which the provider took nothing, and the pause for all copies.

        After a day of such rounds, the copies that still wait have failed.
        """
        if stop is None:
            return 0 if run.progress else run.message.attempts, None
        if isinstance(stop, Paced):
            return run.message.attempts, stop.wait
        now, rounds = self._clock.now(), 1 if run.progress else run.message.attempts + 1
        left = (run.refused_since or now) + GIVE_UP_AFTER - now
        if left <= timedelta(0):
            for number, copy in enumerate(run.copies):
                if copy.state == "planned":
                    run.note(number, abandoned(copy, stop, now))
            return rounds, None
        return rounds, min(left, pause_after(rounds, stop.retry_after))

    async def _settle_late(self, run: CopiesRun) -> StoredMessage | None:
        """Replace a doubt that another worker has stored by the outcome that we know.

        Our try took so long that another worker has the message. Only a doubt about the very same try is replaced: all
        that came after it is the other worker's.
        """
        for _ in range(_LATE_TRIES):
            loaded = await self._store.load(run.organization, run.message.id)
            if loaded is None:
                return None
            known = {number: copy for number, copy in run.unsaved.items() if _is_doubtful_there(loaded, number, copy)}
            if not known:
                return None
            if loaded.is_held:
                await asyncio.sleep(_LATE_PAUSE)
                continue
            copies = [known.get(number, copy) for number, copy in enumerate(loaded.copies)]
            ended = together(loaded.message, copies, self._clock.now())
            if is_waiting(ended):
                await self._schedule.enter(run.organization, ended)
            await self._enter_new_ids(run.organization, loaded.message, ended)
            lease = Lease(until=self._clock.now())
            with suppress(Stale):
                await self._store.change_with_lease(
                    run.organization, ended, loaded.etag, known, lease, loaded.lease_etag or ""
                )
                log.info("message %s: a late answer has settled it", run.message.id)
                if is_waiting(ended):
                    await self._schedule.wake(run.organization, ended)
                return ended
        return None


def _is_doubtful_there(loaded: Loaded, number: int, copy: Copy) -> bool:
    """Whether storage has nothing definite on the try whose outcome we have."""
    there = loaded.copies[number] if number < len(loaded.copies) else None
    if there is None or (there.key, there.tried_at) != (copy.key, copy.tried_at):
        return False
    return there.state in ("uncertain", "submitting") and _doubts(copy) < _doubts(there)


def _doubts(copy: Copy) -> int:
    """Return the number of recipients for whom the try has no definite outcome."""
    unknown = ("uncertain", "waiting", "pending") if copy.state == "submitting" else ("uncertain",)
    return sum(copy.delivery_of(number).state in unknown for number in copy.recipients)
