"""When a message goes out: scheduling, changing the time, and waking the outbox.

The message's row is the truth, `due_at` its time. An entry of the due index is written before the row says `scheduled`,
so that a process that dies in between leaves an entry too many and never a message that nobody looks at. It stays until
the message is at rest. What is due soon gets a queue message at once; for the rest the sweep does that in time, and for
as long as the entry is there does it again.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from types import NoneType
from typing import Any, TypeGuard

from lib.clock import Clock, milliseconds, moment
from lib.composing.preparation import Preparation
from lib.errors import NotAllowed, Stale
from lib.ids import CHOSEN, MADE, ORGANIZATION, new_key
from lib.messages.deliveries import is_waiting, together
from lib.messages.models import Copy, StoredMessage
from lib.messages.store import Lease, Loaded, MessageStore
from lib.sending.copy_tries import begun_anew, resolved, sent_again
from lib.storage import Queues
from lib.storage.due_index import AHEAD, Due, DueHandOver, DueIndex, is_seasoned
from lib.storage.layout import OUTBOX
from lib.transports import Transport

CLOCKS_DIFFER = timedelta(minutes=15)
"""At the most: storage refuses requests that are signed with a time further off."""

_NOT_NOW = {
    "submitting": "The message is being sent just now.",
    "sent": "The message was sent already, and no recipient was refused it.",
    "uncertain": "Nobody knows whether the message has left: say with POST …/resolve whether it was sent, or have it "
    "sent again.",
}
"""Why a message in such a state is not sent."""

_COPIES_AT_ONCE = 90
_TOO_LATE = milliseconds(datetime(9999, 1, 1, tzinfo=UTC))
_WORTH_DISCARDING = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Wake:
    """A message of the queue `outbox`: look at this one.

    One of a sweep says for which entry of the due index it stands, `at` its time in milliseconds, and the how many-th
    one it is. `seen` is the version of the worker's lease that was found when this look was asked for.
    """

    organization: str
    message: str
    at: int | None = None
    times: int = 0
    seen: str | None = None

    def to_json(self) -> str:
        entry = {} if self.at is None else {"at": self.at, "times": self.times}
        seen = {} if self.seen is None else {"seen": self.seen}
        return json.dumps({"v": 1, "org": self.organization, "message": self.message, **entry, **seen})


@dataclass(frozen=True, slots=True)
class Discard:
    """A message of the queue `outbox`: what tries with this key have left at the provider is to be removed.

    `sender` is the id of the user who sent. After `until` there is no point in trying any more.
    """

    organization: str
    sender: str
    key: str
    until: datetime

    def to_json(self) -> str:
        parts = {"sender": self.sender, "key": self.key, "until": milliseconds(self.until)}
        return json.dumps({"v": 1, "org": self.organization, "discard": parts})


def read_order(body: bytes) -> Wake | Discard:
    """Raises ValueError for whatever is no such message; it ends in the poison queue."""
    raw = json.loads(body)
    if not isinstance(raw, dict) or raw.get("v") != 1:
        raise ValueError("a message of another version, or none")
    organization, message, seen = raw.get("org"), raw.get("message"), raw.get("seen")
    if not isinstance(organization, str) or not ORGANIZATION.fullmatch(organization):
        raise ValueError("it names no organization")
    if "discard" in raw:
        return _read_discard(organization, raw["discard"])
    if not isinstance(message, str) or not MADE.fullmatch(message):
        raise ValueError("it names no message")
    at, times = raw.get("at"), raw.get("times", 0)
    if (at is not None and not _is_moment(at)) or type(times) is not int:
        raise ValueError("it names no entry of the due index")
    if type(seen) not in (str, NoneType):
        raise ValueError("it names no version of a lease")
    return Wake(organization, message, at, times, seen)


def _is_moment(value: object) -> TypeGuard[int]:
    """Whether it is a time in milliseconds, of the years that `datetime` knows."""
    return type(value) is int and 0 <= value < _TOO_LATE


def _read_discard(organization: str, parts: object) -> Discard:
    """Raises ValueError."""
    found = parts if isinstance(parts, dict) else {}
    sender, key, until = found.get("sender"), found.get("key"), found.get("until")
    if not isinstance(sender, str) or not CHOSEN.fullmatch(sender):
        raise ValueError("it names no sender")
    if not isinstance(key, str) or not _is_moment(until):
        raise ValueError("it names no key, or no time")
    return Discard(organization, sender, key, moment(until))


class Schedule:
    def __init__(
        self,
        store: MessageStore,
        preparation: Preparation,
        due: DueIndex,
        queues: Queues,
        clock: Clock,
        transport: Transport | None,
    ) -> None:
        self._store = store
        self._preparation = preparation
        self._due = due
        self._queues = queues
        self._clock = clock
        self._can_send = transport is not None
        # Who takes a mail for others than it names is a mail server, which keeps none.
        self._keeps_drafts = transport is not None and not transport.separate_envelopes

    async def send(self, organization: str, loaded: Loaded, asked_by: str) -> StoredMessage:
        """Queue it: now, or for its `deliver_at`; of one that was sent, for those who were refused.

        `asked_by` is the id of the request: one that comes again does nothing more. Raises NotAllowed, Stale.
        """
        if not self._can_send:
            raise NotAllowed(
                "No mail server is set (HEED_SMTP_HOST), so Heed cannot send; use prepare and sent, or have it set."
            )
        message = loaded.message
        if message.asked_by == asked_by:
            return message
        if message.state == "scheduled":
            await self.enter(organization, message)
            await self.wake(organization, message)
            return message
        if message.state == "sent" and message.delivery and (message.delivery.refused or message.delivery.bounced):
            return await self._change_copies(organization, loaded, sent_again, asked_by=asked_by)
        if message.state not in ("draft", "failed"):
            raise NotAllowed(_NOT_NOW.get(message.state, f"A message that is {message.status} cannot be sent."))
        message_id = message.message_id or await self._preparation.message_id(organization, message)
        at = max(message.deliver_at or self._clock.now(), self._clock.now())
        # Nothing of it has left: who gets which copy is decided anew.
        fresh: dict[str, Any] = {"message_id": message_id, "provider_key": new_key(), "copy_count": None}
        return await self._set(organization, loaded, at, asked_by=asked_by, **fresh)

    async def move(self, organization: str, loaded: Loaded, deliver_at: datetime | None) -> StoredMessage:
        """Another time; None takes the delay away: a scheduled message then goes at once. Raises NotAllowed, Stale."""
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

    async def resolve(self, organization: str, loaded: Loaded, resend: bool) -> StoredMessage:
        """A person says what became of an uncertain message. Raises NotAllowed, Stale."""
        message, now = loaded.message, self._clock.now()
        if message.state != "uncertain":
            raise NotAllowed(f"Only an uncertain message can be resolved; this one is {message.status}.")
        return await self._change_copies(organization, loaded, lambda copy: resolved(copy, resend, now))

    async def _change_copies(
        self, organization: str, loaded: Loaded, change: Callable[[Copy], Copy], **update: Any
    ) -> StoredMessage:
        """What a person says of those of whom nobody knows, or who were refused. Raises NotAllowed, Stale."""
        now = self._clock.now()
        loaded, lease_etag = await self._fenced(organization, loaded, now)
        copies = [change(copy) for copy in loaded.copies]
        changed = {number: copy for number, copy in enumerate(copies) if copy != loaded.copies[number]}
        message = together(loaded.message, copies, now)
        if is_waiting(message):
            update |= {"told_at": now, "tried_at": None, "attempts": 0}
        message = message.model_copy(update=update)
        lease = Lease(until=now)
        if is_waiting(message):
            await self.enter(organization, message)
        numbers = list(changed)
        while len(numbers) > _COPIES_AT_ONCE:
            some = {number: changed[number] for number in numbers[:_COPIES_AT_ONCE]}
            lease_etag = await self._store.put_copies(organization, message.id, some, lease, lease_etag)
            numbers = numbers[_COPIES_AT_ONCE:]
        rest = {number: changed[number] for number in numbers}
        await self._store.change_with_lease(organization, message, loaded.etag, rest, lease, lease_etag)
        if is_waiting(message):
            await self.wake(organization, message)
        return message

    async def _fenced(self, organization: str, loaded: Loaded, now: datetime) -> tuple[Loaded, str]:
        """The message as nobody has changed it since the lease got the version that is returned with it.

        A worker may have written rows of it while they were read. Raises NotAllowed, Stale.
        """
        message = loaded.message
        if loaded.lease is None or loaded.lease_etag is None:
            raise Stale(f"message {message.id} has no plan")
        # Not even when the lease is over by our clock: only the outbox can tell that a worker has died.
        if loaded.is_held and (is_waiting(message) or loaded.lease.until > now):
            raise NotAllowed("The message is being sent just now: try again in a minute.")
        lease_etag = await self._store.put_copies(organization, message.id, {}, Lease(until=now), loaded.lease_etag)
        again = await self._store.load(organization, message.id)
        if again is None or (again.etag, again.lease_etag) != (loaded.etag, lease_etag):
            raise Stale(f"message {message.id} has changed")
        return replace(again, message=message), lease_etag

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
        """Have the drafts of tries removed that a message has left at the provider."""
        for copy in loaded.copies:
            if copy.tried_at and copy.key and self._keeps_drafts:
                await self.discard(organization, loaded.message, copy.key)

    async def discard(self, organization: str, message: StoredMessage, key: str) -> None:
        """Have what tries with this key have left at the provider removed."""
        order = Discard(organization, message.sender, key, self._clock.now() + _WORTH_DISCARDING)
        await self._queues.send(OUTBOX, order.to_json())

    async def look_again(self, organization: str, message: StoredMessage, wait: timedelta, seen: str | None) -> None:
        """Have the outbox look at a message that a worker holds, after so long."""
        await self._queues.send(OUTBOX, Wake(organization, message.id, seen=seen).to_json(), wait)

    async def enter(self, organization: str, message: StoredMessage) -> None:
        """Before the row says `scheduled`: see that the sweep will find it."""
        await self._due.put_entry(_entry(organization, message))

    async def leave(self, organization: str, message: StoredMessage) -> None:
        """It has come to rest: the sweep need not find it."""
        await self._due.drop_entry(_entry(organization, message))

    async def wake(self, organization: str, message: StoredMessage) -> None:
        """Have the outbox look at it at its `due_at`, unless a sweep comes before that anyway."""
        delay = (message.due_at or self._clock.now()) - self._clock.now()
        if delay <= AHEAD:
            await self._queues.send(OUTBOX, Wake(organization, message.id).to_json(), max(timedelta(0), delay))

    async def come_again(self, organization: str, message: StoredMessage) -> None:
        """After a look that came before its time, perhaps from an instance whose clock is ahead: have another one."""
        delay = (message.due_at or self._clock.now()) - self._clock.now()
        if delay <= CLOCKS_DIFFER:
            await self._queues.send(OUTBOX, Wake(organization, message.id).to_json(), min(delay, AHEAD))

    async def sweep(self) -> int:
        """Hand the outbox what is due within a minute, oldest first; how many that were."""

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
        """Drop the entry that a wake stands for, when the message, as the outbox has left it, no longer asks for it.

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
