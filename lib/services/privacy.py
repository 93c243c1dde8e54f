"""Export and erasure, which people may ask for, and retention, which goes by itself."""

from __future__ import annotations

from functools import cached_property

from lib.messages.thinning import MessageThinning
from lib.people.mail_limit import MailLimit
from lib.privacy.blob_search import BlobSearch
from lib.privacy.erasing import Erasing
from lib.privacy.exporting import Exporting
from lib.privacy.jobs import JobKind, JobStore
from lib.privacy.message_erasure import MessageErasure
from lib.privacy.message_removal import MessageRemoval
from lib.privacy.pieces import Work
from lib.privacy.retention import Retention
from lib.privacy.row_erasure import RowErasure
from lib.privacy.subject_jobs import SubjectJobs
from lib.recipient_page.decisions import Decisions
from lib.recipient_page.erasure import Erasure
from lib.recipient_page.proof_sender import ProofSender
from lib.recipient_page.recorded import RecordedMails
from lib.recipient_page.visit_limit import VisitLimit
from lib.services.mail import MailWays


class Privacy(MailWays):
    """Export and erasure of what is held about an address, and the removal of what is old."""

    @cached_property
    def message_erasure(self) -> MessageErasure:
        removal = MessageRemoval(
            self.messages,
            self.assessor,
            self.journal_cleaning,
            self.threads,
            self.kept_answers,
            self.schedule,
            self.due,
            self.storage.blobs,
        )
        return MessageErasure(
            self.messages,
            self.assessor,
            removal,
            self.cards,
            self.kept_answers,
            self.fact_store,
            self.feedback,
            self.storage.blobs,
            self.clock,
        )

    @cached_property
    def retention(self) -> Retention:
        """The removal of what is old."""
        return Retention(
            self.storage.tables,
            self.organizations,
            self.messages,
            self.assessor,
            self.journal_cleaning,
            MessageThinning(self.storage),
            self.message_erasure,
            self.cards,
            self.tasks,
            self.stops,
            self.address_hashes,
            self.audit,
            self.mail_limit,
            self.visits,
            self.session_places,
            self.feed,
            self.webhook_delivery,
            self.clock,
        )

    @cached_property
    def mail_limit(self) -> MailLimit:
        return MailLimit(self.storage.tables, self.clock)

    @cached_property
    def subject_jobs(self) -> SubjectJobs:
        """Export and erasure of what is held about an address."""
        tables, queues, blobs = self.storage.tables, self.storage.queues, self.storage.blobs
        store = JobStore(tables, queues, self.clock)
        rows = RowErasure(
            tables,
            self.messages,
            self.address_index,
            self.engagements.record_changed,
            self.cards,
            self.idempotency,
            self.kept_answers,
            self.mail_limit,
            self.visits,
        )
        search = BlobSearch(self.off_loop)
        erasing = Erasing(
            tables,
            blobs,
            self.people,
            self.stops,
            self.messages,
            self.inbound_outcomes,
            self.message_erasure,
            rows,
            search,
            store,
        )
        works: dict[JobKind, Work] = {
            "export": Exporting(tables, blobs, self.messages, self.fact_store, rows, search, self.clock),
            "erase": erasing,
        }
        return SubjectJobs(
            store,
            works,
            self.address_hashes,
            self.threads,
            self.stops,
            self.organizations,
            blobs,
            self.ring,
            self.clock,
            self.audit,
        )

    @cached_property
    def erasure(self) -> Erasure:
        """Erasure as the recipient's page needs it."""
        return self.subject_jobs

    @cached_property
    def recipient_decisions(self) -> Decisions:
        """Decisions of recipients on their page."""
        proof_sender = ProofSender(
            self.ring,
            self.settings.base_url,
            self.organizations,
            self.people,
            self.address_hashes,
            self.mail_limit,
            self.transport,
            self.clock,
        )
        return Decisions(
            self.ring,
            self.messages,
            self.organizations,
            self.address_hashes,
            self.stops,
            self.consents,
            self.wishes,
            proof_sender,
            self.storage.queues,
            self.clock,
        )

    @cached_property
    def visit_limit(self) -> VisitLimit:
        """The limit of what one link to the recipient's page may have done."""
        return VisitLimit(self.clock)

    @cached_property
    def recorded_mails(self) -> RecordedMails:
        """Records that recipients are shown of themselves."""
        return RecordedMails(
            self.lists,
            self.messages,
            self.fact_store,
            self.files,
            self.consents,
            self.organizations,
            self.stops,
            self.address_hashes,
            self.filter_rows,
        )
