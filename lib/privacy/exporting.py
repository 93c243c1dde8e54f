"""Export of all that is held about an address: one JSON document, written in parts and then joined.

An entry of the document is a message with its rows, facts, body and mail, or a row of another table, or a blob. Of a
message to several recipients, what is the others' alone is left out: what they did, and that they were in Bcc.
"""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lib.assessment.summary import summary_of
from lib.clock import Clock, moment, rfc3339
from lib.messages.models import StoredMessage
from lib.messages.store import Loaded, MessageStore
from lib.privacy.blob_search import BlobSearch
from lib.privacy.jobs import Job
from lib.privacy.pieces import ENDED, PieceBudget, count
from lib.privacy.row_erasure import RowErasure
from lib.privacy.scanning import TABLES, ScanPlace, scan_rows
from lib.privacy.subjects import Subject
from lib.storage import Blobs, Missing, Range, Row, StorageError, Tables
from lib.storage.columns import text_of
from lib.storage.layout import container, table
from lib.tracking.facts import Fact, NotAFact
from lib.tracking.journal import FACTS_ROW, facts_of
from lib.verdicts.fact_store import FactStore

_JSON = "application/json"
_PART = 2_000_000
"""Characters of a part."""

_MESSAGE_ROWS = Range(low="m", high="m0")
_PHASES = ("messages", "rows", "privacy", "blobs")
_JOINING = "joining"
_FILES = ("answers/", "attachments/", "images/", "jobs/")
_OTHERS = tuple(kind for kind in TABLES if kind != "messages")

_ABOUT = (
    "All that is held about the address. Entries are rows of tables, by table, partition and key, with their content; "
    "messages with their rows, events and texts; and blobs. Hashes of addresses stand in keys. Queues hold ids alone, "
    "and the log holds no address. Files that were sent are listed by name and size. Events of other recipients of the "
    "same mail, and who else was in Bcc, are theirs and left out."
)


@dataclass(slots=True)
class _Document:
    """The result of a job, as far as it is written."""

    blobs: Blobs
    organization: str
    job: Job
    entries: list[str]
    size: int = 0

    async def add_entry(self, entry: Mapping[str, Any]) -> None:
        text = json.dumps(entry, ensure_ascii=False)
        self.entries.append(text)
        self.size += len(text)
        if self.size >= _PART:
            await self.write_part()

    async def write_part(self) -> None:
        """Write the entries that wait as a part. A part that is written again is the same one."""
        if not self.entries:
            return
        start = "," if self.job.parts else ""
        await self.put_part(self.job.parts + 1, f"{start}\n" + ",\n".join(self.entries))
        self.job.parts += 1
        self.entries, self.size = [], 0

    async def put_part(self, number: int, text: str) -> None:
        name = part_name(self.job.id, number)
        await self.blobs.put_blob(container(self.organization), name, text.encode("utf-8", "replace"), _JSON)


def part_name(job: str, number: int) -> str:
    """Name the blob of a part of a job's result, counted from 0."""
    return f"jobs/{job}/part-{number:05d}"


def result_name(job: str) -> str:
    """Name the blob of a job's whole result."""
    return f"jobs/{job}/result.json"


@dataclass(frozen=True, slots=True)
class _Piece:
    """Input of one piece of a job."""

    organization: str
    job: Job
    subject: Subject
    budget: PieceBudget
    document: _Document

    messages: dict[str, list[int]]
    """Messages that are in the document, each with the subject's numbers among its recipients."""

    def go_on(self, place: ScanPlace) -> None:
        """Remember the place, and count what was looked at."""
        self.job.place = place
        self.budget.spend(self.job)


@dataclass(frozen=True, slots=True)
class Exporting:
    """The work of jobs that export."""

    tables: Tables
    blobs: Blobs
    store: MessageStore
    facts: FactStore
    rows: RowErasure
    search: BlobSearch
    clock: Clock

    async def do_piece(self, organization: str, job: Job, subject: Subject, budget: PieceBudget) -> None:
        """Export, from the job's place on. A piece that fails leaves the job as it was. Raises StorageError."""
        begun = job.model_copy(deep=True)
        try:
            await self._do_phases(organization, job, subject, budget)
        except StorageError:
            # The place may be behind entries that are not written: parts of this piece are written over next time.
            for name in ("phase", "place", "parts", "counts", "looked_at"):
                setattr(job, name, getattr(begun, name))
            raise

    async def _do_phases(self, organization: str, job: Job, subject: Subject, budget: PieceBudget) -> None:
        document = _Document(self.blobs, organization, job, [])
        messages = await self._messages_so_far(organization, job)
        piece = _Piece(organization, job, subject, budget, document, messages)
        job.phase = job.phase or _PHASES[0]
        while job.phase in _PHASES and not budget.is_over:
            if await self._do_phase(piece):
                place = _PHASES.index(job.phase) + 1
                job.phase, job.place = (_PHASES[place] if place < len(_PHASES) else _JOINING), ScanPlace()
        await document.write_part()
        if job.phase == _JOINING and not budget.is_over:
            await self._join(organization, job, subject, document)
            job.phase = ENDED

    async def _do_phase(self, piece: _Piece) -> bool:
        """Go on with the job's phase; return whether it has come to its end."""
        if piece.job.phase == "messages":
            return await self._export_messages(piece)
        if piece.job.phase == "blobs":
            return await self._export_blobs(piece)
        return await self._export_rows(piece, ("privacy",) if piece.job.phase == "privacy" else _OTHERS)

    async def _messages_so_far(self, organization: str, job: Job) -> dict[str, list[int]]:
        """Read which messages are in the parts that are written, each with the subject's numbers."""
        found: dict[str, list[int]] = {}
        for number in range(1, job.parts + 1):
            data = await self.blobs.read_blob(container(organization), part_name(job.id, number))
            for entry in json.loads(f"[{data.decode().lstrip(',')}]"):
                if "message" in entry:
                    found[entry["message"]] = entry["recipients"]
        return found

    async def _export_messages(self, piece: _Piece) -> bool:
        organization, subject, messages = piece.organization, piece.subject, piece.messages
        async for kind, row in scan_rows(self.tables, organization, piece.job.place, ("messages",), _MESSAGE_ROWS):
            if piece.budget.is_over:
                return False
            if subject.is_in_row(row) and row.partition not in messages:
                loaded = await self.store.load(organization, row.partition)
                if loaded is not None:
                    messages[row.partition] = _numbers(loaded.message, subject)
                    await piece.document.add_entry(await self._message_entry(organization, loaded, subject))
                    count(piece.job, "messages")
            piece.go_on(ScanPlace(kind=kind, partition=row.partition, key=row.key))
        return True

    async def _message_entry(self, organization: str, loaded: Loaded, subject: Subject) -> dict[str, Any]:
        message, numbers = loaded.message, _numbers(loaded.message, subject)
        body = await self.store.body(organization, message.id)
        files = self.tables.query(table(organization, "messages"), message.id, Range(low="a", high="b"))
        theirs = [
            (fact, verdict)
            async for _, fact, verdict in self.facts.newest_first(organization, message.id)
            if _is_theirs(fact, message, numbers)
        ]
        words = loaded.feedback.words
        events = [
            {**fact.to_object(), "time": rfc3339(moment(fact.at)), "verdict": verdict.kind,
             "confidence": verdict.confidence, "reasons": [each.text for each in verdict.reasons]}
            for fact, verdict in theirs
        ]  # fmt: skip
        fields = json.loads(message.model_dump_json(exclude_none=True))
        fields = _without_others(fields, subject)
        summary = summary_of(loaded)
        alone = {"kpis": json.loads(summary.kpis.model_dump_json()), "parts": dict(summary.parts)}
        return {
            "message": message.id,
            "recipients": numbers,
            "fields": fields,
            "copies": [
                json.loads(copy.model_dump_json(exclude_none=True))
                for copy in loaded.copies
                if set(copy.recipients) & set(numbers)
            ],
            "summary": alone if len(message.recipients()) == len(numbers) else None,
            "events": events,
            "feedback": [
                {"event": fact.key, "user": user, **json.loads(word.model_dump_json())}
                for fact, _ in theirs
                for user, word in words.get(fact.key, {}).items()
            ],
            "body": body.model_dump(),
            "files": [json.loads(text_of(row)) async for row in files],
            "mail": await self._read_mail(organization, message.raw),
        }

    async def _read_mail(self, organization: str, blob: str | None) -> str | None:
        """Read a mail as it came, in base64; None where it is not kept."""
        if blob is None:
            return None
        try:
            return base64.b64encode(await self.blobs.read_blob(container(organization), blob)).decode()
        except Missing:
            return None

    async def _export_rows(self, piece: _Piece, kinds: tuple[str, ...]) -> bool:
        async for kind, row in scan_rows(self.tables, piece.organization, piece.job.place, kinds):
            if piece.budget.is_over:
                return False
            content = await self._content(piece.organization, kind, row, piece.subject, piece.messages)
            if content is not None:
                entry = {"table": kind, "partition": row.partition, "key": row.key, "content": content}
                await piece.document.add_entry(entry)
                count(piece.job, kind)
            piece.go_on(ScanPlace(kind=kind, partition=row.partition, key=row.key))
        return True

    async def _content(
        self, organization: str, kind: str, row: Row, subject: Subject, messages: Mapping[str, list[int]]
    ) -> Any:
        """Return what a row holds about the subject; None where it holds nothing."""
        if kind == "journal":
            return _journal_content(row, messages)
        if kind == "requests":
            answer = await self.rows.read_answer(organization, row)
            return _without_others(_parsed(answer), subject) if answer and subject.is_in(answer) else None
        place = f"{row.partition}|{row.key}"
        by_hash = subject.address_hash in place or f"|{subject.address_hash[:16]}|" in place
        by_person = kind == "threads" and subject.person_hash in str(row.values.get("people", ""))
        by_message = kind in ("threads", "cards", "people") and _names_message(row, messages)
        if not (by_hash or by_person or by_message or subject.is_in_row(row)):
            return None
        message = row.key.rpartition("|")[2]
        if kind == "index" and message in messages:
            return {"copy_of_message": message}
        return _without_others(_parsed(text_of(row)) or dict(row.values), subject)

    async def _export_blobs(self, piece: _Piece) -> bool:
        """Export texts and mails that name the address and are not in the document with their message."""
        name = container(piece.organization)
        async for blob in self.blobs.list_blobs(name, piece.job.place.key or None):
            if piece.budget.is_over:
                return False
            owner = blob.split("/")[1] if "/" in blob else ""
            if not blob.startswith(_FILES) and owner not in piece.messages:
                try:
                    data = await self.blobs.read_blob(name, blob)
                except Missing:
                    data = b""
                if await self.search.is_in_blob(piece.organization, blob, data, piece.subject):
                    await piece.document.add_entry({"blob": blob, "content": data.decode("utf-8", "replace")})
                    count(piece.job, "blobs")
            piece.go_on(ScanPlace(key=blob))
        return True

    async def _join(self, organization: str, job: Job, subject: Subject, document: _Document) -> None:
        """Join the parts. Again is the same until the parts are gone, and then the result is there."""
        about = {"email": subject.email, "address_hash": subject.address_hash, "made_at": rfc3339(self.clock.now())}
        head = json.dumps({**about, "about": _ABOUT, "counts": job.counts}, ensure_ascii=False)
        await document.put_part(0, f'{head[:-1]}, "entries": [')
        await document.put_part(job.parts + 1, "\n]}\n")
        name, parts = container(organization), [part_name(job.id, number) for number in range(job.parts + 2)]
        job.result = result_name(job.id)
        await self.blobs.put_pieces(name, job.result, self._joined(name, parts), _JSON)

    async def _joined(self, container_name: str, parts: Sequence[str]) -> AsyncIterator[bytes]:
        for part in parts:
            async for piece in self.blobs.read_pieces(container_name, part):
                yield piece


def _parsed(text: str) -> Any:
    """Return the value of a JSON text; the text itself where it is none."""
    try:
        return json.loads(text) if text else None
    except ValueError:
        return text


def _without_others(value: Any, subject: Subject) -> Any:
    """Return a JSON value in which no list of Bcc recipients names anyone but the subject."""
    if isinstance(value, list):
        return [_without_others(each, subject) for each in value]
    if not isinstance(value, dict):
        return value
    rest = {name: _without_others(each, subject) for name, each in value.items()}
    if isinstance(value.get("bcc"), list):
        mine = [each for each in value["bcc"] if isinstance(each, dict) and subject.has_address(str(each.get("email")))]
        rest["bcc"] = mine
    return rest


def _numbers(message: StoredMessage, subject: Subject) -> list[int]:
    """Return the subject's numbers among the recipients."""
    return [number for number, each in enumerate(message.recipients()) if subject.has_address(each.email)]


def _is_theirs(fact: Fact, message: StoredMessage, numbers: Collection[int]) -> bool:
    """Whether an event may be the subject's: one that names no recipient may be anybody's."""
    return fact.recipient in numbers or (fact.recipient is None and (bool(numbers) or message.state == "received"))


def _names_message(row: Row, messages: Collection[str]) -> bool:
    """Whether a row's key leads to one of the messages, or its document is about one."""
    if row.key.rpartition("|")[2] in messages or row.key in messages:
        return True
    document = text_of(row)
    try:
        about = json.loads(document).get("message") if document else None
    except (ValueError, AttributeError):
        return False
    return isinstance(about, str) and about in messages


def _journal_content(row: Row, messages: Mapping[str, list[int]]) -> Any:
    """Return the facts of a commit, or the sighting, that belong to the subject's messages."""
    if row.key != FACTS_ROW:
        return dict(row.values) if row.key.rpartition("-")[2] in messages else None
    try:
        facts = facts_of(row)
    except NotAFact:
        return None
    theirs = [
        fact for fact in facts if fact.message in messages and fact.recipient in (None, *messages[fact.message])
    ]  # fmt: skip
    return [fact.to_object() for fact in theirs] or None
