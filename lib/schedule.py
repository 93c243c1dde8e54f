"""When a message goes out: scheduling, changing the time, and waking the outbox.

The message's row is the truth, `due_at` its time. An entry of the due index is written before the row says `scheduled`,
so that a process that dies in between leaves an entry too many and never a message that nobody looks at. It stays until
the message is at rest. What is due soon gets a queue message at once; for the rest the sweep does that in time, and for
as long as the entry is there does it again.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import NoneType
from typing import Any

from lib.clock import Clock, milliseconds, moment
from lib.copy_tries import resolved, together
from lib.due import AHEAD, Due, DueIndex, HandOver, is_seasoned
from lib.ids import MADE, ORGANIZATION, new_key
from lib.message_store import Lease, Loaded, MessageStore
from lib.messages import StoredMessage
from lib.prepare import Preparation
from lib.storage import Queues
from lib.tables import OUTBOX

CLOCKS_DIFFER = timedelta(minutes=15)
"""At the most: storage refuses requests that are signed with a time further off."""

_COPIES_AT_ONCE = 90


class NotAllowed(Exception):
    """The message's state does not allow this; the text says why."""


@dataclass(frozen=True, slots=True)
class Wake:
    """A message of the queue `outbox`: look at this one.

    One of a sweep says for which entry of the due index it stands, `at` its time in milliseconds, and the how many-th
    one it is.
    """

    organization: str
    message: str
    at: int | None = None
    times: int = 0

    def to_json(self) -> str:
        entry = {} if self.at is None else {"at": self.at, "times": self.times}
        return json.dumps({"v": 1, "org": self.organization, "message": self.message, **entry})


def read_wake(body: bytes) -> Wake:
    """Raises ValueError for whatever is no such message; it ends in the poison queue."""
    raw = json.loads(body)
    if not isinstance(raw, dict) or raw.get("v") != 1:
        raise ValueError("a message of another version, or none")
    organization, message = raw.get("org"), raw.get("message")
    if not isinstance(organization, str) or not ORGANIZATION.fullmatch(organization):
        raise ValueError("it names no organization")
    if not isinstance(message, str) or not MADE.fullmatch(message):
        raise ValueError("it names no message")
    at, times = raw.get("at"), raw.get("times", 0)
    if type(at) not in (int, NoneType) or type(times) is not int:
        raise ValueError("it names no entry of the due index")
    return Wake(organization, message, at, times)


def is_waiting(message: StoredMessage) -> bool:
    """Whether something is still to be done about it by itself, so that it needs its entry of the due index."""
    return message.state in ("scheduled", "claimed", "submitting")


class Schedule:
    def __init__(
        self,
        store: MessageStore,
        preparation: Preparation,
        due: DueIndex,
        queues: Queues,
        clock: Clock,
        can_send: bool,
    ) -> None:
        self._store = store
        self._preparation = preparation
        self._due = due
        self._queues = queues
        self._clock = clock
        self._can_send = can_send

    async def send(self, organization: str, loaded: Loaded) -> StoredMessage:
        """Queue it: now, or for its `deliver_at`. Again is the same. Raises NotAllowed, Stale."""
        if not self._can_send:
            raise NotAllowed(
                "No mail server is set (HEED_SMTP_HOST), so Heed cannot send; use prepare and sent, or have it set."
            )
        message = loaded.message
        if message.state == "scheduled":
            await self.wake(organization, message)
            return message
        if message.state not in ("draft", "failed"):
            raise NotAllowed(f"A message that is {message.status} cannot be sent.")
        message_id = message.message_id or await self._preparation.message_id(organization, message)
        at = max(message.deliver_at or self._clock.now(), self._clock.now())
        key = message.provider_key or new_key()
        # Nothing of it has left: who gets which copy is decided anew.
        fresh: dict[str, Any] = {"message_id": message_id, "provider_key": key, "attempts": 0, "copy_count": None}
        return await self._set(organization, loaded, at, **fresh)

    async def move(self, organization: str, loaded: Loaded, deliver_at: datetime | None) -> StoredMessage:
        """Another time; None takes the delay away: a scheduled message then goes at once. Raises NotAllowed, Stale."""
        message = loaded.message
        if message.state == "draft":
            changed = message.model_copy(update={"deliver_at": deliver_at})
            await self._store.change(organization, changed, loaded.etag)
            return changed
        if message.state != "scheduled":
            raise NotAllowed(f"A message that is {message.status} keeps its time.")
        return await self._set(organization, loaded, deliver_at or self._clock.now(), deliver_at=deliver_at)

    async def resolve(self, organization: str, loaded: Loaded, resend: bool) -> StoredMessage:
        """A person says what became of an uncertain message. Raises NotAllowed, Stale."""
        message, now = loaded.message, self._clock.now()
        if message.state != "uncertain":
            raise NotAllowed(f"Only an uncertain message can be resolved; this one is {message.status}.")
        if message.copy_count is not None and message.copy_count > 1 and loaded.lease_etag is not None:
            return await self._resolve_copies(organization, loaded, loaded.lease_etag, resend)
        if resend:
            return await self._set(organization, loaded, now, attempts=0)
        sent = message.model_copy(update={"state": "sent", "sent_at": now, "failure": None})
        await self._store.change(organization, sent, loaded.etag)
        return sent

    async def _resolve_copies(self, organization: str, loaded: Loaded, lease_etag: str, resend: bool) -> StoredMessage:
        """What is said of the message holds for those of its copies of which nobody knows. Raises Stale."""
        now, copies = self._clock.now(), [resolved(copy, resend) for copy in loaded.copies]
        changed = {number: copy for number, copy in enumerate(copies) if copy != loaded.copies[number]}
        message = together(loaded.message, copies, now, None).model_copy(update={"attempts": 0})
        lease = Lease(until=now)
        if message.state == "submitting" or message.state == "scheduled":
            await self.enter(organization, message)
        numbers = list(changed)
        for start in range(0, len(numbers), _COPIES_AT_ONCE):
            some = {number: changed[number] for number in numbers[start : start + _COPIES_AT_ONCE]}
            lease_etag = await self._store.put_copies(organization, message.id, some, lease, lease_etag)
        await self._store.change_with_lease(organization, message, loaded.etag, {}, lease, lease_etag)
        if message.state == "submitting" or message.state == "scheduled":
            await self.wake(organization, message)
        return message

    async def _set(self, organization: str, loaded: Loaded, at: datetime, **update: Any) -> StoredMessage:
        fields = {"failure": None, **update, "state": "scheduled", "due_at": at}
        message = loaded.message.model_copy(update=fields)
        await self.enter(organization, message)
        await self._store.change(organization, message, loaded.etag)
        await self.wake(organization, message)
        return message

    async def enter(self, organization: str, message: StoredMessage) -> None:
        """Before the row says `scheduled`: see that the sweep will find it."""
        await self._due.put(_entry(organization, message))

    async def leave(self, organization: str, message: StoredMessage) -> None:
        """It has come to rest: the sweep need not find it."""
        await self._due.drop(_entry(organization, message))

    async def wake(self, organization: str, message: StoredMessage, at: datetime | None = None) -> None:
        """Have the outbox look at it at that time (its `due_at`), unless a sweep comes before that anyway."""
        delay = (at or message.due_at or self._clock.now()) - self._clock.now()
        if delay <= AHEAD or at is not None:
            await self._queues.send(OUTBOX, Wake(organization, message.id).to_json(), max(timedelta(0), delay))

    async def sweep(self) -> int:
        """Hand the outbox what is due within a minute, oldest first; how many that were."""

        async def hand_over(entry: HandOver) -> None:
            due = entry.due
            wake = Wake(due.organization, due.item, milliseconds(due.at), entry.times)
            # Two sweeps at the same time need to wake it once. No other wake has this id: one that was lost, or came
            # too early, must be able to come again.
            once = f"sweep|{due.organization}|{due.item}|{wake.at}|{entry.sweep}"
            delay = max(timedelta(0), due.at - self._clock.now())
            await self._queues.send(OUTBOX, wake.to_json(), delay, once)

        return await self._due.sweep("send", hand_over)

    async def settle(self, wake: Wake, message: StoredMessage | None) -> None:
        """See to what is left of a wake after the outbox has looked at the message, which may not be known.

        The entry that it stands for goes when the message no longer asks for it. A wake that came too early, from an
        instance whose clock is ahead, leaves another one: in a minute that instance may take it. Raises StorageError.
        """
        if message is None:
            loaded = await self._store.load(wake.organization, wake.message)
            message = loaded.message if loaded else None
        waiting = message is not None and is_waiting(message)
        if wake.at is not None and is_seasoned(wake.times):
            due = Due("send", moment(wake.at), wake.organization, wake.message)
            if not (message and waiting and due.is_at(message.due_at)):
                await self._due.drop(due)
        if message and waiting and message.state == "scheduled" and message.due_at:
            now = self._clock.now()
            if AHEAD < message.due_at - now <= CLOCKS_DIFFER:
                await self.wake(wake.organization, message, now + AHEAD)


def _entry(organization: str, message: StoredMessage) -> Due:
    assert message.due_at is not None
    return Due("send", message.due_at, organization, message.id)
