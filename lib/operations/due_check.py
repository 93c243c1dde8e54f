"""The due index held against what is due: messages, reminders, snoozed cards, digests."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

from lib.cards.store import CARD_ROWS, Card, snooze_entry
from lib.messages.deliveries import is_waiting
from lib.messages.models import StoredMessage
from lib.messages.store import MessageStore
from lib.operations.inconsistencies import Inconsistency, message_ids
from lib.people.alert_choices import ALERTS, AlertChoices, StoredAlerts
from lib.people.store import People
from lib.storage import Range, Tables
from lib.storage.documents import unpack
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
    alert_choices: AlertChoices
    enter_digest: EnterDigest
    name: str = "due"

    async def find(self, organization: str) -> AsyncIterator[Inconsistency]:
        async for message in message_ids(self.tables, organization):
            for due in await self._due_of_message(organization, message):
                # The entry is written before the row and dropped after it: both are read again.
                is_missing = not await self._is_there(due)
                if is_missing and due in await self._due_of_message(organization, message):
                    yield self._missing(due, f"message {message}")
        async for row in self.tables.query(table(organization, "cards"), EVERYTHING, Range.prefix(CARD_ROWS)):
            due_of_card = snooze_entry(organization, unpack(Card, row))
            if due_of_card and not await self._is_there(due_of_card):
                yield self._missing(due_of_card, f"card {due_of_card.item.partition('|')[2]}")
        async for finding in self._digests(organization):
            yield finding
        async for finding in self._left(organization):
            yield finding

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
        choices = [choice async for _, choice, _ in self.alert_choices.rows.list(organization, ALERTS) if choice.digest]
        if not choices:
            return
        there = {due.item async for due in self._entries(organization, "digest|")}
        for choice in choices:
            user = await self.people.user(organization, choice.user)
            if choice.user in there or user is None:
                continue
            zone = user.time_zone

            async def repair(choice: StoredAlerts = choice, zone: str = zone) -> None:
                await self.enter_digest(organization, choice, zone)

            yield Inconsistency(self.name, f"user {choice.user}", "the due index lacks the next digest", repair)

    async def _left(self, organization: str) -> AsyncIterator[Inconsistency]:
        """Entries of messages that are not there."""
        for kind in ("send|", "remind|"):
            async for due in self._entries(organization, kind):
                if await self.messages.load(organization, due.item) is None and await self._is_there(due):

                    async def repair(due: Due = due) -> None:
                        await self.due.drop_entry(due)

                    text = "the due index names it, and it is not there"
                    yield Inconsistency(self.name, f"message {due.item}", text, repair)

    async def _entries(self, organization: str, beginning: str) -> AsyncIterator[Due]:
        assert beginning.rstrip("|") in KINDS
        async for row in self.tables.query(DUE, Range.prefix(beginning)):
            due = Due.from_row(row)
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
