"""Intake of inbound mail: every way in ends here.

Mailboxes hand mails over and go on when they are kept: the bytes as a blob, an order on the queue `inbound`. What
`POST /inbound` brings is taken in at once, and queued only where that takes long. A mail that comes again from the same
place costs one read.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress

from lib.inbound.orders import InboundOrder, arrival_of
from lib.inbound.origin import Origin
from lib.inbound.outcomes import InboundOutcome, InboundOutcomes, OutcomeRow
from lib.inbound.take_in import MAIL_TYPE, ByHand, TakeIn, TakenIn
from lib.messages.models import StoredMessage
from lib.mime.identity import mail_identity
from lib.mime.read import BadMail
from lib.organizations.registry import Organizations
from lib.people.address_hashes import AddressHashes
from lib.storage import Conflict, Missing, Storage, Unavailable
from lib.storage.layout import INBOUND, container
from lib.storage.retry import retry_on_conflict
from lib.workers.places import Room
from lib.workers.pool import INLINE

log = logging.getLogger("heed.inbound")

AT_ONCE = 5_000_000
"""Bytes of the largest mail that is taken in while its sender waits."""

PATIENCE = 2.0
"""Seconds that the sender of a mail waits for its outcome."""

_BYTES_AT_ONCE = 64_000_000
"""Bytes of mails that one process takes in at the same time from the queue."""


class MailIntake:
    """Keeps mails, and has them taken in. It is the mailboxes' sink (`lib.inbound.sink`)."""

    def __init__(
        self,
        storage: Storage,
        hashes: AddressHashes,
        organizations: Organizations,
        outcomes: InboundOutcomes,
        take_in: TakeIn,
        patience: float = PATIENCE,
    ) -> None:
        self._blobs = storage.blobs
        self._queues = storage.queues
        self._hashes = hashes
        self._organizations = organizations
        self._outcomes = outcomes
        self._take_in = take_in
        self.patience = patience
        self._room = Room(_BYTES_AT_ONCE)

    async def keep_mail(self, organization: str, raw: bytes, origin: Origin) -> None:
        """Keep a mail durably, unless it has come from this place before. Raises StorageError."""
        mail = await self._identify(organization, raw)
        if await self._known(organization, mail, origin) is None:
            await self._enqueue(organization, mail, raw, origin)

    async def refuse_mail(self, organization: str, headers: bytes, origin: Origin, reason: str) -> None:
        """Keep the note that a mail could not be read. Raises StorageError."""
        await self._note_unreadable(organization, await self._identify(organization, headers), origin, reason)

    async def receive_mail(self, organization: str, raw: bytes, origin: Origin) -> InboundOutcome:
        """Take in a mail whose sender waits for the outcome; queue it where that takes long.

        Raises BadMail, StorageError.
        """
        mail = await self._identify(organization, raw)
        known = await self._known(organization, mail, origin)
        if known is not None:
            return _again(known)
        taken = await self._take_in_soon(organization, mail, raw, origin) if len(raw) <= AT_ONCE else None
        if taken is not None:
            return _again(taken.outcome) if taken.was_known else taken.outcome.shown()
        await self._enqueue(organization, mail, raw, origin)
        await self._outcomes.note_queued(organization, mail)
        return InboundOutcome(id=mail, outcome="queued", because="It is still to be read: ask for it again soon.")

    async def track_mail(self, organization: str, raw: bytes, by_hand: ByHand) -> InboundOutcome:
        """Take in a mail that a person tracks. Raises BadMail, StorageError."""
        mail = await self._identify(organization, raw)
        return (await self._take_in.take_in_mail(organization, mail, raw, Origin(), by_hand)).outcome.shown()

    async def load_outcome(self, organization: str, mail: str) -> InboundOutcome | None:
        """Load what became of a mail; None where it is unknown. Raises StorageError."""
        found = await self._outcomes.load_outcome(organization, mail)
        return found[0].shown() if found else None

    async def read_kept_mail(self, organization: str, message: StoredMessage) -> bytes | None:
        """Read the mail that a message came as; None where that is not kept. Raises StorageError."""
        if message.raw is None:
            return None
        with suppress(Missing):
            return await self._blobs.read_blob(container(organization), message.raw)
        return None

    async def run_order(self, order: InboundOrder) -> None:
        """Take in a mail from the queue, and remove its bytes where they are not kept. Raises StorageError, Stale."""
        size = await self._room.take_bytes(order.size)
        try:
            await self._run_order(order)
        finally:
            self._room.give_back(size)

    async def _run_order(self, order: InboundOrder) -> None:
        organization, blobs = order.organization, container(order.organization)
        if await self._known(organization, order.mail, order.origin) is not None:
            return await self._remove_raw(order)
        try:
            raw = await self._blobs.read_blob(blobs, order.blob)
        except Missing:
            if await self._known(organization, order.mail, order.origin) is not None:
                return None  # another worker was faster
            if await self._organizations.load_organization(organization) is None:
                log.info("organization %s is gone, and its mail with it", organization)
                return None
            raise
        try:
            taken = await self._take_in.take_in_mail(organization, order.mail, raw, order.origin)
        except BadMail as error:
            await self._note_unreadable(organization, order.mail, order.origin, f"It could not be read: {error}.")
            return await self._blobs.delete_blob(blobs, order.blob)
        if taken.raw != order.blob:
            await self._blobs.delete_blob(blobs, order.blob)
        return None

    async def _remove_raw(self, order: InboundOrder) -> None:
        """Remove the bytes of a mail whose worker has died before it could do so, unless they are kept."""
        if not await self._take_in.keeps_raw(order.organization, order.mail, order.blob):
            await self._blobs.delete_blob(container(order.organization), order.blob)

    async def _identify(self, organization: str, raw: bytes) -> str:
        """Return the id of a mail: the same mail has the same one, however it comes."""
        identity = mail_identity(raw) if len(raw) <= INLINE else await asyncio.to_thread(mail_identity, raw)
        return await self._hashes.hash_text(organization, f"mail|{identity}")

    async def _known(self, organization: str, mail: str, origin: Origin) -> OutcomeRow | None:
        found = await self._outcomes.load_outcome(organization, mail)
        return found[0] if found and found[0].has_come_from(arrival_of(origin)) else None

    async def _take_in_soon(self, organization: str, mail: str, raw: bytes, origin: Origin) -> TakenIn | None:
        """Take in a mail; None where that takes too long, or storage does not answer. Raises BadMail."""
        work = asyncio.ensure_future(self._take_in.take_in_mail(organization, mail, raw, origin))
        try:
            await asyncio.wait({work}, timeout=self.patience)
            if work.done():
                return work.result()
        except Unavailable as error:
            log.warning("a mail of organization %s is queued: %s", organization, error)
        finally:
            work.cancel()
            with suppress(BaseException):
                await work
        return None

    async def _enqueue(self, organization: str, mail: str, raw: bytes, origin: Origin) -> None:
        order = InboundOrder(organization, mail, origin, len(raw))
        await self._blobs.put_blob(container(organization), order.blob, raw, MAIL_TYPE)
        try:
            await self._queues.send(INBOUND, order.to_json())
        except Missing:
            # Queues are made with an organization; those of before this queue was there have none.
            await self._queues.create(INBOUND)
            await self._queues.send(INBOUND, order.to_json())

    async def _note_unreadable(self, organization: str, mail: str, origin: Origin, reason: str) -> None:
        async def note_once() -> None:
            found = await self._outcomes.load_outcome(organization, mail)
            if found is None or found[0].outcome == "queued":
                outcome = OutcomeRow(id=mail, outcome="unreadable", because=reason)
            else:
                outcome = found[0]
            etag = found[1] if found else None
            await self._outcomes.save_outcome(organization, outcome.with_arrival(arrival_of(origin)), etag)

        await retry_on_conflict(f"inbound mail {mail}", note_once, on=Conflict)


def _again(known: OutcomeRow) -> InboundOutcome:
    """Return the answer to a mail that was known before."""
    return known.shown().model_copy(
        update={"outcome": "duplicate", "because": f"It was known before. {known.because}".strip()}
    )
