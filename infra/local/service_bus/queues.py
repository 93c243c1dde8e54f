"""The broker's queues: what Service Bus promises of a queue without sessions, in memory.

Peek-lock with expiry, scheduled messages, duplicate detection by message id, and a sub-queue of dead letters.
"""

import base64
import itertools
import time
from bisect import insort
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID, uuid4

from infra.local.service_bus.messages import Message, read_message

DEAD_LETTERS = "/$deadletterqueue"
_TOO_MANY = "MaxDeliveryCountExceeded"


@dataclass(frozen=True, slots=True)
class QueueSettings:
    """What one sets on a queue of Service Bus, the same for every queue here."""

    lock_seconds: float = 30
    most_deliveries: int = 10
    duplicate_window_seconds: float = 600


@dataclass(slots=True)
class Stored:
    """`due` is when it shows (seconds since 1970), `deliveries` how often it was given back."""

    message: Message
    sequence: int
    enqueued: float
    due: float
    deliveries: int = 0


@dataclass(slots=True)
class Lock:
    """A message that a receiver has, until then."""

    stored: Stored
    until: float


class Queue:
    """One queue or sub-queue; `on_ready` are called when a message can be taken."""

    def __init__(self, name: str, broker: "Broker") -> None:
        self.name = name
        self.on_ready: set[Callable[[], None]] = set()
        self._broker = broker
        self._ready: list[Stored] = []
        self._scheduled: list[Stored] = []
        self._locked: dict[UUID, Lock] = {}
        self._ids: dict[Any, float] = {}

    def send(self, message: Message) -> int | None:
        """Take a message from a sender: its sequence number, or None for a duplicate, which is dropped."""
        now = self._broker.now()
        if message.id is not None:
            if self._ids.get(message.id, 0) > now - self._broker.settings.duplicate_window_seconds:
                return None
            self._ids[message.id] = now
        stored = Stored(message, next(self._broker.sequence), now, message.scheduled or now)
        self.put(stored)
        return stored.sequence

    def put(self, stored: Stored) -> None:
        """Have it wait in its place, or for its time."""
        if stored.due > self._broker.now():
            self._scheduled.append(stored)
            return
        insort(self._ready, stored, key=lambda each: each.sequence)
        for call in tuple(self.on_ready):
            call()

    def take(self) -> tuple[UUID, Stored, float] | None:
        """The oldest message, locked: (lock token, message, when the lock ends). None when there is none."""
        if not self._ready:
            return None
        stored, token = self._ready.pop(0), uuid4()
        until = self._broker.now() + self._broker.settings.lock_seconds
        self._locked[token] = Lock(stored, until)
        return token, stored, until

    def renew(self, token: UUID) -> float | None:
        """When the lock ends now; None where it has ended already."""
        lock = self._locked.get(token)
        if lock is None:
            return None
        lock.until = self._broker.now() + self._broker.settings.lock_seconds
        return lock.until

    def complete(self, token: UUID) -> bool:
        """The receiver is done with it. False where the lock had ended, as in what follows."""
        return self._locked.pop(token, None) is not None

    def release(self, token: UUID) -> bool:
        """The receiver has not looked at it: it waits again as if it had never been taken."""
        lock = self._locked.pop(token, None)
        if lock is not None:
            self.put(lock.stored)
        return lock is not None

    def abandon(self, token: UUID) -> bool:
        """The receiver has failed: it waits again, or is a dead letter if that was the last time."""
        lock = self._locked.pop(token, None)
        if lock is not None:
            self._failed(lock.stored)
        return lock is not None

    def dead_letter(self, token: UUID, reason: str | None, description: str | None) -> bool:
        """The receiver says that nobody can do anything with it."""
        lock = self._locked.pop(token, None)
        if lock is not None:
            self._bury(lock.stored, reason, description)
        return lock is not None

    def cancel(self, sequence: int) -> bool:
        """Take back a scheduled message."""
        before = len(self._scheduled)
        self._scheduled = [stored for stored in self._scheduled if stored.sequence != sequence]
        return len(self._scheduled) < before

    def peek(self, start: int, count: int) -> list[Stored]:
        """Messages from that sequence number on, whether they wait, are scheduled or locked."""
        found = sorted(self.all(), key=lambda each: each.sequence)
        return [stored for stored in found if stored.sequence >= start][:count]

    def all(self) -> Iterable[Stored]:
        locked = (lock.stored for lock in self._locked.values())
        return itertools.chain(self._ready, self._scheduled, locked)

    def tick(self) -> None:
        """Do what the time has come for."""
        now = self._broker.now()
        due = [stored for stored in self._scheduled if stored.due <= now]
        self._scheduled = [stored for stored in self._scheduled if stored.due > now]
        for stored in due:
            self.put(replace(stored, enqueued=stored.due))
        for token in [token for token, lock in self._locked.items() if lock.until <= now]:
            self._failed(self._locked.pop(token).stored)
        window = self._broker.settings.duplicate_window_seconds
        self._ids = {key: seen for key, seen in self._ids.items() if seen > now - window}

    def _failed(self, stored: Stored) -> None:
        stored.deliveries += 1
        if stored.deliveries >= self._broker.settings.most_deliveries and not self.name.endswith(DEAD_LETTERS):
            text = f"Message could not be consumed after {stored.deliveries} delivery attempts."
            self._bury(stored, _TOO_MANY, text)
        else:
            self.put(stored)

    def _bury(self, stored: Stored, reason: str | None, description: str | None) -> None:
        said = {"DeadLetterReason": reason, "DeadLetterErrorDescription": description}
        stored.message.application |= {name: text for name, text in said.items() if text}
        self._broker.queue(self.name.removesuffix(DEAD_LETTERS) + DEAD_LETTERS).put(stored)


@dataclass
class Broker:
    """All queues; each is made when it is first named. `now` tells seconds since 1970."""

    settings: QueueSettings = field(default_factory=QueueSettings)
    now: Callable[[], float] = time.time
    sequence: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))
    _queues: dict[str, Queue] = field(default_factory=dict)

    def queue(self, name: str) -> Queue:
        """The queue of that name, whose case does not matter."""
        name = name.lower()
        if name not in self._queues:
            self._queues[name] = Queue(name, self)
        return self._queues[name]

    def tick(self) -> None:
        for queue in tuple(self._queues.values()):
            queue.tick()

    def dump(self) -> list[dict[str, Any]]:
        """Every message, as JSON can have it. Locks are not kept: who held them will ask again."""
        return [
            {
                "queue": queue.name,
                "sequence": stored.sequence,
                "enqueued": stored.enqueued,
                "due": stored.due,
                "deliveries": stored.deliveries,
                "message": base64.b64encode(stored.message.stored()).decode(),
            }
            for queue in self._queues.values()
            for stored in queue.all()
        ]

    def load(self, dumped: Iterable[dict[str, Any]]) -> None:
        """Put back what `dump` gave."""
        last = 0
        for each in dumped:
            message = read_message(base64.b64decode(each["message"]))
            stored = Stored(message, each["sequence"], each["enqueued"], each["due"], each["deliveries"])
            self.queue(each["queue"]).put(stored)
            last = max(last, stored.sequence)
        self.sequence = itertools.count(last + 1)
