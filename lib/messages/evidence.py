"""Evidence of deliveries: what mail that came back says about who has got a message.

A recipient whose mail a server sent back is `bounced`. A recipient who answers has got the mail, so that a doubt about
it is settled, and a bounce was wrong: anyone who knows a mail can send one. A bounce that only tells of a delay changes
no state, except that the mail has left.

The outbox is not disturbed: while a worker has the message, nothing is written, and the evidence is looked at again
after it (`lib.inbound.follower`). A mail is heeded once: of a recipient to whom the message was sent again since, an
old bounce says nothing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from lib.clock import Clock
from lib.errors import Stale
from lib.messages.copy_rows import Copy, Delivery
from lib.messages.deliveries import is_waiting, together
from lib.messages.fence import fenced, is_being_sent, write_fenced
from lib.messages.models import StoredMessage
from lib.messages.store import MessageStore
from lib.people.addresses import same_mailbox
from lib.storage.retry import retry_on_conflict


@dataclass(frozen=True, slots=True)
class MailEvidence:
    """Evidence by one mail, by recipient number."""

    mail: str
    """The id of the received message."""

    reached: frozenset[int] = frozenset()
    """Recipients for whom the message has left."""

    answered: frozenset[int] = frozenset()
    """Recipients who have answered, so that the message has reached them, whatever a bounce says."""

    failed: Mapping[int, Delivery] = field(default_factory=dict)
    """Recipients whom it did not reach, with the reason; each has the state `bounced`."""


def with_evidence(message: StoredMessage, copies: Sequence[Copy], evidence: Iterable[MailEvidence]) -> list[Copy]:
    """Return the copies as the evidence has them; those about which it says nothing new are the same."""
    if message.state not in ("sent", "uncertain", "submitting", "scheduled"):
        return list(copies)
    found = list(copies)
    answered = set[int]()
    for each in evidence:
        reached, failed = _with_namesakes(message, dict.fromkeys(each.reached)), _with_namesakes(message, each.failed)
        found = [_heeded(message, copy, each.mail, set(reached), failed) for copy in found]
        answered.update(_with_namesakes(message, dict.fromkeys(each.answered)))
    return [_answered(message, copy, answered) for copy in found]


def _with_namesakes(message: StoredMessage, numbers: Mapping[int, Delivery | None]) -> dict[int, Delivery | None]:
    """Return the same for every number of these mailboxes: a mailbox may stand there twice."""
    mailboxes = [same_mailbox(each.email) for each in message.recipients()]
    said = {mailboxes[number]: value for number, value in numbers.items() if number < len(mailboxes)}
    return {number: said[mailbox] for number, mailbox in enumerate(mailboxes) if mailbox in said}


def _heeded(
    message: StoredMessage, copy: Copy, mail: str, reached: set[int], failed: Mapping[int, Delivery | None]
) -> Copy:
    if mail in copy.returned:
        return copy
    before = _deliveries(message, copy)
    after, has_bounced = dict(before), False
    for number in copy.recipients:
        state, failure = copy_state(before, number), failed.get(number)
        if failure is not None and state in ("accepted", "uncertain"):
            after[number], has_bounced = failure, True
        elif number in reached and state == "uncertain":
            after[number] = Delivery(state="accepted", at=copy.tried_at or message.tried_at)
    if after == before:
        return copy
    update: dict[str, object] = {"deliveries": after}
    if has_bounced:
        update["returned"] = [*copy.returned, mail]
    if copy.state == "uncertain" and not any(each.state == "uncertain" for each in after.values()):
        update |= {"state": "sent", "due_at": None, "asked": []}
    return copy.model_copy(update=update)


def _answered(message: StoredMessage, copy: Copy, answered: set[int]) -> Copy:
    """Return a copy whose recipients did not bounce where they have answered, before the bounce or after it."""
    wrong = [number for number in answered & copy.deliveries.keys() if copy_state(copy.deliveries, number) == "bounced"]
    if not wrong:
        return copy
    got = Delivery(state="accepted", at=copy.tried_at or message.tried_at or message.sent_at)
    return copy.model_copy(update={"deliveries": copy.deliveries | dict.fromkeys(wrong, got)})


def copy_state(deliveries: Mapping[int, Delivery], number: int) -> str:
    """Return the state of a recipient's delivery; without an entry it is waiting."""
    return deliveries[number].state if number in deliveries else "waiting"


def _deliveries(message: StoredMessage, copy: Copy) -> dict[int, Delivery]:
    """Return the copy's deliveries. What a CRM has sent by itself is accepted, as the CRM says."""
    if copy.state is None and message.state == "sent":
        sent = Delivery(state="accepted", at=message.sent_at)
        return {number: copy.deliveries.get(number, sent) for number in copy.recipients}
    return copy.deliveries


class DeliveryEvidence:
    """Writes down what mail that came back says about deliveries."""

    def __init__(self, store: MessageStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def note_evidence(
        self,
        organization: str,
        message: str,
        evidence: Sequence[MailEvidence],
        before_writing: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        """Change the deliveries of a message accordingly; again is the same.

        Nothing is changed while a worker has the message: the assessment that follows its work notes the evidence.
        `before_writing` arranges what is to follow a change. Raises StorageError, Stale.
        """

        async def note_once() -> None:
            await self._note_once(organization, message, evidence, before_writing)

        await retry_on_conflict(f"message {message}", note_once, on=Stale)

    async def _note_once(
        self,
        organization: str,
        message: str,
        evidence: Sequence[MailEvidence],
        before_writing: Callable[[], Awaitable[None]] | None,
    ) -> None:
        """Raises Stale."""
        loaded, now = await self._store.load(organization, message), self._clock.now()
        if loaded is None or loaded.lease is None or is_being_sent(loaded, now):
            return
        if with_evidence(loaded.message, loaded.copies, evidence) == loaded.copies:
            return
        there, lease_etag = await fenced(self._store, organization, loaded, now)
        copies = with_evidence(there.message, there.copies, evidence)
        changed = {number: copy for number, copy in enumerate(copies) if copy != there.copies[number]}
        whole = [
            copy.model_copy(update={"deliveries": _deliveries(there.message, copy)}) if copy.state is None else copy
            for copy in copies
        ]
        after = together(there.message, whole, now)
        if is_waiting(after):
            # The due index has an entry for this time; the outbox arranges the next one.
            after = after.model_copy(update={"due_at": there.message.due_at})
        if before_writing is not None:
            await before_writing()
        await write_fenced(self._store, organization, after, there.etag, changed, lease_etag, now)
