"""Findings of a consistency check, and the protocol of its parts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from lib.assessment.followers import Follower, read_part
from lib.assessment.summary import summary_of
from lib.messages.store import Loaded, MessageStore
from lib.storage import Range, Tables
from lib.storage.documents import UnreadableRow
from lib.storage.layout import table
from lib.storage.protocols import EVERYTHING
from lib.verdicts.assessed import SummaryPart

MESSAGE_ROWS = Range(low="m", high="m0")
"""The key of a message's own row."""


@dataclass(frozen=True, slots=True)
class Inconsistency:
    """Something that is not as it should be."""

    about: str
    """The part of the check, such as `due`."""

    item: str
    """The id of what it is about; no address and no name."""

    text: str
    mend: Callable[[], Awaitable[None]] | None
    """Mends it. Again is the same. None where nothing does."""

    async def repair(self) -> bool:
        """Mend it; tell whether that was possible. Raises Stale, StorageError."""
        if self.mend is None:
            return False
        try:
            await self.mend()
        except UnreadableRow:
            return False
        return True


class ConsistencyCheck(Protocol):
    """One part of the check."""

    @property
    def name(self) -> str:
        """The name of the part, such as `due`."""
        ...

    def find(self, organization: str) -> AsyncIterator[Inconsistency]:
        """Look at everything of the organization. What changes meanwhile is no finding.

        A row that cannot be read is a finding that nothing mends, and is passed over. Raises StorageError.
        """
        ...


async def message_ids(tables: Tables, organization: str) -> AsyncIterator[str]:
    """The ids of all messages. Raises StorageError."""
    async for row in tables.query(table(organization, "messages"), EVERYTHING, MESSAGE_ROWS):
        yield row.partition


def unreadable(about: str, item: str) -> Inconsistency:
    """The finding of a row that cannot be read."""
    return Inconsistency(about, item, "a row of it cannot be read", None)


async def look_at_messages(
    tables: Tables, organization: str, about: str, look: Callable[[str, str], Awaitable[Inconsistency | None]]
) -> AsyncIterator[Inconsistency]:
    """Give what `look` finds at each message; it takes the organization and the message's id. Raises StorageError."""
    async for message in message_ids(tables, organization):
        try:
            finding = await look(organization, message)
        except UnreadableRow:
            finding = unreadable(about, f"message {message}")
        if finding is not None:
            yield finding


def part_of(follower: Follower[SummaryPart], loaded: Loaded) -> SummaryPart | None:
    """A follower's part of a message's summary."""
    return read_part(follower, summary_of(loaded).parts)


async def has_message(messages: MessageStore, organization: str, message: str) -> bool:
    """Whether the message is there, be it that it cannot be read. Raises StorageError."""
    try:
        return await messages.load(organization, message) is not None
    except UnreadableRow:
        return True


async def is_as_it_was(messages: MessageStore, organization: str, loaded: Loaded) -> bool:
    """Whether neither the message nor its summary was written since it was loaded."""
    again = await messages.load(organization, loaded.message.id)
    return again is not None and (again.etag, again.summary_row) == (loaded.etag, loaded.summary_row)
