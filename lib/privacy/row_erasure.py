"""Erasure of a subject from rows beside the messages: people, cards, tasks, threads, kept answers.

Rows whose meaning is known are changed as their package would. In any other row that names the address, a mark takes
its place: nothing of it is left, whatever a later release writes.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

from pydantic import BaseModel

from lib.assessment.visits import Visits
from lib.cards.store import CARD_ROWS, Card, Cards
from lib.errors import Stale
from lib.feed.stopped import TOLD_STOPS
from lib.fields import RecordRef
from lib.lists.keys import mailbox_partition
from lib.messages.store import MessageStore
from lib.organizations.idempotency import Idempotency
from lib.organizations.kept_answers import KeptAnswers
from lib.organizations.request_rows import REQUEST_ROW
from lib.people.address_hashes import short_hash
from lib.people.address_index import ADDRESSES, AddressIndex
from lib.people.bounces import BOUNCES
from lib.people.calls import ACTIVITIES
from lib.people.consents import CONSENTS
from lib.people.mail_limit import MailLimit
from lib.people.records import StoredRecord
from lib.people.store import RECORDS, USERS
from lib.people.tasks import TASKS, Task
from lib.privacy.message_erasure import tells_of_subject
from lib.privacy.subjects import GONE, Subject
from lib.storage import Conflict, Delete, Missing, Range, Replace, Row, Tables
from lib.storage.documents import UnreadableRow, pack, unpack
from lib.storage.layout import EVIDENCE, FEED, table
from lib.storage.protocols import EVERYTHING
from lib.storage.versions import IfMatch

log = logging.getLogger("heed.privacy")

ShowRecord = Callable[[str, RecordRef], Awaitable[object]]
"""Shows a record that was put as it is now, of (organization, record)."""

_BY_ADDRESS = (CONSENTS, BOUNCES, ADDRESSES)
"""Beginnings of the partitions of `people` whose names end with the hash of an address."""


class _About(BaseModel):
    """The message that a task, a case or a call is about, and the rule that made it."""

    message: str | None = None
    rule: str | None = None


@dataclass(frozen=True, slots=True)
class RowErasure:
    """Erases subjects from rows."""

    tables: Tables
    store: MessageStore
    index: AddressIndex
    show_record: ShowRecord
    cards: Cards
    idempotency: Idempotency
    kept_answers: KeptAnswers
    mail_limit: MailLimit
    visits: Visits

    async def erase_by_hash(self, organization: str, subject: Subject) -> dict[str, int]:
        """Delete the rows whose keys hold the hash of the address; return their number by table. Raises StorageError.

        Rows of the index of records stay until the records are done.
        """
        counts = {"people": 0, "index": 0, "evidence": await self.visits.forget_address(organization, subject.email)}
        await self.mail_limit.forget_address(organization, subject.address_hash)
        for beginning in _BY_ADDRESS[:2]:
            counts["people"] += await self._delete(organization, "people", f"{beginning}{subject.address_hash}")
        keys = Range.prefix(f"address:{subject.address_hash}|")
        counts["index"] += await self._delete(organization, "index", "undecided", keys)
        contact = Range.prefix(f"a|{short_hash(subject.address_hash)}|")
        counts["templates"] = await self._delete(organization, "templates", "contacts", contact)
        await self._delete(organization, FEED, TOLD_STOPS, Range.prefix(subject.address_hash))
        return counts

    async def erase_index(self, organization: str, subject: Subject) -> int:
        """Delete rows of the indexes of records and of mails that are left. Raises StorageError."""
        await self._delete(organization, "index", mailbox_partition(subject.address_hash))
        return await self._delete(organization, "people", f"address|{subject.address_hash}")

    async def erase_row(self, organization: str, kind: str, row: Row, subject: Subject) -> bool:
        """Erase the subject from one row; tell whether that changed anything. Raises StorageError, Stale."""
        try:
            return await self._erase_by_kind(organization, kind, row, subject)
        except UnreadableRow as error:
            log.error("a row of the table %s is erased as a text: %s", kind, error)
            return await self._redact_row(organization, kind, row, subject)

    async def _erase_by_kind(self, organization: str, kind: str, row: Row, subject: Subject) -> bool:
        if kind == EVIDENCE:
            return await self._erase_evidence(organization, row, subject)
        if kind == "people" and row.partition.startswith(RECORDS):
            return await self._erase_record(organization, row, subject)
        if kind == "people" and (row.partition == TASKS or row.partition.startswith(ACTIVITIES)):
            return await self._erase_task(organization, row, subject)
        if kind == "cards" and row.key.startswith(CARD_ROWS):
            return await self._erase_card(organization, row, subject)
        if kind == "requests" and row.key == REQUEST_ROW:
            return await self._erase_answer(organization, row, subject)
        if kind == "threads" and subject.person_hash and subject.person_hash in str(row.values.get("people", "")):
            people = " ".join(each for each in row.text("people").split() if each != subject.person_hash)
            left = Row(row.partition, row.key, {**row.values, "people": people}, row.etag)
            return await self._replace(organization, kind, left)
        if kind == "people" and row.partition == USERS:
            return False
        return await self._redact_row(organization, kind, row, subject)

    async def _erase_evidence(self, organization: str, row: Row, subject: Subject) -> bool:
        """Delete a row of the memory that was left where its visit was deleted, or of a place where a user works."""
        if short_hash(subject.address_hash) not in row.key.split("|"):
            return False
        with suppress(Missing):
            await self.tables.write_rows(table(organization, EVIDENCE), [Delete(row.partition, row.key)])
        return True

    async def _redact_row(self, organization: str, kind: str, row: Row, subject: Subject) -> bool:
        if not subject.is_in_row(row):
            return False
        return await self._replace(
            organization, kind, Row(row.partition, row.key, subject.redact_columns(row), row.etag)
        )

    async def _erase_record(self, organization: str, row: Row, subject: Subject) -> bool:
        """Take the address from a record, as if the CRM had put the record without it."""
        if not subject.is_in_row(row):
            return False
        record = unpack(StoredRecord, row)
        emails = [each for each in record.emails if not subject.has_address(each)]
        bare = Row(row.partition, row.key, pack(record.model_copy(update={"emails": emails})))
        redacted = unpack(StoredRecord, Row(row.partition, row.key, subject.redact_columns(bare)))
        if subject.has_address(record.name):
            redacted = redacted.model_copy(update={"name": GONE})
        await self.index.save_record(organization, redacted, IfMatch.for_version(row.etag or ""))
        await self.show_record(organization, record.ref())
        return True

    async def _erase_task(self, organization: str, row: Row, subject: Subject) -> bool:
        """Take what a task, a case or a call says from it, where it is about the subject's mail."""
        about = unpack(_About, row)
        if about.message and await self._is_theirs(organization, about, subject):
            document = unpack(Task, row) if row.partition == TASKS else None
            columns = subject.redact_columns(row)
            bare = Row(row.partition, row.key, columns)
            values = pack(document.model_copy(update={"title": GONE, "text": ""})) if document else _titled(bare)
            if values == row.values:
                return False
            return await self._replace(organization, "people", Row(row.partition, row.key, values, row.etag))
        return await self._redact_row(organization, "people", row, subject)

    async def _is_theirs(self, organization: str, about: _About, subject: Subject) -> bool:
        """Whether the message was theirs, or went to them. Received messages go only by an erasure."""
        loaded = await self.store.load(organization, about.message or "")
        if loaded is None:
            return True
        return any(each.email == subject.stand_in for each in loaded.message.recipients())

    async def _erase_card(self, organization: str, row: Row, subject: Subject) -> bool:
        card = unpack(Card, row)
        is_about = tells_of_subject(card, subject, set())
        if not is_about and not subject.is_in_row(row):
            # A card of the subject's own mail names no address where its recipient is not known.
            is_about = bool(card.mail) and await self.store.load(organization, card.mail or "") is None
            if not is_about:
                return False
        await self.cards.delete_card(organization, card)
        return True

    async def read_answer(self, organization: str, row: Row) -> str | None:
        """Read the answer that a row keeps under an Idempotency-Key; None where it keeps none. Raises StorageError."""
        return await self.idempotency.read_kept_answer(organization, row) if row.key == REQUEST_ROW else None

    async def _erase_answer(self, organization: str, row: Row, subject: Subject) -> bool:
        """Forget an answer kept under an Idempotency-Key that names the address."""
        text = await self.read_answer(organization, row)
        if text is None or not subject.is_in(text):
            return False
        await self.kept_answers.forget_answer(organization, row.partition)
        return True

    async def _replace(self, organization: str, kind: str, row: Row) -> bool:
        """Put the row in place of the one that was read. Raises Stale where it has changed meanwhile."""
        change = Replace(Row(row.partition, row.key, row.values, row.etag or "*"))
        try:
            await self.tables.write_rows(table(organization, kind), [change])
        except Conflict as error:
            raise Stale("a row has changed") from error
        except Missing:
            return False
        return True

    async def _delete(self, organization: str, kind: str, partition: str, keys: Range = EVERYTHING) -> int:
        name, count = table(organization, kind), 0
        async for row in self.tables.query(name, partition, keys):
            with suppress(Missing):
                await self.tables.write_rows(name, [Delete(row.partition, row.key)])
            count += 1
        return count


class _Titled(BaseModel):
    model_config = {"extra": "allow"}

    title: str = ""


def _titled(row: Row) -> dict[str, str | int | float | bool]:
    """Return the columns of an activity with a mark in place of its title."""
    return pack(unpack(_Titled, row).model_copy(update={"title": GONE}))
