"""Erasure of all that is held about an address: a work in phases over every table and blob of the organization.

The tombstone is there before the work begins (`lib.privacy.subject_jobs`). After the phases the rows are gone through
once more: requests that were under way may have written the address anew meanwhile.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from lib.errors import Stale
from lib.inbound.outcomes import ERASED_WRITER, InboundOutcomes, OutcomeRow
from lib.messages.store import MessageStore
from lib.people.store import People
from lib.privacy.blob_search import BlobSearch
from lib.privacy.exporting import part_name
from lib.privacy.jobs import Job, JobStore
from lib.privacy.message_erasure import MessageErasure
from lib.privacy.pieces import ENDED, PieceBudget, count
from lib.privacy.row_erasure import RowErasure
from lib.privacy.scanning import TABLES, ScanPlace, scan_rows
from lib.privacy.subjects import Subject
from lib.stops.rows import address_key
from lib.stops.stops import Stops
from lib.storage import Blobs, Conflict, Missing, Range, Tables
from lib.storage.layout import container

_MESSAGE_ROWS = Range(low="m", high="m0")
_KINDS = tuple(kind for kind in TABLES if kind != "journal")
"""The journal holds numbers and ids; its facts go with those of their messages."""

_PHASES = ("address", "messages", "rows", "blobs", "rows again")
_SEALED_OR_FILES = ("answers/", "attachments/", "images/")
_FROM = re.compile(rb"^from:.*(?:\r?\n[ \t].*)*", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Erasing:
    """The work of jobs that erase."""

    tables: Tables
    blobs: Blobs
    people: People
    stops: Stops
    store: MessageStore
    outcomes: InboundOutcomes
    messages: MessageErasure
    rows: RowErasure
    search: BlobSearch
    jobs: JobStore

    async def do_piece(self, organization: str, job: Job, subject: Subject, budget: PieceBudget) -> None:
        """Erase, from the job's place on. Raises StorageError, Stale, NotAllowed."""
        steps = {
            "address": self._erase_address,
            "messages": self._erase_messages,
            "rows": self._erase_rows,
            "blobs": self._erase_blobs,
            "rows again": self._erase_rows,
        }
        job.phase = job.phase or _PHASES[0]
        while job.phase in steps and not budget.is_over:
            if await steps[job.phase](organization, job, subject, budget):
                place = _PHASES.index(job.phase) + 1
                job.phase, job.place = (_PHASES[place] if place < len(_PHASES) else ENDED), ScanPlace()
        if job.phase == ENDED:
            await self.rows.erase_index(organization, subject)
            await self._note_users(organization, job, subject)

    async def _erase_address(self, organization: str, job: Job, subject: Subject, _: PieceBudget) -> bool:
        """Erase what is stored by the hash of the address. A no stays as a bare stop, without its history."""
        prefix = Range.prefix(address_key(subject.address_hash[:16], ""))
        async for row in self.stops.rows.list_stops(organization):
            if row.key.startswith(prefix.low or ""):
                await self.stops.stop_hash(organization, subject.address_hash)
                break
        for table, number in (await self.rows.erase_by_hash(organization, subject)).items():
            count(job, table, number)
        async for other, etag in self.jobs.list_jobs(organization):
            if other.subject == subject.address_hash and other.kind == "export":
                await self._end_export(organization, job, other, etag)
        return True

    async def _end_export(self, organization: str, job: Job, export: Job, etag: str) -> None:
        """Delete the result of an export of the subject; one that is under way fails. Raises Stale."""
        ended: dict[str, object] = {"result": None, "sealed": None}
        if export.is_open:
            ended |= {"status": "failed", "finished_at": job.made_at, "notes": ["The address was erased meanwhile."]}
        if export.is_open or export.result:
            await self.jobs.save_job(organization, export.model_copy(update=ended), etag)
        for blob in (export.result, *(part_name(export.id, number) for number in range(export.parts + 2))):
            if blob:
                await self.blobs.delete_blob(container(organization), blob)
        count(job, "blobs", 1 if export.result else 0)

    async def _erase_messages(self, organization: str, job: Job, subject: Subject, budget: PieceBudget) -> bool:
        """Erase the subject from each message whose row names the address."""
        rows = scan_rows(self.tables, organization, job.place, ("messages",), _MESSAGE_ROWS)
        async for kind, row in rows:
            if budget.is_over:
                return False
            if subject.is_in_row(row):
                await self._erase_message(organization, job, row.partition, subject)
            job.place = ScanPlace(kind=kind, partition=row.partition, key=row.key)
            budget.spend(job)
        return True

    async def _erase_message(self, organization: str, job: Job, message: str, subject: Subject) -> None:
        """Erase the subject from one message, and have a received mail of theirs not taken in again."""
        loaded = await self.store.load(organization, message)
        writer = loaded.message.from_address if loaded else None
        if writer and subject.has_address(writer.email):
            await self._note_outcome(organization, message)
        done = await self.messages.erase_message(organization, message, subject, also_sent_mail=job.also_sent_mail)
        if done is None:
            return
        count(job, "messages removed" if done.removed else "messages")
        count(job, "facts", done.facts)
        count(job, "cards", done.cards)

    async def _note_outcome(self, organization: str, mail: str) -> None:
        """Leave of a received mail that it is known, so that it is not taken in when it comes again."""
        found = await self.outcomes.load_outcome(organization, mail)
        arrivals = found[0].arrivals if found else []
        bare = OutcomeRow(id=mail, outcome="ignored", because=ERASED_WRITER, arrivals=arrivals)
        if found and found[0] == bare:
            return
        try:
            await self.outcomes.save_outcome(organization, bare, found[1] if found else None)
        except Conflict as error:
            raise Stale("the outcome of a mail has changed") from error

    async def _erase_rows(self, organization: str, job: Job, subject: Subject, budget: PieceBudget) -> bool:
        """Erase the subject from rows of every table."""
        async for kind, row in scan_rows(self.tables, organization, job.place, _KINDS):
            if budget.is_over:
                return False
            if kind == "messages" and row.key == "m":
                if subject.is_in_row(row):
                    await self._erase_message(organization, job, row.partition, subject)
            elif await self.rows.erase_row(organization, kind, row, subject):
                count(job, kind)
            job.place = ScanPlace(kind=kind, partition=row.partition, key=row.key)
            budget.spend(job)
        return True

    async def _erase_blobs(self, organization: str, job: Job, subject: Subject, budget: PieceBudget) -> bool:
        """Erase the subject from bodies, links, kept mails and results of exports; files are read by nobody."""
        name = container(organization)
        async for blob in self.blobs.list_blobs(name, job.place.key or None):
            if budget.is_over:
                return False
            if not blob.startswith(_SEALED_OR_FILES):
                await self._erase_blob(organization, job, blob, subject)
            job.place = ScanPlace(key=blob)
            budget.spend(job)
        return True

    async def _erase_blob(self, organization: str, job: Job, blob: str, subject: Subject) -> None:
        name = container(organization)
        try:
            data = await self.blobs.read_blob(name, blob)
        except Missing:
            return
        kind, _, rest = blob.partition("/")
        owner = rest.partition("/")[0]
        if kind == "jobs":
            redacted = await self.search.redact_result(organization, data, subject)
            if redacted == data:
                return
            await self.blobs.put_blob(name, blob, redacted, "application/json")
        elif not await self.search.is_in_blob(organization, blob, data, subject):
            return
        elif kind == "inbound" and await self.store.load(organization, owner) is None:
            # It waits to be taken in. The mail of others that names the address is looked at when it has been.
            if not _is_written_by(data, subject):
                return
            await self._note_outcome(organization, owner)
            await self.blobs.delete_blob(name, blob)
        else:
            await self._erase_message(organization, job, owner, subject)
            await self._delete_orphan(organization, blob, subject)
        count(job, "blobs")

    async def _delete_orphan(self, organization: str, blob: str, subject: Subject) -> None:
        """Delete a blob that no row names any more: its message would have replaced it."""
        name = container(organization)
        try:
            data = await self.blobs.read_blob(name, blob)
        except Missing:
            return
        if await self.search.is_in_blob(organization, blob, data, subject):
            await self.blobs.delete_blob(name, blob)

    async def _note_users(self, organization: str, job: Job, subject: Subject) -> None:
        """Say where the address is a user's: users are the organization's own people, and go by its own hand."""
        async for _, user, _ in self.people.users.list(organization, "user"):
            if subject.has_address(user.email):
                job.notes.append(f"The address is that of the user {user.id}, who stays: change the user instead.")


def _is_written_by(raw: bytes, subject: Subject) -> bool:
    """Whether the header From of a mail names the subject."""
    head = re.split(rb"\r?\n\r?\n", raw, maxsplit=1)[0]
    found = _FROM.search(head)
    return found is not None and subject.is_in(found[0].decode("utf-8", "replace"))
