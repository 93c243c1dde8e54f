"""The schedule: telling a message to go, changing its time, and waking the outbox.

The message's row is the truth, and `due_at` is its time. An entry of the due index is written before the row says
`scheduled`, so that a process that dies in between leaves an entry too many and never a forgotten message. The entry
stays until the message is at rest. A message that is due soon gets a queue message at once. For the others the sweep
sends one in time, and again for as long as the entry is there.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from lib.clock import Clock, milliseconds, moment
from lib.composing.preparation import Preparation
from lib.errors import NotAllowed
from lib.ids import new_key
from lib.messages.copy_rows import Copy
from lib.messages.deliveries import is_waiting, together
from lib.messages.fence import fenced, write_fenced
from lib.messages.follow_state import Decision
from lib.messages.matched_records import matched_records
from lib.messages.models import StoredMessage
from lib.messages.store import Loaded, MessageStore
from lib.messages.threads import Threads
from lib.sending.copy_outcomes import begun_anew, resolved, sent_again
from lib.sending.orders import Discard, Wake
from lib.storage import Queues
from lib.storage.due_index import AHEAD, Due, DueHandOver, DueIndex, is_seasoned
from lib.storage.layout import OUTBOX
from lib.transports import Transport

CLOCKS_DIFFER = timedelta(minutes=15)
"""The most that clocks differ: storage refuses requests that are signed with a time further off."""

_NOT_NOW = {
    "submitting": "The message is being sent just now.",
    "sent": "The message was sent already, and no recipient was refused it by Heed's mail server.",
    "uncertain": "It is not known whether the message has left: say with POST …/resolve whether it was sent, or "
    "have it sent again.",
}
"""The reasons why a message in such a state is not sent."""

_WORTH_DISCARDING = timedelta(hours=24)


class Schedule:
    """Decides when the outbox looks at a message."""

    def __init__(
        self,
        store: MessageStore,
        preparation: Preparation,
        threads: Threads,
        due: DueIndex,
        queues: Queues,
        clock: Clock,
        transport: Transport | None,
    ) -> None:
        self._store = store
        self._preparation = preparation
        self._threads = threads
        self._due = due
        self._queues = queues
        self._clock = clock
        self._can_send = transport is not None
        # Only a mail server takes a mail for others than it names, and a mail server keeps no drafts.
        self._keeps_drafts = transport is not None and not transport.separate_envelopes

    async def send(
        self, organization: str, loaded: Loaded, asked_by: str, expected: Decision | None = None
    ) -> StoredMessage:
        """Queue a message now, or for its `deliver_at`; one that was sent, for the recipients who were refused.

        `asked_by` is the id of the request: one that comes again does nothing more. `expected` says who is followed
        as it is now; it is decided when the message goes out. Raises NotAllowed, Stale.
        """
        if not self._can_send:
            raise NotAllowed(
                "No mail server is set (HEED_SMTP_HOST), so Heed cannot send; use prepare and sent, or have it set."
            )
        message, counts = loaded.message, loaded.message.delivery
        if message.asked_by == asked_by:
            return message
        if message.state == "scheduled":
            await self.enter(organization, message)
            await self.wake(organization, message)
            return message
        is_ours = message.provider_key is not None
        if message.state == "sent" and is_ours and counts and (counts.refused or counts.bounced):
            return await self._change_copies(organization, loaded, sent_again, asked_by=asked_by)
        if message.state not in ("draft", "failed"):
            raise NotAllowed(_NOT_NOW.get(message.state, f"A message that is {message.status} cannot be sent."))
        message_id = message.message_id or await self._preparation.message_id(organization, message)
        at = max(message.deliver_at or self._clock.now(), self._clock.now())
        # Nothing of it has left: who gets which copy is decided anew.
        fresh: dict[str, Any] = {"message_id": message_id, "provider_key": new_key(), "copy_count": None}
        fresh["follow_state"] = expected.state if expected else None
        fresh["matched"] = matched_records(expected.known) if expected else None
        # Before the first byte leaves: an answer may come before the row says that the message was sent.
        await self._threads.enter_message(organization, message.model_copy(update={"message_id": message_id}))
        return await self._set(organization, loaded, at, asked_by=asked_by, **fresh)

    async def move(self, organization: str, loaded: Loaded, deliver_at: datetime | None) -> StoredMessage:
        """Set another time; None takes the delay away, and a scheduled message then goes at once. Raises NotAllowed,
        Stale."""
        message = loaded.message
        if message.state in ("draft", "failed"):
            changed = message.model_copy(update={"deliver_at": deliver_at})
            await self._store.change(organization, changed, loaded.etag)
            return changed
        if message.state != "scheduled":
            raise NotAllowed(f"A message that is {message.status} keeps its time.")
        at = deliver_at or self._clock.now()
        if not message.copy_count:
            return await self._set(organization, loaded, at, deliver_at=deliver_at)
        # It was refused for now, and another time is a beginning anew.
        before = message.due_at
        moved = await self._change_copies(organization, loaded, begun_anew, deliver_at=deliver_at, due_at=at)
        if before != at:
            await self.leave(organization, message)
        return moved

    async def take_back(self, organization: str, loaded: Loaded) -> StoredMessage:
        """Turn a scheduled message into a draft again, as long as no copy was tried. Raises NotAllowed, Stale.

        The request that had it sent stays named: where it comes once more, nothing is sent.
        """
        message = loaded.message
        if message.state == "draft":
            return message
        if message.state != "scheduled" or message.tried_at is not None or message.copy_count:
            raise NotAllowed("Sending has begun, so the message can no longer be taken back.")
        fresh = {"state": "draft", "due_at": None, "told_at": None}
        draft = message.model_copy(update={**fresh, "follow_state": None, "matched": None, "copy_count": None})
        await self._store.change(organization, draft, loaded.etag)
        await self.leave(organization, message)
        return draft

    async def resolve(self, organization: str, loaded: Loaded, resend: bool) -> StoredMessage:
        """Settle an uncertain message as a person says. Raises NotAllowed, Stale."""
        message, now = loaded.message, self._clock.now()
        if message.state != "uncertain":
            raise NotAllowed(f"Only an uncertain message can be resolved; this one is {message.status}.")
        return await self._change_copies(organization, loaded, lambda copy: resolved(copy, resend, now))

    async def _change_copies(
        self, organization: str, loaded: Loaded, change: Callable[[Copy], Copy], **update: Any
    ) -> StoredMessage:
        """Change the copies as a person says: those in doubt, or refused. Raises NotAllowed, Stale."""
        now = self._clock.now()
        loaded, lease_etag = await fenced(self._store, organization, loaded, now)
        copies = [change(copy) for copy in loaded.copies]
        changed = {number: copy for number, copy in enumerate(copies) if copy != loaded.copies[number]}
        message = together(loaded.message, copies, now)
        if is_waiting(message):
            update |= {"told_at": now, "tried_at": None, "attempts": 0}
        message = message.model_copy(update=update)
        if is_waiting(message):
            await self.enter(organization, message)
        await write_fenced(self._store, organization, message, loaded.etag, changed, lease_etag, now)
        if is_waiting(message):
            await self.wake(organization, message)
        return message

    async def _set(self, organization: str, loaded: Loaded, at: datetime, **update: Any) -> StoredMessage:
        fields = {"failure": None, "delivery": None, "attempts": 0, **update, "state": "scheduled", "due_at": at}
        message = loaded.message.model_copy(update={**fields, "told_at": self._clock.now()})
        await self.enter(organization, message)
        await self._store.change(organization, message, loaded.etag)
        if is_waiting(loaded.message) and loaded.message.due_at != at:
            await self.leave(organization, loaded.message)
        await self.wake(organization, message)
        return message

    async def before_deletion(self, organization: str, loaded: Loaded) -> None:
        """Ask for the removal of the drafts that a message has left at the provider."""
        for copy in loaded.copies:
            if copy.tried_at and copy.key and self._keeps_drafts:
                await self.discard(organization, loaded.message, copy.key)

    async def discard(self, organization: str, message: StoredMessage, key: str) -> None:
        """Ask for the removal of the drafts that tries with this key have left at the provider."""
        order = Discard(organization, message.sender, key, self._clock.now() + _WORTH_DISCARDING)
        await self._queues.send(OUTBOX, order.to_json())

    async def look_again(self, organization: str, message: StoredMessage, wait: timedelta, seen: str | None) -> None:
        """Have the outbox look at a message that a worker holds, after this wait."""
        await self._queues.send(OUTBOX, Wake(organization, message.id, seen=seen).to_json(), wait)

    async def enter(self, organization: str, message: StoredMessage) -> None:
        """Make sure that the sweep will find the message; this comes before its row says `scheduled`."""
        await self._due.put_entry(_entry(organization, message))

    async def leave(self, organization: str, message: StoredMessage) -> None:
        """Drop the entry of a message that has come to rest."""
        await self._due.drop_entry(_entry(organization, message))

    async def wake(self, organization: str, message: StoredMessage) -> None:
        """Have the outbox look at the message at its `due_at`, unless a sweep comes before that anyway."""
        delay = (message.due_at or self._clock.now()) - self._clock.now()
        if delay <= AHEAD:
            await self._queues.send(OUTBOX, Wake(organization, message.id).to_json(), max(timedelta(0), delay))

    async def come_again(self, organization: str, message: StoredMessage) -> None:
        """Have the outbox look again after a look before its time, perhaps of an instance whose clock is ahead."""
        delay = (message.due_at or self._clock.now()) - self._clock.now()
        if delay <= CLOCKS_DIFFER:
            await self._queues.send(OUTBOX, Wake(organization, message.id).to_json(), min(delay, AHEAD))

    async def sweep(self) -> int:
        """Hand the outbox the messages that are due within a minute, oldest first. Return their number."""

        async def hand_over(entry: DueHandOver) -> None:
            due = entry.due
            wake = Wake(due.organization, due.item, milliseconds(due.at), entry.times)
            # Two sweeps at the same time need to wake it once. No other wake has this id: one that was lost, or came
            # too early, must be able to come again.
            once = f"sweep|{due.organization}|{due.item}|{wake.at}|{entry.sweep}"
            delay = max(timedelta(0), due.at - self._clock.now())
            await self._queues.send(OUTBOX, wake.to_json(), delay, once)

        return await self._due.sweep("send", hand_over)

    async def settle(self, wake: Wake, message: StoredMessage | None) -> None:
        """Drop the entry that a wake stands for, if the message no longer needs it after the outbox looked at it.

        Raises StorageError.
        """
        if wake.at is None or not is_seasoned(wake.times):
            return
        if message is None:
            loaded = await self._store.load(wake.organization, wake.message)
            message = loaded.message if loaded else None
        due = Due("send", moment(wake.at), wake.organization, wake.message)
        if message is None or not is_waiting(message) or not due.is_at(message.due_at):
            await self._due.drop_entry(due)


def _entry(organization: str, message: StoredMessage) -> Due:
    assert message.due_at is not None
    return Due("send", message.due_at, organization, message.id)
