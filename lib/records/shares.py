"""Shares of a message in records: pure functions of message, tallies and parents.

A recipient's events belong to the recipient's record; those of a copy that several recipients share, to the record of
each; the record that the message is regarding gets all of them. What a record gets, its parents get, too, once, by
however many of their children it comes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from lib.clock import milliseconds
from lib.fields import RecordRef
from lib.messages.models import StoredMessage, records_of
from lib.people.families import MOST_PARENTS
from lib.people.records import name_of
from lib.storage.ledger import LedgerShare, PlannedShare
from lib.verdicts.decay import EventKind
from lib.verdicts.tallies import Sums, Tallies

LastOf = Literal["sent"] | EventKind

Parents = Mapping[str, Sequence[str]]
"""By a record of a message: its parent, the parent's parent and so on, round and round where they are a circle."""


class Contribution(PlannedShare):
    """Contribution of a message to a record's engagement; kept with the message."""

    record: str
    """`<type>|<id>`."""

    parents: list[str] | None = None
    """Parents of a record that the message names, upwards; None for one that it reaches through others."""

    family: str = ""
    """State of all parents in the organization when these were read."""


class RecordShare(LedgerShare):
    """A row: what a message gives to a record."""

    sent_at: int | None = None
    """Milliseconds since 1970; None when the share was taken away."""

    sums: Sums = Sums()

    def last_times(self) -> dict[LastOf, int]:
        """When it was sent, and the last event of each kind, in milliseconds since 1970."""
        times: dict[LastOf, int] = {kind: events.last for kind, events in self.sums.events.items()}
        return times if self.sent_at is None else {"sent": self.sent_at, **times}


def names_of(message: StoredMessage) -> list[str]:
    """The records that the message names itself; none before it is sent."""
    return [name_of(record) for record in records_of(message)] if message.state == "sent" else []


@dataclass(slots=True)
class _Reached:
    """Ways in which a message reaches a record: by these recipients, or as a whole, by regarding it."""

    recipients: set[int] = field(default_factory=set)
    whole: bool = False


def shares_of(
    message: StoredMessage, tallies: Tallies, parents: Parents, *, names_recipients: bool = True
) -> dict[str, RecordShare]:
    """Find the share of each record that the message reaches. `parents` has an entry for each of `names_of`.

    Where recipients are not to be named, a record that is reached by a recipient gets no event, for that would tell
    who it was: events go to the record that the message is regarding, and to its parents.
    """
    if message.state != "sent":
        return {}

    def upwards(record: RecordRef) -> list[str]:
        return [name_of(record), *parents[name_of(record)]]

    reached: dict[str, _Reached] = defaultdict(_Reached)
    for number, recipient in enumerate(message.matched_recipients()):
        if recipient.record:
            for name in upwards(recipient.record):
                reached[name].recipients.add(number)
    if message.regarding:
        for name in upwards(message.regarding):
            reached[name].whole = True
    sent_at, everything = milliseconds(message.sort_time()), tallies.all()

    def sums(how: _Reached) -> Sums:
        if not names_recipients:
            return everything if how.whole and not how.recipients else Sums()
        return everything if how.whole else _of(how.recipients, tallies)

    return {name: RecordShare(sent_at=sent_at, sums=sums(how)) for name, how in reached.items()}


def _of(recipients: set[int], tallies: Tallies) -> Sums:
    numbers = sorted(recipients & tallies.numbered.keys())
    return sum((tallies.numbered[number] for number in numbers), tallies.shared)


def parent_by_record(parents: Parents) -> dict[str, str | None]:
    """The parent of each record that the message reaches, as far as it is known."""
    found: dict[str, str | None] = {}
    for name, above in parents.items():
        path = [name, *above]
        for place, each in enumerate(above):
            found.setdefault(path[place], each)
        if len(above) < MOST_PARENTS:
            found.setdefault(path[-1], None)
    return found
