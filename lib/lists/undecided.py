"""Messages whose copies are not decided on, by those whose word decides: the sender, recipients' addresses, the records
that the message names, and the parents of recipients' records.

When one of them says something else about following, the lists have to show it. So each such message has a row for
each of them in the table `index`, partition `undecided`, key `<who>|<message id>`. A row too many does no harm: the
message is looked at, and nothing is found. The rows go when the copies are decided on.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress

from lib.fields import RecordRef
from lib.messages.deliveries import fixed_follow_state
from lib.messages.models import StoredMessage, records_of
from lib.people.address_hashes import AddressHashes
from lib.people.addresses import same_mailbox
from lib.storage import Change, Delete, Missing, Range, Row, Tables, Upsert
from lib.storage.batches import batches_of
from lib.storage.layout import table
from lib.storage.protocols import MOST_CHANGES

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
        """Name the sender, the records and the addresses that the message names; none once the copies are decided on.

        Records that have an address are found by that.
        """
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
