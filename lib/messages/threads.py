"""Rows that lead from what a mail says of its thread to messages: the table `threads`.

| partition | key | leads from |
|---|---|---|
| hash of an Internet Message-ID | `own` or `provider`, message id | our Message-ID, or the provider's in its place |
| hash of a ConversationIndex's first 22 bytes | `root`, time, message id | a thread that Outlook or Exchange began |
| hash of a subject's words | `subject`, time, message id | smart matching, where the organization has it on |
| `conversation` and its id | time, message id | the later messages of a conversation |

Hashes are keyed with the organization's secret. Rows are written before the first byte of a mail leaves, so that an
answer finds its message however early it comes. A row can lead to a message that never left, or is gone: its reader
looks. A message of its own conversation costs one transaction; each row beyond that costs one more, at the same time.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass

from lib.clock import milliseconds
from lib.messages.models import StoredMessage
from lib.mime.subjects import subject_words
from lib.organizations.registry import Organizations
from lib.people.address_hashes import AddressHashes
from lib.people.addresses import same_person
from lib.people.store import People
from lib.storage import Delete, Missing, Range, Row, Storage, Upsert, Value
from lib.storage.layout import table
from lib.storage.sort_keys import ascending_number, newest_first

_OWN, _PROVIDER, _ROOT, _SUBJECT = "own|", "provider|", "root|", "subject|"
_CONVERSATION = "conversation|"
_PERSON = 16
"""Hexadecimal digits of an address's hash in a row of smart matching."""

_MOST_FOUND = 100
"""Messages that one id, root or subject leads to: more of them tell nothing."""

_VERSION: dict[str, Value] = {"v": 1}


@dataclass(frozen=True, slots=True)
class IdHit:
    """A message that an Internet Message-ID leads to."""

    message: str
    is_providers: bool
    """Whether the provider made the id, in place of ours."""


@dataclass(frozen=True, slots=True)
class SubjectHit:
    """A message with the same words in its subject."""

    message: str
    people: frozenset[str]
    """Hashes of the addresses of its sender and recipients, as `hash_person` makes them."""


class Threads:
    """Writes and reads these rows."""

    def __init__(self, storage: Storage, hashes: AddressHashes, organizations: Organizations, people: People) -> None:
        self._tables = storage.tables
        self._hashes = hashes
        self._organizations = organizations
        self._people = people

    async def enter_message(self, organization: str, message: StoredMessage) -> None:
        """Write the rows of a message that is about to go, or came in. Again is the same. Raises StorageError."""
        rows = await self._rows(organization, message)
        settings = await self._organizations.settings(organization)
        if settings.inbound.smart_matching and message.state != "received":
            rows += await self._subject_rows(organization, message)
        await self._write_rows(organization, rows)

    async def enter_provider_ids(self, organization: str, message: str, ids: Iterable[str]) -> None:
        """Write the rows of names that a provider gave the message. Again is the same. Raises StorageError."""
        await self._write_rows(organization, await self._id_rows(organization, message, _PROVIDER, ids))

    async def remove_message(self, organization: str, message: StoredMessage) -> None:
        """Remove the rows of a message that is deleted. Again is the same. Raises StorageError."""
        rows = [*await self._rows(organization, message), *await self._subject_rows(organization, message)]
        await asyncio.gather(*(self._remove_row(organization, row) for row in rows))

    async def find_id(self, organization: str, internet_id: str) -> list[IdHit]:
        """Find the messages with this Internet Message-ID; as a rule there is one at most."""
        rows = self._found(organization, await self._hashes.hash_text(organization, _named(internet_id)))
        return [
            IdHit(row.key.rpartition("|")[2], row.key.startswith(_PROVIDER))
            async for row in rows
            if row.key.startswith((_OWN, _PROVIDER))
        ]

    async def find_root(self, organization: str, root: str) -> list[str]:
        """Find the messages of the thread with this root, 44 hexadecimal digits, newest first."""
        rows = self._found(organization, await self._hashes.hash_text(organization, _ROOT + root), _ROOT)
        return [row.key.rpartition("|")[2] async for row in rows]

    async def find_subject(self, organization: str, words: str) -> list[SubjectHit]:
        """Find the messages with these words in their subjects, newest first."""
        rows = self._found(organization, await self._hashes.hash_text(organization, _SUBJECT + words), _SUBJECT)
        return [
            SubjectHit(row.key.rpartition("|")[2], frozenset(row.text("people").split()))
            async for row in rows
        ]  # fmt: skip

    async def hash_person(self, organization: str, email: str) -> str:
        """Hash an address as rows of smart matching hold it."""
        return (await self._hashes.hash_text(organization, f"person|{same_person(email)}"))[:_PERSON]

    async def list_conversation(
        self, organization: str, conversation: str, after: str | None = None, limit: int | None = None
    ) -> AsyncIterator[tuple[str, str]]:
        """List the later messages of a conversation as (cursor, message id), in the order in which they were made."""
        rows = self._tables.query(
            table(organization, "threads"), _CONVERSATION + conversation, Range(after=after), limit
        )
        async for row in rows:
            yield row.key, row.key.rpartition("|")[2]

    def _found(self, organization: str, partition: str, kind: str = "") -> AsyncIterator[Row]:
        keys = Range.prefix(kind) if kind else Range()
        return self._tables.query(table(organization, "threads"), partition, keys, _MOST_FOUND)

    async def _rows(self, organization: str, message: StoredMessage) -> list[Row]:
        at, rows = milliseconds(message.created_at), list[Row]()
        if message.message_id:
            rows += await self._id_rows(organization, message.id, _OWN, [message.message_id])
        rows += await self._id_rows(organization, message.id, _PROVIDER, message.known_ids)
        if message.thread_root:
            partition = await self._hashes.hash_text(organization, _ROOT + message.thread_root)
            rows.append(Row(partition, f"{_ROOT}{newest_first(at)}|{message.id}", _VERSION))
        if message.thread != message.id:
            rows.append(Row(_CONVERSATION + message.thread, f"{ascending_number(at)}|{message.id}", _VERSION))
        return rows

    async def _id_rows(self, organization: str, message: str, kind: str, ids: Iterable[str]) -> list[Row]:
        return [
            Row(await self._hashes.hash_text(organization, _named(each)), kind + message, _VERSION)
            for each in dict.fromkeys(ids)
        ]

    async def _subject_rows(self, organization: str, message: StoredMessage) -> list[Row]:
        """Return the row by which smart matching finds the message; none where its subject has no words."""
        words = subject_words(message.subject)
        if not words:
            return []
        user = await self._people.user(organization, message.sender)
        emails = [*([user.email] if user else []), *(each.email for each in message.recipients())]
        people = dict.fromkeys([await self.hash_person(organization, email) for email in emails])
        partition = await self._hashes.hash_text(organization, _SUBJECT + words)
        key = f"{_SUBJECT}{newest_first(milliseconds(message.created_at))}|{message.id}"
        return [Row(partition, key, {**_VERSION, "people": " ".join(people)})]

    async def _write_rows(self, organization: str, rows: Iterable[Row]) -> None:
        index = table(organization, "threads")
        await asyncio.gather(*(self._tables.write_rows(index, [Upsert(row)]) for row in rows))

    async def _remove_row(self, organization: str, row: Row) -> None:
        try:
            await self._tables.write_rows(table(organization, "threads"), [Delete(row.partition, row.key)])
        except Missing:
            return


def _named(internet_id: str) -> str:
    """Return a Message-ID as it is compared: some servers drop its brackets, and change the case of its domain."""
    return f"id|{internet_id.strip().removeprefix('<').removesuffix('>').lower()}"
