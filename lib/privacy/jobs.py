"""Jobs: long work for an organization that goes on after its answer, in pieces of a minute at most.

A job is a row of the table `privacy`, partition `job`. A message of the queue `jobs` has a piece of it done; the piece
saves where it has come to, and asks for the next one. A process that dies leaves a lease that ends, and the timer asks
for the next piece then. Each piece can be done again: it goes on behind the last place that was saved.

The address that a job is about stands in its row sealed, and only until the job is done. The queue's messages hold ids.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Literal

from pydantic import BaseModel

from lib.clock import Clock
from lib.errors import Stale
from lib.fields import Moment
from lib.organizations.job_orders import JobOrder
from lib.privacy.scanning import ScanPlace
from lib.storage import Conflict, Delete, Insert, Missing, Queues, Replace, Row, Tables
from lib.storage.documents import pack, unpack
from lib.storage.late_tables import write_late_rows
from lib.storage.layout import JOBS, PRIVACY, table

JobKind = Literal["export", "erase"]
JobStatus = Literal["waiting", "running", "done", "failed"]

PARTITION = "job"

LEASE = timedelta(minutes=3)
"""Time after which a piece without an end counts as dead. It is three times as long as a piece may take."""

MOST_FAILURES = 20
"""Pieces that fail one after the other until the job is given up."""

REMEMBERED = timedelta(days=30)
"""Time for which a job that has ended can be asked for."""


class Job(BaseModel):
    """The row of a job."""

    id: str
    kind: JobKind
    status: JobStatus = "waiting"
    made_at: Moment
    finished_at: Moment | None = None
    subject: str
    """The hash of the address that the job is about."""

    sealed: str | None = None
    """The address, sealed; None once the job has ended."""

    also_sent_mail: bool = False
    """Whether mail that was sent to the address alone goes, too."""

    phase: str = ""
    """The part of the work that the job is at; empty before the first one."""

    place: ScanPlace = ScanPlace()
    looked_at: int = 0
    """Rows and blobs that were looked at so far."""

    counts: dict[str, int] = {}
    """What was found or changed so far, by table."""

    notes: list[str] = []
    """Sentences for the reader of the report."""

    parts: int = 0
    """Parts of the result that are written."""

    result: str | None = None
    """The name of the blob with the result."""

    result_until: Moment | None = None
    lease_until: Moment | None = None
    failures: int = 0
    """Pieces that have failed since the last one that did not."""

    @property
    def is_open(self) -> bool:
        return self.status in ("waiting", "running")


class JobStore:
    """Jobs in storage, and the queue that has them done."""

    def __init__(self, tables: Tables, queues: Queues, clock: Clock) -> None:
        self._tables = tables
        self._queues = queues
        self._clock = clock

    async def add_job(self, organization: str, job: Job) -> Job:
        """Store a new job and ask for its first piece; one with its id that is there stays. Raises StorageError."""
        try:
            await write_late_rows(self._tables, organization, PRIVACY, [Insert(Row(PARTITION, job.id, pack(job)))])
        except Conflict:
            found = await self.load_job(organization, job.id)
            job = found[0] if found else job
        await self.ask_for_piece(organization, job.id)
        return job

    async def load_job(self, organization: str, job: str) -> tuple[Job, str] | None:
        """Load a job with its etag; None if there is none. Raises StorageError."""
        row = await self._tables.read_row(table(organization, PRIVACY), PARTITION, job)
        return None if row is None else (unpack(Job, row), row.etag or "")

    async def list_jobs(self, organization: str) -> AsyncIterator[tuple[Job, str]]:
        """List the jobs with their etags. Raises StorageError."""
        async for row in self._tables.query(table(organization, PRIVACY), PARTITION):
            yield unpack(Job, row), row.etag or ""

    async def save_job(self, organization: str, job: Job, etag: str) -> str:
        """Save the job in place of the version `etag`; return the new one. Raises Stale, StorageError."""
        change = Replace(Row(PARTITION, job.id, pack(job), etag))
        try:
            [saved] = await self._tables.write_rows(table(organization, PRIVACY), [change])
        except (Conflict, Missing) as error:
            raise Stale(f"job {job.id} has changed") from error
        return saved or ""

    async def delete_job(self, organization: str, job: Job, etag: str) -> None:
        """Delete a job of that version. Raises Stale, StorageError."""
        try:
            await self._tables.write_rows(table(organization, PRIVACY), [Delete(PARTITION, job.id, etag)])
        except (Conflict, Missing) as error:
            raise Stale(f"job {job.id} has changed") from error

    async def ask_for_piece(self, organization: str, job: str, wait: timedelta = timedelta(0)) -> None:
        """Ask the queue for a piece of the job. Raises StorageError."""
        body = JobOrder(organization, job).to_json()
        try:
            await self._queues.send(JOBS, body, wait)
        except Missing:
            # Queues are made with an organization; those of before this queue was there have none.
            await self._queues.create(JOBS)
            await self._queues.send(JOBS, body, wait)

    def is_stuck(self, job: Job, now: datetime) -> bool:
        """Whether a job is open and no piece of it is under way."""
        return job.is_open and now > (job.lease_until or job.made_at) + LEASE
