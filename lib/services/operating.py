"""The operator's work: organizations, backups, moves, checks."""

from __future__ import annotations

from functools import cached_property

from lib.catalogues.ages import newest_dates
from lib.operations.administration import Administration
from lib.operations.backup import Backup
from lib.operations.deployment import Deployment
from lib.operations.due_check import DueCheck
from lib.operations.evidence_check import EvidenceCheck
from lib.operations.inconsistencies import ConsistencyCheck
from lib.operations.instances import Instances
from lib.operations.lists_check import ListsCheck
from lib.operations.move import Move
from lib.operations.records_check import RecordsCheck
from lib.operations.restore import Restore
from lib.operations.token_keys import Resealing
from lib.operations.transfer import Transfer
from lib.organizations.audit import Actor
from lib.organizations.job_orders import JobOrder
from lib.records import RecordsFollower
from lib.services.privacy import Privacy
from lib.storage import Unavailable

_MOST_PIECES = 100_000
"""Pieces of one erasure: of 20,000 rows each."""


class Operating(Privacy):
    """Parts that the administrator's requests and the commands need."""

    @cached_property
    def administration(self) -> Administration:
        return Administration(self.organizations, self.sign_in, self.stops, self.wishes, self.mailboxes)

    @cached_property
    def resealing(self) -> Resealing:
        """The rotation of token keys, as far as it concerns storage."""
        return Resealing(self.organizations, self.webhooks, self.alert_choices)

    @cached_property
    def instances(self) -> Instances:
        return Instances(self.storage.tables, self.clock)

    @cached_property
    def backup(self) -> Backup:
        return Backup(self.storage, self.organizations, self.clock)

    @cached_property
    def move(self) -> Move:
        return Move(self.storage, self.organizations)

    @cached_property
    def restore(self) -> Restore:
        return Restore(
            self.storage,
            self.organizations,
            self.address_hashes,
            self.stops.rows,
            self._erase_address,
            self._refresh,
            self._repair,
            self.clock,
        )

    @cached_property
    def deployment(self) -> Deployment:
        return Deployment(self.storage.queues, self.organizations, self.sweep, self._catalogue_dates, self.clock)

    def _catalogue_dates(self) -> dict[str, str | None]:
        return {**newest_dates(self.settings.catalogues), "announced networks": self.catalogues.systems.as_of}

    async def _refresh(self, organization: str, message: str) -> None:
        await self.assessor.refresh(organization, message)

    async def _repair(self, organization: str) -> int:
        left = 0
        for check in self.consistency_checks:
            async for finding in check.find(organization):
                left += not await finding.repair()
        return left

    async def _erase_address(self, organization: str, email: str) -> None:
        """Erase all that is held about an address, to the end. Raises StorageError, Unavailable where it fails."""
        job = await self.subject_jobs.begin_job(organization, "erase", email, by=Actor(kind="administrator"))
        for _ in range(_MOST_PIECES):
            await self.subject_jobs.do_piece(JobOrder(organization, job.id))
            found = await self.subject_jobs.load_job(organization, job.id)
            if found is None or found.status == "done":
                return
            if found.status == "failed":
                break
        raise Unavailable("an address that was erased could not be erased again")

    @cached_property
    def transfer(self) -> Transfer:
        return Transfer(
            self.storage.tables,
            self.organizations,
            self.people,
            self.address_index,
            self.engagements,
            self.consents,
            self.consent_batches,
            self.templates,
            self.messages,
            self.wishes,
            self.clock,
        )

    @cached_property
    def consistency_checks(self) -> tuple[ConsistencyCheck, ...]:
        """The parts of the consistency check. Each one comes before those that are derived of it."""
        tables, messages = self.storage.tables, self.messages
        records = RecordsFollower(self.engagements, self.people, self.storage.queues)
        return (
            DueCheck(tables, self.due, messages, self.people, self.digests.enter),
            ListsCheck(tables, self.lists, messages, self.message_judge, self.assessor, self.lists_follower),
            RecordsCheck(tables, messages, self.assessor, records, self.engagements, self.clock),
            EvidenceCheck(tables, messages, self.clock),
        )
