"""Hands over the copies of a message that has several, one after the other, each exactly once.

Before a copy is handed over, its row says `submitting`; the outcome of the one before is written with it, in one
transaction, which also renews the lease. So a worker that dies leaves at most one copy in doubt. Whoever comes after it
asks for that one by its own key, and goes on with those that have not left. A worker whose time was over cannot write
any more: the lease's row is another's then.

A queue message is worth `MOST_AT_ONCE` copies or `LONGEST`; then the outbox wakes itself for the rest.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta

from lib.clock import Clock
from lib.compose import ComposeError
from lib.copy_tries import (
    begun,
    concluded,
    given_up,
    is_general,
    next_copy,
    pause_of,
    planned,
    together,
    unwritable,
)
from lib.message_store import Lease, Loaded, MessageStore, sharing_links
from lib.messages import Copy, Failure, StoredMessage
from lib.prepare import Mail, Preparation, Prepared, UnknownSender
from lib.repository import Stale
from lib.steps import Steps, with_others
from lib.storage import StorageError
from lib.transports import Again, Outcome, Refused, Transport, Unknown
from lib.transports.envelopes import earlier_tries, make_envelope
from lib.tries import BACKOFF, INTERRUPTED, LEASE, after_doubt

log = logging.getLogger("heed.outbox")

MOST_AT_ONCE = 100
LONGEST = timedelta(minutes=1)

_ROWS_AT_ONCE = 90


@dataclass(slots=True)
class _Run:
    """A worker's hold on a message: nobody else writes its copies while `lease_etag` is the lease's."""

    organization: str
    message: StoredMessage
    etag: str
    lease_etag: str
    copies: list[Copy]
    mail: Mail | None
    unsaved: dict[int, Copy] = field(default_factory=dict)
    progress: bool = False

    def put(self, number: int, copy: Copy) -> None:
        self.copies[number] = self.unsaved[number] = copy
        self.progress = self.progress or copy.state == "sent"


class CopiesOutbox:
    def __init__(
        self, store: MessageStore, preparation: Preparation, steps: Steps, transport: Transport, clock: Clock
    ) -> None:
        self._store = store
        self._preparation = preparation
        self._steps = steps
        self._transport = transport
        self._clock = clock

    async def begin(
        self, organization: str, claimed: StoredMessage, etag: str, mail: Mail, gateways: list[str | None]
    ) -> StoredMessage:
        """Write the plan of a message that was claimed, and hand over. Raises Stale, StorageError."""
        now = self._clock.now()
        copies = sharing_links(planned(mail.copies(), claimed))
        submitting = claimed.model_copy(
            update={
                "state": "submitting",
                "lease_until": now + LEASE,
                "attempts": 0,  # of rounds in which the provider takes nothing; each copy counts its own
                "tried_at": now,
                "follow_state": mail.follow_state,
                "remarks": mail.remarks,
                "gateways": gateways,
                "copy_count": len(copies),
            }
        )

        async def write(message: StoredMessage, etag: str) -> tuple[str, str]:
            before = with_others(claimed, message)
            return await self._store.put_plan(organization, before, message, etag, copies, self._lease())

        submitting, (etag, lease_etag) = await self._steps.take(organization, claimed, submitting, etag, write)
        return await self._hand_over(_Run(organization, submitting, etag, lease_etag, copies, mail))

    async def go_on(self, organization: str, loaded: Loaded) -> StoredMessage | None:
        """Take over from a worker that paused or died, and hand over what is left. Raises Stale, StorageError."""
        message, now, found = loaded.message, self._clock.now(), loaded.lease_etag
        if found is None:
            raise Stale(f"message {message.id} has copies and no lease")
        held = message.model_copy(update={"state": "submitting", "lease_until": now + LEASE})

        async def write(message: StoredMessage, etag: str) -> tuple[str, str]:
            return await self._store.change_with_lease(organization, message, etag, {}, self._lease(), found)

        held, (etag, lease_etag) = await self._steps.take(organization, message, held, loaded.etag, write)
        # Read again: rows that were read while another worker wrote them may not fit together.
        again = await self._store.load(organization, message.id)
        if again is None or again.lease_etag != lease_etag:
            raise Stale(f"message {message.id}: another worker has it")
        mail = await self._mail(organization, held, again.copies)
        return await self._hand_over(_Run(organization, held, etag, lease_etag, again.copies, mail))

    async def _mail(self, organization: str, message: StoredMessage, copies: list[Copy]) -> Mail | None:
        """None when it cannot be written any more. All copies have the same date."""
        body = await self._store.body(organization, message.id)
        date = message.tried_at or self._clock.now()
        try:
            return await self._preparation.prepare(organization, message, body, date, copies)
        except UnknownSender:
            return None

    def _lease(self) -> Lease:
        return Lease(until=self._clock.now() + LEASE)

    async def _hand_over(self, run: _Run) -> StoredMessage:
        """As many as are due, within bounds; then let the message rest."""
        begun_at, refusal = self._clock.now(), None
        try:
            for _ in range(MOST_AT_ONCE):
                now = self._clock.now()
                number = next_copy(run.copies, now)
                if number is None or refusal is not None or now - begun_at > LONGEST:
                    break
                refusal = await self._work_on(run, number)
            return await self._rest(run, refusal)
        except Exception:
            # What is known of those that have left must not be lost with the fault.
            with suppress(Stale, StorageError):
                await self._save(run, {})
            raise

    async def _work_on(self, run: _Run, number: int) -> Refused | None:
        """Send it, or ask for it; the refusal, when it is one that the others would get as well."""
        copy = run.copies[number]
        prepared = await self._written(run, number)
        if prepared is None:
            run.put(number, unwritable(copy, Failure(code="compose", text="The mail could not be written.")))
            return None
        asks = copy.state == "submitting"
        earlier = "doubtful" if asks else earlier_tries(copy)
        if not asks:
            copy = begun(copy, prepared.copy.follow_state, self._clock.now())
        await self._save(run, {number: copy})
        envelope = make_envelope(run.message, prepared, earlier, copy)
        outcome: Outcome | Again = INTERRUPTED if asks else await self._transport.send(envelope)
        if isinstance(outcome, Unknown):
            outcome = await after_doubt(self._transport, envelope, outcome)
        run.put(number, concluded(copy, outcome, self._clock.now()))
        return outcome if isinstance(outcome, Refused) and is_general(outcome) else None

    async def _written(self, run: _Run, number: int) -> Prepared | None:
        if run.mail is None:
            return None
        try:
            return await self._preparation.write(run.mail, number)
        except ComposeError as error:
            log.info("message %s: copy %d cannot be written: %s", run.message.id, number, error)
            return None

    async def _save(self, run: _Run, begun_now: Mapping[int, Copy]) -> None:
        """Outcomes that are not yet stored, with the copy that is begun; renews the lease. Raises Stale."""
        changed = {**run.unsaved, **begun_now}
        if not changed:
            return
        numbers = list(changed)
        for start in range(0, len(numbers), _ROWS_AT_ONCE):
            some = {number: changed[number] for number in numbers[start : start + _ROWS_AT_ONCE]}
            run.lease_etag = await self._store.put_copies(
                run.organization, run.message.id, some, self._lease(), run.lease_etag
            )
        run.copies = [changed.get(number, copy) for number, copy in enumerate(run.copies)]
        run.unsaved = {}

    async def _rest(self, run: _Run, refusal: Refused | None) -> StoredMessage:
        """Write down what became of the copies, and see to the next round."""
        rounds = 0 if run.progress else run.message.attempts + (1 if refusal else 0)
        if refusal is not None and rounds > len(BACKOFF):
            for number, copy in enumerate(given_up(run.copies, refusal)):
                if copy != run.copies[number]:
                    run.put(number, copy)
        pause = pause_of(refusal, rounds) if refusal else None
        ended = together(run.message, run.copies, self._clock.now(), pause).model_copy(update={"attempts": rounds})
        if len(run.unsaved) > _ROWS_AT_ONCE:
            await self._save(run, {})
        lease = Lease(until=ended.lease_until or self._clock.now())

        async def write(message: StoredMessage, etag: str) -> tuple[str, str]:
            return await self._store.change_with_lease(
                run.organization, message, etag, run.unsaved, lease, run.lease_etag
            )

        return await self._steps.conclude(run.organization, run.message, ended, run.etag, write)
