"""The parts that keep something: people, lists, cards, rules, keys."""

from __future__ import annotations

from functools import cached_property

from lib.cards.store import Cards
from lib.feed.stopped import StoppedRecipients
from lib.feed.store import Feed
from lib.inbound.mailboxes.store import MailboxStore
from lib.inbound.outcomes import InboundOutcomes
from lib.inbound.rules.received import ReceivedMails
from lib.inbound.rules.store import RuleStore
from lib.lists.filter_rows import FilterRows
from lib.lists.undecided import UndecidedMessages
from lib.lists.united import UnitedLists
from lib.messages.evidence import DeliveryEvidence
from lib.messages.feedback import FeedbackStore
from lib.messages.threads import Threads
from lib.operations.overdue import Overdue
from lib.operations.write_check import WriteCheck
from lib.organizations.audit import Audit
from lib.organizations.idempotency import Idempotency
from lib.organizations.kept_answers import KeptAnswers
from lib.organizations.keys import ApiKeys
from lib.organizations.rate_limits import RateLimits
from lib.organizations.sign_in.authenticator import Authenticator
from lib.organizations.sign_in.code_flow import CodeFlow
from lib.organizations.user_tokens import UserTokens
from lib.people.address_index import AddressIndex
from lib.people.alert_choices import AlertChoices
from lib.people.bounces import Bounces
from lib.people.calls import Activities
from lib.people.consent_batches import ConsentBatches
from lib.people.consents import Consents
from lib.people.known_users import KnownUsers
from lib.people.merging import RecordMerges
from lib.people.recipients import RecipientLookup
from lib.people.store import People
from lib.people.tasks import Tasks
from lib.people.user_addresses import UserAddresses
from lib.records import Engagements
from lib.send_time.advisor import Advisor
from lib.services.foundation import Foundation
from lib.storage.due_index import DueIndex
from lib.templates import Outcomes, TemplateCounting, Templates
from lib.verdicts.fact_store import FactStore
from lib.webhooks.deliveries import Deliveries
from lib.webhooks.delivering import WebhookDelivery
from lib.webhooks.store import Webhooks
from lib.webhooks.waking import DeliveryOrders
from lib.workers.places import WorkPlaces


class Stores(Foundation):
    """The parts that keep something, each made once."""

    async def close(self) -> None:
        """Let notes beside answers be written, then close what all parts stand on."""
        for name in ("api_keys", "session_places"):
            if name in vars(self):
                await vars(self)[name].settle()
        await super().close()

    @cached_property
    def api_keys(self) -> ApiKeys:
        return ApiKeys(self.storage, self.organizations, self.clock)

    @cached_property
    def user_tokens(self) -> UserTokens:
        return UserTokens(self.ring, self.api_keys, self.organizations, self.clock)

    @cached_property
    def sign_in(self) -> Authenticator:
        """The check of people's tokens of identity providers."""
        return Authenticator(self.clock, loopback=self.settings.loopback == "on")

    @cached_property
    def code_flow(self) -> CodeFlow:
        """The sign-in of people to the console, by their identity provider."""
        return CodeFlow(self.sign_in.providers, self.clock, loopback=self.settings.loopback == "on")

    @cached_property
    def audit(self) -> Audit:
        return Audit(self.storage.tables, self.clock)

    @cached_property
    def people(self) -> People:
        return People(self.storage.tables)

    @cached_property
    def lists(self) -> UnitedLists:
        return UnitedLists(self.storage.tables, self.people)

    @cached_property
    def filter_rows(self) -> FilterRows:
        """Whose lists can be read by filters."""
        return FilterRows(self.storage.tables, self.lists, self.clock)

    @cached_property
    def threads(self) -> Threads:
        """The rows that lead from Message-IDs and the like to messages."""
        return Threads(self.storage, self.address_hashes, self.organizations, self.people)

    @cached_property
    def undecided(self) -> UndecidedMessages:
        return UndecidedMessages(self.storage.tables, self.address_hashes)

    @cached_property
    def fact_store(self) -> FactStore:
        return FactStore(self.storage.tables)

    @cached_property
    def feed(self) -> Feed:
        """Events in the order of their commits."""
        return Feed(self.storage.tables, self.clock, self.webhook_wake.wake_all)

    @cached_property
    def webhook_wake(self) -> DeliveryOrders:
        """Orders to deliver events to webhooks."""
        return DeliveryOrders(self.storage.tables, self.storage.queues, self.clock)

    @cached_property
    def deliveries(self) -> Deliveries:
        return Deliveries(self.storage.tables, self.clock)

    @cached_property
    def webhooks(self) -> Webhooks:
        """Subscriptions to the feed."""
        return Webhooks(
            self.storage.tables,
            self.feed,
            self.deliveries,
            self.webhook_wake,
            self.ring,
            self.clock,
            loopback=self.settings.loopback == "on",
        )

    @cached_property
    def webhook_delivery(self) -> WebhookDelivery:
        return WebhookDelivery(
            self.webhooks,
            self.deliveries,
            self.feed,
            self.organizations,
            self.webhook_wake,
            self.clock,
            self.settings.base_url,
            loopback=self.settings.loopback == "on",
        )

    @cached_property
    def feedback(self) -> FeedbackStore:
        """Words of users about events."""
        return FeedbackStore(self.storage.tables)

    @cached_property
    def engagements(self) -> Engagements:
        return Engagements(self.storage.tables, self.people, self.organizations, self.storage.queues, self.clock)

    @cached_property
    def templates(self) -> Templates:
        return Templates(self.storage.tables, self.clock)

    @cached_property
    def template_counts(self) -> TemplateCounting:
        return TemplateCounting(self.storage.tables)

    @cached_property
    def outcomes(self) -> Outcomes:
        return Outcomes(self.storage.tables, self.lists, self.template_counts, self.templates, self.clock)

    @cached_property
    def cards(self) -> Cards:
        return Cards(self.storage.tables, self.due, self.clock, self.alert_choices.has_channels)

    @cached_property
    def alert_choices(self) -> AlertChoices:
        """Whether and how users are told of new cards."""
        return AlertChoices(self.storage.tables, self.ring)

    @cached_property
    def activities(self) -> Activities:
        return Activities(self.storage.tables, self.tasks)

    @cached_property
    def tasks(self) -> Tasks:
        return Tasks(self.storage.tables)

    @cached_property
    def rules(self) -> RuleStore:
        return RuleStore(self.storage.tables)

    @cached_property
    def consents(self) -> Consents:
        stopped = StoppedRecipients(self.feed, self.storage.tables, self.address_hashes, self.organizations, self.clock)
        return Consents(self.storage, self.address_hashes, self.stops, self.clock, stopped.tell_stop)

    @cached_property
    def consent_batches(self) -> ConsentBatches:
        return ConsentBatches(self.consents, self.address_hashes, self.stops)

    @cached_property
    def address_index(self) -> AddressIndex:
        return AddressIndex(self.storage.tables, self.people, self.address_hashes, self.stops)

    @cached_property
    def record_merges(self) -> RecordMerges:
        return RecordMerges(self.people, self.address_index, self.consents)

    @cached_property
    def recipient_lookup(self) -> RecipientLookup:
        return RecipientLookup(self.people, self.consents, self.address_index, self.address_hashes)

    @cached_property
    def bounces(self) -> Bounces:
        """Addresses that were refused as unknown."""
        return Bounces(self.storage, self.address_hashes, self.clock)

    @cached_property
    def due(self) -> DueIndex:
        return DueIndex(self.storage.tables, self.clock)

    @cached_property
    def overdue(self) -> Overdue:
        return Overdue(self.due, self.clock)

    @cached_property
    def mailboxes(self) -> MailboxStore:
        return MailboxStore(self.storage.tables, self.settings.loopback == "on")

    @cached_property
    def user_addresses(self) -> UserAddresses:
        return UserAddresses(self.people, self.clock)

    @cached_property
    def inbound_outcomes(self) -> InboundOutcomes:
        return InboundOutcomes(self.storage.tables)

    @cached_property
    def idempotency(self) -> Idempotency:
        return Idempotency(self.storage, self.ring, self.clock, self.off_loop)

    @cached_property
    def kept_answers(self) -> KeptAnswers:
        """The deletion of what is kept under Idempotency-Keys."""
        return KeptAnswers(self.storage, self.organizations, self.clock)

    @cached_property
    def known_users(self) -> KnownUsers:
        return KnownUsers(self.people, self.clock)

    @cached_property
    def write_check(self) -> WriteCheck:
        return WriteCheck(self.storage.tables, self.clock)

    @cached_property
    def rate_limits(self) -> RateLimits:
        return RateLimits(self.settings.requests_per_second, self.clock)

    @cached_property
    def large_requests(self) -> WorkPlaces:
        """Places for large requests; bytes are those of the mails, before and after."""
        return WorkPlaces(most=16, most_of_one=4, most_bytes=96_000_000, most_bytes_of_one=48_000_000)

    @cached_property
    def uploads(self) -> WorkPlaces:
        """Places for uploads: one of the largest from an organization, and another from another one."""
        return WorkPlaces(most=24, most_of_one=8, most_bytes=230_000_000, most_bytes_of_one=32_000_000)

    @cached_property
    def delivery_evidence(self) -> DeliveryEvidence:
        return DeliveryEvidence(self.messages, self.clock)

    @cached_property
    def advisor(self) -> Advisor:
        settings, maps = self.settings, None
        if settings.maps_key is not None:
            from lib.send_time.azure_maps import AzureMaps

            maps = AzureMaps(settings.maps_url, settings.maps_key)
        return Advisor(self.people, self.lists, self.fact_store, maps)

    @cached_property
    def received_mails(self) -> ReceivedMails:
        """Received mail as rules look at it, for trying them."""
        return ReceivedMails(self.messages, self.lists)
