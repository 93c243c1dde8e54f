"""The parts that judge: the assessor, what it looks at, and what follows from it."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from lib.assessment.assessor import Assessor
from lib.assessment.context import ContextLoader
from lib.assessment.filter_rows_of_before import FilterRowsOfBefore
from lib.assessment.followers import Follower
from lib.assessment.intake import Intake
from lib.assessment.journal_cleaning import JournalCleaning
from lib.assessment.journal_sweep import JournalSweep
from lib.assessment.message_judge import MessageJudge
from lib.assessment.old_lists import OldLists
from lib.assessment.refusals import RefusalLookup
from lib.assessment.rejudge import Rejudge
from lib.assessment.session_places import SessionPlaces
from lib.assessment.sources_seen import Sightings
from lib.assessment.visits import Visits
from lib.assessment.wishes import Wishes
from lib.cards.follower import CardsFollower
from lib.composing.preparation import Preparation
from lib.feed.follower import FeedFollower
from lib.inbound.consequences import Consequences
from lib.inbound.correlation import Correlator
from lib.inbound.follower import DeliveriesFollower
from lib.inbound.rules.actions import RuleActions
from lib.lists.follower import ListsFollower
from lib.messages.follow_state import Decision
from lib.messages.models import StoredMessage
from lib.organizations.settings import OrganizationSettings
from lib.records import RecordsFollower
from lib.reliability.counting import ReliabilityCounting
from lib.reliability.follower import ReliabilityFollower
from lib.reminders import Reminders
from lib.services.stores import Stores
from lib.templates import Contacts, TemplatesFollower


class Judging(Stores):
    """The assessor, with what it looks at and what follows from it."""

    @cached_property
    def assessor(self) -> Assessor:
        return Assessor(
            self.fact_store,
            self.messages,
            self.followers,
            self.context_loader,
            self.refusals,
            self.journal_cleaning,
            self.message_judge,
            self.storage.queues,
            self.clock,
        )

    @cached_property
    def message_judge(self) -> MessageJudge:
        """Judge of one message by what is stored of it; writes nothing."""
        return MessageJudge(self.fact_store, self.context_loader, self.refusals, self.catalogues, self.clock)

    @cached_property
    def refusals(self) -> RefusalLookup:
        """Refusals of facts that are not to be kept."""
        return RefusalLookup(self.stops, self.address_hashes, self.recipient_lookup, self.organizations)

    @cached_property
    def followers(self) -> tuple[Follower[Any], ...]:
        """Followers of assessments, in the order in which they are brought up to date."""
        return (
            self.lists_follower,
            RecordsFollower(self.engagements, self.people, self.storage.queues),
            TemplatesFollower(self.template_counts, self.templates, Contacts(self.storage.tables, self.address_hashes)),
            ReliabilityFollower(self.reliability, self.feedback, self.address_hashes),
            CardsFollower(self.cards, self.organizations, self.messages.links, self.files.file_names, self.clock),
            DeliveriesFollower(self.delivery_evidence, self.storage.queues),
            FeedFollower(self.feed, self.clock),
        )

    @cached_property
    def reliability(self) -> ReliabilityCounting:
        """Certain cases, and what was said of them before."""
        return ReliabilityCounting(self.storage.tables, self.clock)

    @cached_property
    def consequences(self) -> Consequences:
        """Consequences of mail that came back, beside its facts."""
        return Consequences(self.delivery_evidence, self.bounces, self.consents, self.wishes.address_changed)

    @cached_property
    def lists_follower(self) -> ListsFollower:
        return ListsFollower(self.lists, self.undecided, self._decision, self.address_hashes, self.clock)

    async def _decision(self, organization: str, message: StoredMessage) -> Decision:
        """Decide the follow state of a message as it is now, by settings that are no minute old."""
        found = await self.organizations.load_organization(organization)
        settings = found[0].settings if found else OrganizationSettings(engagement_enabled=False)
        return await self.preparation.decision(organization, settings, message)

    @cached_property
    def wishes(self) -> Wishes:
        return Wishes(self.undecided, self.assessor, self.storage.queues)

    @cached_property
    def rejudge(self) -> Rejudge:
        return Rejudge(self.message_judge, self.assessor, self.messages, self.lists, self.context_loader)

    @cached_property
    def old_lists(self) -> OldLists:
        """Lists of an older release, and their way to today's."""
        return OldLists(self.storage.tables, self.lists, self.assessor, self.messages, self.organizations, self.clock)

    @cached_property
    def filter_rows_of_before(self) -> FilterRowsOfBefore:
        """Messages that were listed before filters had rows of their own."""
        return FilterRowsOfBefore(self.lists, self.filter_rows, self.assessor, self.organizations, self.clock)

    @cached_property
    def visits(self) -> Visits:
        """Visits of sources to earlier mails."""
        return Visits(self.storage.tables, self.address_hashes, self.catalogues, self.clock)

    @cached_property
    def session_places(self) -> SessionPlaces:
        """Where users work in the console and in the add-in."""
        return SessionPlaces(self.storage.tables, self.people, self.address_hashes, self.catalogues, self.clock)

    @cached_property
    def context_loader(self) -> ContextLoader:
        return ContextLoader(
            self.people,
            self.organizations,
            Sightings(self.storage.tables),
            self.visits,
            self.session_places,
            self.reliability,
            self.catalogues,
            self.clock,
        )

    @cached_property
    def reminders(self) -> Reminders:
        return Reminders(self.messages, self.assessor, self.cards, self.due, self.clock)

    @cached_property
    def intake(self) -> Intake:
        """Consumer of the queue `interactions`."""
        return Intake(self.storage.tables, self.assessor, self.journal_cleaning, self.organizations)

    @cached_property
    def journal_cleaning(self) -> JournalCleaning:
        return JournalCleaning(self.storage.tables, self.messages)

    @cached_property
    def sweep(self) -> JournalSweep:
        return JournalSweep(self.storage.tables, self.intake, self.organizations, self.clock)

    @cached_property
    def preparation(self) -> Preparation:
        return Preparation(
            self.organizations,
            self.people,
            self.recipient_lookup,
            self.ring,
            self.settings.base_url,
            self.transport is None or self.transport.separate_envelopes,
            files=self.files,
            off_loop=self.off_loop,
            language_of_template=self._language_of_template,
            denied_hosts=self.settings.deny_hosts or (),
            hashes=self.address_hashes if self.settings.token_form == "2" else None,  # noqa: S105 - no password
        )

    async def _language_of_template(self, organization: str, template: str) -> str | None:
        found = await self.templates.load_even_deleted(organization, template)
        return found.language if found else None

    @cached_property
    def rule_actions(self) -> RuleActions:
        """Tasks, cases and records that rules make of received mail."""
        return RuleActions(
            self.rules,
            self.tasks,
            self.activities,
            self.people,
            self.address_index,
            self.wishes.record_changed,
            self.user_addresses,
        )

    @cached_property
    def correlator(self) -> Correlator:
        return Correlator(self.threads, self.messages, self.organizations, self.people, self.ring, self.clock)
