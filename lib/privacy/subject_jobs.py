"""Jobs of data subjects: begun by a request, done piece by piece from the queue, forgotten after a while."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import timedelta

from lib.clock import Clock
from lib.errors import NotAllowed, Stale
from lib.ids import new_id
from lib.messages.threads import Threads
from lib.organizations.audit import Actor, Audit
from lib.organizations.job_orders import JobOrder
from lib.organizations.registry import Organizations
from lib.people.address_hashes import AddressHashes
from lib.privacy.exporting import part_name
from lib.privacy.jobs import LEASE, MOST_FAILURES, REMEMBERED, Job, JobKind, JobStore
from lib.privacy.pieces import ENDED, MOST_ROWS, PieceBudget, Work
from lib.privacy.subjects import Subject
from lib.stops.stops import Stops
from lib.storage import Blobs, Missing, StorageError
from lib.storage.documents import UnreadableRow
from lib.storage.layout import container
from lib.tokens import KeyRing, Purpose

log = logging.getLogger("heed.jobs")

RESULT_KEPT = timedelta(days=7)
"""Time for which the result of an export can be read."""

_AFTER_A_FAILURE = timedelta(seconds=30)

_SYSTEM = Actor(kind="system")
_RECIPIENT = Actor(kind="recipient")


class SubjectJobs:
    """Begins jobs and does pieces of them."""

    def __init__(
        self,
        store: JobStore,
        works: Mapping[JobKind, Work],
        hashes: AddressHashes,
        threads: Threads,
        stops: Stops,
        organizations: Organizations,
        blobs: Blobs,
        ring: KeyRing,
        clock: Clock,
        audit: Audit,
    ) -> None:
        self._store = store
        self._works = works
        self._hashes = hashes
        self._threads = threads
        self._stops = stops
        self._organizations = organizations
        self._blobs = blobs
        self._ring = ring
        self._clock = clock
        self._audit = audit
        self.rows_of_a_piece = MOST_ROWS

    async def begin_job(
        self,
        organization: str,
        kind: JobKind,
        email: str,
        *,
        also_sent_mail: bool = False,
        job: str | None = None,
        by: Actor = _RECIPIENT,
    ) -> Job:
        """Begin a job about an address, or return the open one that does the same.

        The audit log names who has begun it. An erasure takes effect at once for what comes from now on. Raises
        StorageError.
        """
        address_hash = await self._hashes.hash_address(organization, email)
        async for there, _ in self._store.list_jobs(organization):
            wanted = (kind, address_hash, also_sent_mail)
            if there.is_open and (there.kind, there.subject, there.also_sent_mail) == wanted:
                await self._store.ask_for_piece(organization, there.id)
                return there
        new = Job(
            id=job or new_id(),
            kind=kind,
            made_at=self._clock.now(),
            subject=address_hash,
            sealed=self._ring.seal(Purpose.SUBJECT, email.encode()),
            also_sent_mail=also_sent_mail,
        )
        if kind == "erase":
            await self._stops.rows.enter_tombstone(organization, address_hash)
            await self._stops.list.note_change(organization)
        made = await self._store.add_job(organization, new)
        await self._audit.note(organization, by, f"subject.{kind}", made.id, {"subject": address_hash})
        return made

    async def do_piece(self, order: JobOrder) -> None:
        """Do a piece of a job, and ask for the next one. A job that has ended or is under way is left alone.

        Raises StorageError.
        """
        organization = order.organization
        found = await self._store.load_job(organization, order.job)
        if found is None or not found[0].is_open:
            return
        job, etag = found
        now = self._clock.now()
        if job.lease_until and job.lease_until > now:
            return
        job.status, job.lease_until = "running", now + LEASE
        try:
            etag = await self._store.save_job(organization, job, etag)
        except Stale:
            return  # another worker was faster
        await self._work(organization, job)
        await self._settle(organization, job, etag)

    async def _work(self, organization: str, job: Job) -> None:
        """Do the piece; note a failure in the job."""
        email = self._ring.unseal(Purpose.SUBJECT, job.sealed or "")
        if email is None:
            job.status = "failed"
            job.notes.append("The key that sealed the address was retired: ask for it again.")
            return
        address = email.decode()
        person = await self._threads.hash_person(organization, address)
        subject = Subject(address, job.subject, person)
        budget = PieceBudget(self._clock, self.rows_of_a_piece)
        try:
            await self._works[job.kind].do_piece(organization, job, subject, budget)
            job.failures = 0
        except (StorageError, Stale, NotAllowed, UnreadableRow) as error:
            job.failures += 1
            # The text of an error may name what it was about.
            log.warning("a piece of job %s of organization %s failed: %s", job.id, organization, type(error).__name__)
            if job.failures >= MOST_FAILURES:
                job.status = "failed"
                job.notes.append("It could not be carried on: the log says why. Ask for it again.")

    async def _settle(self, organization: str, job: Job, etag: str) -> None:
        """Save the job after a piece, and ask for the next one."""
        now = self._clock.now()
        job.lease_until = None
        if job.phase == ENDED and job.status == "running":
            job.status = "done"
        if not job.is_open:
            job.finished_at, job.sealed = now, None
            if job.result:
                job.result_until = now + RESULT_KEPT
        try:
            await self._store.save_job(organization, job, etag)
        except Stale:
            log.warning("job %s of organization %s was taken over", job.id, organization)
            return
        if job.is_open:
            wait = _AFTER_A_FAILURE if job.failures else timedelta(0)
            await self._store.ask_for_piece(organization, job.id, wait)
            return
        await self._delete_parts(organization, job)
        act = f"subject.{job.kind}.{job.status}"
        await self._audit.note(organization, _SYSTEM, act, job.id, {"subject": job.subject})

    async def _delete_parts(self, organization: str, job: Job) -> None:
        if job.kind == "export":
            for number in range(job.parts + 2):
                await self._blobs.delete_blob(container(organization), part_name(job.id, number))

    async def read_result(self, organization: str, job: Job) -> bytes | None:
        """Read the result of a job; None where it has none, or not any more. Raises StorageError."""
        if job.result is None or job.result_until is None or job.result_until <= self._clock.now():
            return None
        try:
            return await self._blobs.read_blob(container(organization), job.result)
        except Missing:
            return None

    async def load_job(self, organization: str, job: str) -> Job | None:
        """Load a job; None if there is none. Raises StorageError."""
        found = await self._store.load_job(organization, job)
        return found[0] if found else None

    async def tidy(self) -> int:
        """Wake jobs that are stuck, and delete results and jobs whose time is over, for a timer; return their number.

        An organization that fails is left for the next time.
        """
        changed = 0
        async for organization in self._organizations.list_organizations():
            try:
                async for job, etag in self._store.list_jobs(organization):
                    changed += await self._tidy_job(organization, job, etag)
            except (StorageError, Stale, UnreadableRow) as error:
                log.error("jobs of organization %s could not be looked at: %s", organization, error)
        return changed

    async def _tidy_job(self, organization: str, job: Job, etag: str) -> bool:
        now = self._clock.now()
        if self._store.is_stuck(job, now):
            await self._store.ask_for_piece(organization, job.id)
            return True
        if job.result and job.result_until and job.result_until <= now:
            await self._blobs.delete_blob(container(organization), job.result)
            await self._store.save_job(organization, job.model_copy(update={"result": None}), etag)
            return True
        if job.finished_at and job.finished_at + REMEMBERED <= now:
            await self._store.delete_job(organization, job, etag)
            return True
        return False
