"""Messages whose copies are not decided on, by those whose word decides: sender, recipients' addresses and records.

When one of them says something else about following, the lists have to show it. So each such message has a row for
each of them in the table `index`, partition `undecided`, key `<who>|<message id>`. A row too many does no harm: the
message is looked at, and nothing is found. The rows go when the copies are decided on.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress

from pydantic import TypeAdapter

from lib.fields import RecordRef
from lib.messages.deliveries import fixed_follow_state
from lib.messages.models import StoredMessage, records_of
from lib.people.address_hashes import AddressHashes
from lib.people.addresses import same_mailbox
from lib.storage import Change, Delete, Missing, Range, Row, Tables, Upsert
from lib.storage.batches import batches_of
from lib.storage.layout import table
from lib.storage.protocols import MOST_CHANGES
from lib.verdicts.assessed import AssessedMessage, Plan

_PARTITION = "undecided"
_SENDER = "sender:"


def sender_key(user: str) -> str:
    """Name the user who sends."""
    return f"{_SENDER}{user}"


def record_key(record: RecordRef) -> str:
    """Name a record."""
    return f"record:{record.type}:{record.id}"


class UndecidedMessages:
    """The rows, and what is found by them."""

    def __init__(self, tables: Tables, hashes: AddressHashes) -> None:
        self._tables = tables
        self._hashes = hashes

    async def address_key(self, organization: str, email: str) -> str:
        """Name an address, by its hash."""
        return f"address:{await self._hashes.hash_address(organization, email)}"

    async def find_messages(self, organization: str, who: str) -> AsyncIterator[str]:
        """Ids of the messages for which this one's word counts."""
        async for row in self._tables.query(table(organization, "index"), _PARTITION, Range.prefix(f"{who}|")):
            yield row.key.rpartition("|")[2]

    async def find_all(self, organization: str) -> AsyncIterator[str]:
        """Ids of all messages that are not decided on."""
        async for row in self._tables.query(table(organization, "index"), _PARTITION, Range.prefix(_SENDER)):
            yield row.key.rpartition("|")[2]

    async def names_of(self, organization: str, message: StoredMessage) -> list[str]:
        """Name the sender, the records and the addresses whose word counts; none once the copies are decided on."""
        if fixed_follow_state(message) is not None:
            return []
        mailboxes = {same_mailbox(each.email) for each in message.recipients()}
        addresses = [await self.address_key(organization, mailbox) for mailbox in sorted(mailboxes)]
        return [sender_key(message.sender), *map(record_key, records_of(message)), *addresses]

    async def enter_message(self, organization: str, message: str, names: Sequence[str]) -> None:
        """Write the rows of these names. Again is the same."""
        rows: list[Change] = [Upsert(Row(_PARTITION, f"{name}|{message}", {"v": 1})) for name in names]
        for some in batches_of(rows, MOST_CHANGES):
            await self._tables.write_rows(table(organization, "index"), some)

    async def remove_message(self, organization: str, message: str, names: Sequence[str]) -> None:
        """Remove the rows of these names. Again is the same."""
        index = table(organization, "index")

        async def remove_one(change: Change) -> None:
            with suppress(Missing):
                await self._tables.write_rows(index, [change])

        rows: list[Change] = [Delete(_PARTITION, f"{name}|{message}") for name in names]
        for some in batches_of(rows, MOST_CHANGES):
            try:
                await self._tables.write_rows(index, some)
            except Missing:  # one of them is gone, so none was removed
                await asyncio.gather(*map(remove_one, some))


class UndecidedFollower:
    """Part of the summary: the names of those whose word counts."""

    part_name = "undecided"
    part_type = TypeAdapter(list[str])

    def __init__(self, undecided: UndecidedMessages) -> None:
        self._undecided = undecided

    async def plan(self, assessed: AssessedMessage, before: list[str] | None) -> Plan[list[str]]:
        """Write the rows that are missing, and remove those of others.

        Where another assessor was faster, all of them are written: it may have removed some.
        """
        organization, message = assessed.organization, assessed.message
        names = await self._undecided.names_of(organization, message)
        there, old = set(before or ()), set(before or ())
        for version in assessed.planned_before:
            old.update(await self._undecided.names_of(organization, version))
            there.clear()
        if missing := [name for name in names if name not in there]:
            await self._undecided.enter_message(organization, message.id, missing)
        if left := sorted(old.difference(names)):
            await self._undecided.remove_message(organization, message.id, left)
        return Plan(names)

    async def apply(self, assessed: AssessedMessage, part: list[str]) -> None:
        """Write nothing: the rows are there."""

    async def forget(
        self,
        organization: str,
        message: str,
        part: list[str] | None,
        planned_before: Sequence[StoredMessage] = (),
    ) -> None:
        """Remove the message's rows."""
        names = set(part or ())
        for version in planned_before:
            names.update(await self._undecided.names_of(organization, version))
        await self._undecided.remove_message(organization, message, sorted(names))
