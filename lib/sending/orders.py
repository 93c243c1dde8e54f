"""Messages of the queue `outbox`: orders to look at a message, to remove drafts from a provider, or to carry out what a
recipient has asked for."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from types import NoneType
from typing import TypeGuard

from lib.clock import milliseconds, moment
from lib.ids import CHOSEN, MADE
from lib.storage.queue_bodies import id_in, read_body

_TOO_LATE = milliseconds(datetime(9999, 1, 1, tzinfo=UTC))


@dataclass(frozen=True, slots=True)
class Wake:
    """An order to look at a message."""

    organization: str
    message: str
    at: int | None = None
    """The time of the entry in the due index that a sweep has found, in milliseconds; None without a sweep."""
    times: int = 0
    """The number of times that sweeps have found the entry before."""
    seen: str | None = None
    """The version of the worker's lease that was found when this look was asked for."""

    def to_json(self) -> str:
        entry = {} if self.at is None else {"at": self.at, "times": self.times}
        seen = {} if self.seen is None else {"seen": self.seen}
        return json.dumps({"v": 1, "org": self.organization, "message": self.message, **entry, **seen})


@dataclass(frozen=True, slots=True)
class Discard:
    """An order to remove the drafts that tries have left at the provider."""

    organization: str
    sender: str
    """The id of the user who sent."""
    key: str
    """The key of the tries."""
    until: datetime
    """The time after which removing is not worth another try."""

    def to_json(self) -> str:
        parts = {"sender": self.sender, "key": self.key, "until": milliseconds(self.until)}
        return json.dumps({"v": 1, "org": self.organization, "discard": parts})


@dataclass(frozen=True, slots=True)
class AskedByRecipient:
    """An order to carry out what a recipient has asked for on the recipient's page."""

    organization: str
    sealed: str
    """What was asked for, sealed (`lib.recipient_page.asked`)."""

    def to_json(self) -> str:
        return json.dumps({"v": 1, "org": self.organization, "asked": self.sealed})


def read_order(body: bytes) -> Wake | Discard | AskedByRecipient:
    """Read an order. Raises ValueError for any other body, which ends in the poison queue."""
    organization, fields = read_body(body)
    if "discard" in fields:
        return _read_discard(organization, fields["discard"])
    if isinstance(asked := fields.get("asked"), str):
        return AskedByRecipient(organization, asked)
    message = id_in(fields, "message", MADE)
    at, times, seen = fields.get("at"), fields.get("times", 0), fields.get("seen")
    if (at is not None and not _is_moment(at)) or type(times) is not int:
        raise ValueError("it names no entry of the due index")
    if type(seen) not in (str, NoneType):
        raise ValueError("it names no version of a lease")
    return Wake(organization, message, at, times, seen)


def _is_moment(value: object) -> TypeGuard[int]:
    """Whether a value is a time in milliseconds, of the years that `datetime` knows."""
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
