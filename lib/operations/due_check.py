"""The due index held against what is due: messages, reminders, snoozed cards, digests."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

from lib.cards.store import CARD_ROWS, Card, snooze_entry
from lib.messages.deliveries import is_waiting
from lib.messages.models import StoredMessage
from lib.messages.store import MessageStore
from lib.operations.inconsistencies import Inconsistency, has_message, message_ids, unreadable
from lib.people.alert_choices import ALERTS, StoredAlerts
from lib.people.store import People
from lib.storage import Range, Tables
from lib.storage.documents import UnreadableRow, unpack
from lib.storage.due_index import KINDS, Due, DueIndex
from lib.storage.layout import DUE, table
from lib.storage.protocols import EVERYTHING

EnterDigest = Callable[[str, StoredAlerts, str], Awaitable[None]]
"""Enters the next digest of a choice into the due index, of (organization, choice, time zone)."""


@dataclass(frozen=True, slots=True)
class DueCheck:
    """Finds entries that are missing, and entries of messages that are not there."""

    tables: Tables
    due: DueIndex
    messages: MessageStore
    people: People
    enter_digest: EnterDigest
    name: str = "due"

    async def find(self, organization: str) -> AsyncIterator[Inconsistency]:
        async for message in message_ids(self.tables, organization):
            try:
                missing = await self._missing_of_message(organization, message)
            except UnreadableRow:
                yield unreadable(self.name, f"message {message}")
                continue
            for due in missing:
                yield self._missing(due, f"message {message}")
        async for finding in self._cards(organization):
            yield finding
        async for finding in self._digests(organization):
            yield finding
        async for finding in self._left(organization):
            yield finding

    async def _missing_of_message(self, organization: str, message: str) -> list[Due]:
        missing = [due for due in await self._due_of_message(organization, message) if not await self._is_there(due)]
        if not missing:
            return []
        # An entry is written before its row and dropped after it: both are read again.
        wanted = await self._due_of_message(organization, message)
        return [due for due in missing if due in wanted and not await self._is_there(due)]

    async def _cards(self, organization: str) -> AsyncIterator[Inconsistency]:
        async for row in self.tables.query(table(organization, "cards"), EVERYTHING, Range.prefix(CARD_ROWS)):
            item = f"card {row.key.partition('|')[2]}"
            try:
                due_of_card = snooze_entry(organization, unpack(Card, row))
            except UnreadableRow:
                yield unreadable(self.name, item)
                continue
            if due_of_card and not await self._is_there(due_of_card):
                yield self._missing(due_of_card, item)

    async def _due_of_message(self, organization: str, message: str) -> list[Due]:
        loaded = await self.messages.load(organization, message)
        return [] if loaded is None else _wanted(organization, loaded.message)

    async def _is_there(self, due: Due) -> bool:
        return await self.tables.read_row(DUE, *due.place) is not None

    def _missing(self, due: Due, item: str) -> Inconsistency:
        async def repair() -> None:
            await self.due.put_entry(due)

        text = f"the due index lacks the entry `{due.kind}` of {due.at:%Y-%m-%d %H:%M}"
        return Inconsistency(self.name, item, text, repair)

    async def _digests(self, organization: str) -> AsyncIterator[Inconsistency]:
        rows = [row async for row in self.tables.query(table(organization, "people"), ALERTS)]
        there = {due.item async for due in self._entries(organization, "digest|")} if rows else set()
        for row in rows:
            try:
                choice = unpack(StoredAlerts, row)
                user = await self.people.user(organization, choice.user)
            except UnreadableRow:
                yield unreadable(self.name, f"user {row.key}")
                continue
            if not choice.digest or choice.user in there or user is None:
                continue
            zone = user.time_zone

            async def repair(choice: StoredAlerts = choice, zone: str = zone) -> None:
                await self.enter_digest(organization, choice, zone)

            yield Inconsistency(self.name, f"user {choice.user}", "the due index lacks the next digest", repair)

    async def _left(self, organization: str) -> AsyncIterator[Inconsistency]:
        """Entries of messages that are not there."""
        for kind in ("send|", "remind|"):
            async for due in self._entries(organization, kind):
                if not await has_message(self.messages, organization, due.item) and await self._is_there(due):

                    async def repair(due: Due = due) -> None:
                        await self.due.drop_entry(due)

                    text = "the due index names it, and it is not there"
                    yield Inconsistency(self.name, f"message {due.item}", text, repair)

    async def _entries(self, organization: str, beginning: str) -> AsyncIterator[Due]:
        assert beginning.rstrip("|") in KINDS
        async for row in self.tables.query(DUE, Range.prefix(beginning)):
            try:
                due = Due.from_row(row)
            except (ValueError, OverflowError):
                continue  # a row of another one's, in a table that all share
            if due.organization == organization:
                yield due


def _wanted(organization: str, message: StoredMessage) -> list[Due]:
    """The entries that a message needs."""
    found = []
    if is_waiting(message) and message.due_at is not None:
        found.append(Due("send", message.due_at, organization, message.id))
    reminder = message.reminder
    is_open = reminder is not None and message.reminded_at is None and not message.reminder_met
    if reminder is not None and is_open and message.state != "cancelled":
        found.append(Due("remind", reminder.at, organization, message.id))
    return found
