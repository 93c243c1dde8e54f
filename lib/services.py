"""The composition root: every part of Heed, built from the settings in one place.

`build` checks what can be checked without a network. Parts that hold a connection are made when they are first used,
inside the event loop that the Functions worker runs; `Services.close` closes them.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Any

from lib.assessment.assessor import Assessor
from lib.assessment.context import ContextLoader
from lib.assessment.followers import Follower
from lib.assessment.intake import Intake
from lib.assessment.journal_cleaning import JournalCleaning
from lib.assessment.journal_sweep import JournalSweep
from lib.assessment.refusals import RefusalLookup
from lib.assessment.rejudge import Rejudge
from lib.assessment.sources_seen import Sightings
from lib.assessment.wishes import Wishes
from lib.cards.follower import CardsFollower
from lib.cards.store import Cards
from lib.catalogues.csv_rows import BrokenCatalogue
from lib.catalogues.registry import load_catalogues
from lib.clock import Clock, SystemClock
from lib.composing.preparation import Preparation
from lib.files.hosted_images import HostedImages
from lib.files.store import Files
from lib.files.views import AttachmentViews
from lib.inbound.consequences import Consequences
from lib.inbound.correlation import Correlator
from lib.inbound.delivery_reports import DeliveryReports
from lib.inbound.follower import DeliveriesFollower
from lib.inbound.intake import MailIntake
from lib.inbound.mailboxes.store import MailboxStore
from lib.inbound.outcomes import InboundOutcomes
from lib.inbound.rules.actions import RuleActions
from lib.inbound.rules.received import ReceivedMails
from lib.inbound.rules.store import RuleStore
from lib.inbound.sink import MailSink
from lib.inbound.take_in import TakeIn
from lib.inbound.writers import Writers
from lib.lists.follower import ListsFollower
from lib.lists.store import Lists
from lib.lists.undecided import UndecidedMessages
from lib.messages.evidence import DeliveryEvidence
from lib.messages.follow_state import Decision
from lib.messages.models import StoredMessage
from lib.messages.store import MessageStore
from lib.messages.threads import Threads
from lib.operations.overdue import Overdue
from lib.operations.write_check import WriteCheck
from lib.organizations.idempotency import Idempotency
from lib.organizations.kept_answers import KeptAnswers
from lib.organizations.keys import ApiKeys
from lib.organizations.registry import Organizations, OrganizationSettings
from lib.people.address_hashes import AddressHashes
from lib.people.address_index import AddressIndex
from lib.people.bounces import Bounces
from lib.people.calls import Activities
from lib.people.consents import Consents
from lib.people.known_users import KnownUsers
from lib.people.recipients import RecipientLookup
from lib.people.store import People
from lib.people.tasks import Tasks
from lib.people.user_addresses import UserAddresses
from lib.recipient_page.decisions import Decisions
from lib.recipient_page.erasure import Erasure
from lib.recipient_page.mail_limit import MailLimit
from lib.recipient_page.proof_sender import ProofSender
from lib.recipient_page.recorded import RecordedMails
from lib.records import Engagements, RecordsFollower
from lib.reminders import Reminders
from lib.send_time.advisor import Advisor
from lib.sending.mx_lookup import DnsResolve, RecipientGateways, Resolve
from lib.sending.outbox import Outbox
from lib.sending.schedule import Schedule
from lib.settings import Settings, SettingsError
from lib.stops.stops import Stops
from lib.storage import Storage
from lib.storage.due_index import DueIndex
from lib.templates import Outcomes, TemplateCounting, Templates, TemplatesFollower
from lib.tracking.hits import Hits
from lib.tracking.journal import Journal, RowsAndQueues, Writer
from lib.transports import Transport
from lib.transports.limits import Limits
from lib.verdicts.fact_store import FactStore
from lib.workers.places import WorkPlaces
from lib.workers.pool import OffLoop

if TYPE_CHECKING:
    from lib.inbound.mailboxes.polling import Polling
    from lib.transports.identity import Identity


class Services:
    """The parts, each made once. Tests hand in a storage, a writer, a transport, a clock or an MX lookup of their own.

    Raises SettingsError for a catalogue with a broken row.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        storage: Storage | None = None,
        writer: Writer | None = None,
        transport: Transport | None = None,
        clock: Clock | None = None,
        resolve_mx: Resolve | None = None,
        mail_sink: MailSink | None = None,
        erasure: Erasure | None = None,
    ) -> None:
        self.settings = settings
        self.ring = settings.token_keys
        self.clock: Clock = clock or SystemClock()
        self._storage = storage
        self._writer = writer
        self._transport = transport
        self._resolve_mx = resolve_mx
        self._mail_sink = mail_sink
        self.erasure = erasure
        self._opened = AsyncExitStack()
        try:
            self.catalogues = load_catalogues(settings.catalogues)
        except BrokenCatalogue as error:
            where = f" (HEED_CATALOGUES is {settings.catalogues})" if settings.catalogues else ""
            raise SettingsError(f"A catalogue is broken: {error}{where}") from None

    def import_ahead(self) -> None:
        """Import the libraries of storage and transport in a thread: on the event loop they would stop it for 0.5 s."""
        modules = ["lib.storage.azure.journal_writer", "lib.storage.azure.tables"]
        if self.settings.account().key is None:
            modules.append("azure.identity.aio")
        if self.settings.queues != "storage":
            modules.append("lib.storage.service_bus.queues")
        if self.settings.transport != "smtp" or self.settings.smtp_host is not None:
            modules.append(f"lib.transports.{self.settings.transport}")
        # No daemon: a process that ends while one imports would crash.
        threading.Thread(target=lambda: [import_module(name) for name in modules]).start()

    async def close(self) -> None:
        """Let the journal end its writes, then close all that was opened here; no part can be used afterwards.

        Parts that were handed in belong to whom they came from.
        """
        if "journal" in vars(self):
            await self.journal.settle()
        await self._opened.aclose()

    @cached_property
    def storage(self) -> Storage:
        if self._storage is not None:
            return self._storage
        from lib.storage.azure.tables import azure_storage, close_storage

        storage = azure_storage(self.settings.account(), self._storage_identity)
        self._opened.push_async_callback(close_storage, storage)
        if self.settings.queues == "storage":
            return storage
        from lib.storage.service_bus.queues import ServiceBusQueues

        queues = ServiceBusQueues(self.settings.service_bus())
        self._opened.push_async_callback(queues.close)
        return replace(storage, queues=queues)

    @cached_property
    def journal(self) -> Journal:
        return Journal(self._writer or self._journal_writer(), self.clock)

    def _journal_writer(self) -> Writer:
        """Rows go the shortest way; so do messages, unless they go to Service Bus."""
        rows = self._rest_writer()
        return rows if self.settings.queues == "storage" else RowsAndQueues(rows, self.storage.queues)

    def _rest_writer(self) -> Writer:
        from lib.storage.azure.journal_writer import RestWriter

        writer = RestWriter(self.settings.account(), self._storage_identity)
        self._opened.push_async_callback(writer.close)
        return writer

    @cached_property
    def _storage_identity(self) -> Identity | None:
        """None where the account's key is the proof."""
        if self.settings.account().key is not None:
            return None
        from lib.storage.azure.requests import SCOPE
        from lib.transports.identity import Identity

        identity = Identity(SCOPE)
        self._opened.push_async_callback(identity.close)
        return identity

    @cached_property
    def hits(self) -> Hits:
        """The recorder of recipients' requests."""
        return Hits(self.ring, self.journal, self.stops, self.catalogues.networks, self.settings.trusted_hops)

    @cached_property
    def stops(self) -> Stops:
        """Who is not to be recorded, and which links are switched off."""
        organizations, hashes = self.organizations, self.address_hashes
        stops = Stops(self.storage.tables, hashes.hash_address, organizations.recording_state, self.clock)
        self._opened.push_async_callback(stops.close)
        return stops

    @cached_property
    def transport(self) -> Transport | None:
        """The way out for mail; None where no mail server is set."""
        if self._transport is not None:
            return self._transport
        transport = _TRANSPORTS[self.settings.transport](self.settings, self.clock)
        if transport is not None:
            self._opened.push_async_callback(transport.close)
        return transport

    @property
    def limits(self) -> Limits:
        """Limits of one mail: as published or set, and as the mail server has said."""
        limits, said = self.settings.limits, self.transport.most_bytes if self.transport else None
        return limits if said is None else replace(limits, mail=min(said, limits.mail or said))

    @cached_property
    def organizations(self) -> Organizations:
        return Organizations(self.storage, self.clock)

    @cached_property
    def api_keys(self) -> ApiKeys:
        return ApiKeys(self.storage, self.organizations, self.clock)

    @cached_property
    def people(self) -> People:
        return People(self.storage.tables)

    @cached_property
    def messages(self) -> MessageStore:
        return MessageStore(self.storage)

    @cached_property
    def lists(self) -> Lists:
        return Lists(self.storage.tables)

    @cached_property
    def assessor(self) -> Assessor:
        return Assessor(
            self.fact_store,
            self.messages,
            self.followers,
            self.context_loader,
            RefusalLookup(self.stops, self.address_hashes),
            self.journal_cleaning,
            self.catalogues,
            self.storage.queues,
            self.clock,
        )

    @cached_property
    def followers(self) -> tuple[Follower[Any], ...]:
        """Followers of assessments, in the order in which they are brought up to date."""
        return (
            self.lists_follower,
            RecordsFollower(self.engagements, self.people, self.storage.queues),
            TemplatesFollower(self.template_counts),
            CardsFollower(self.cards, self.organizations, self.messages.links, self.files.file_names, self.clock),
            DeliveriesFollower(self.delivery_evidence, self.storage.queues),
        )

    @cached_property
    def delivery_evidence(self) -> DeliveryEvidence:
        return DeliveryEvidence(self.messages, self.clock)

    @cached_property
    def consequences(self) -> Consequences:
        """What follows from mail that came back, beside its facts."""
        return Consequences(self.delivery_evidence, self.bounces, self.consents, self.wishes.address_changed)

    @cached_property
    def lists_follower(self) -> ListsFollower:
        return ListsFollower(self.lists, self.undecided, self._decision)

    async def _decision(self, organization: str, message: StoredMessage) -> Decision:
        """Decide the follow state of a message as it is now, by settings that are no minute old."""
        found = await self.organizations.load_organization(organization)
        settings = found[0].settings if found else OrganizationSettings(engagement_enabled=False)
        return await self.preparation.decision(organization, settings, message)

    @cached_property
    def threads(self) -> Threads:
        """The rows that lead from Message-IDs and the like to messages."""
        return Threads(self.storage, self.address_hashes, self.organizations, self.people)

    @cached_property
    def correlator(self) -> Correlator:
        return Correlator(self.threads, self.messages, self.organizations, self.people, self.ring, self.clock)

    @cached_property
    def undecided(self) -> UndecidedMessages:
        return UndecidedMessages(self.storage.tables, self.address_hashes)

    @cached_property
    def wishes(self) -> Wishes:
        return Wishes(self.undecided, self.assessor, self.storage.queues)

    @cached_property
    def address_hashes(self) -> AddressHashes:
        return AddressHashes(self.storage)

    @cached_property
    def rejudge(self) -> Rejudge:
        return Rejudge(self.assessor, self.messages, self.lists)

    @cached_property
    def fact_store(self) -> FactStore:
        return FactStore(self.storage.tables)

    @cached_property
    def context_loader(self) -> ContextLoader:
        return ContextLoader(
            self.people, self.organizations, Sightings(self.storage.tables), self.catalogues, self.clock
        )

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
        return Outcomes(self.storage.tables, self.lists, self.template_counts, self.clock)

    @cached_property
    def cards(self) -> Cards:
        return Cards(self.storage.tables, self.due, self.clock)

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
    def rule_actions(self) -> RuleActions:
        """What record creation rules make of received mail."""
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
    def received_mails(self) -> ReceivedMails:
        """Received mail as rules look at it, for trying them."""
        return ReceivedMails(self.messages, self.lists)

    @cached_property
    def reminders(self) -> Reminders:
        return Reminders(self.messages, self.assessor, self.cards, self.due, self.clock)

    @cached_property
    def intake(self) -> Intake:
        """Consumer of the queue `interactions`."""
        return Intake(self.storage.tables, self.assessor, self.journal_cleaning, self.organizations)

    @cached_property
    def journal_cleaning(self) -> JournalCleaning:
        return JournalCleaning(self.storage.tables)

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
            hashes=self.address_hashes if self.settings.token_form == "2" else None,  # noqa: S105 - no password
        )

    async def _language_of_template(self, organization: str, template: str) -> str | None:
        found = await self.templates.load_even_deleted(organization, template)
        return found.language if found else None

    @cached_property
    def off_loop(self) -> OffLoop:
        """The pool of processes for large work."""
        off_loop = OffLoop()
        self._opened.callback(off_loop.close)
        return off_loop

    @cached_property
    def large_requests(self) -> WorkPlaces:
        """Places for large requests; bytes are those of the mails, before and after."""
        return WorkPlaces(most=16, most_of_one=4, most_bytes=96_000_000, most_bytes_of_one=48_000_000)

    @cached_property
    def uploads(self) -> WorkPlaces:
        """Places for uploads: one of the largest from an organization, and another from another one."""
        return WorkPlaces(most=24, most_of_one=8, most_bytes=230_000_000, most_bytes_of_one=32_000_000)

    @cached_property
    def consents(self) -> Consents:
        return Consents(self.storage, self.address_hashes, self.stops, self.clock)

    @cached_property
    def recipient_decisions(self) -> Decisions:
        """What recipients decide on their page."""
        limit = MailLimit(self.storage.tables, self.clock)
        proof_sender = ProofSender(
            self.ring,
            self.settings.base_url,
            self.organizations,
            self.people,
            self.address_hashes,
            limit,
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
    def recorded_mails(self) -> RecordedMails:
        """What recipients are shown of themselves."""
        return RecordedMails(
            self.lists,
            self.messages,
            self.fact_store,
            self.files,
            self.consents,
            self.organizations,
            self.stops,
            self.address_hashes,
        )

    @cached_property
    def address_index(self) -> AddressIndex:
        return AddressIndex(self.storage.tables, self.people, self.address_hashes, self.stops)

    @cached_property
    def recipient_lookup(self) -> RecipientLookup:
        return RecipientLookup(self.people, self.consents, self.address_index, self.address_hashes)

    @cached_property
    def bounces(self) -> Bounces:
        """Addresses that were refused as unknown."""
        return Bounces(self.storage, self.address_hashes, self.clock)

    @cached_property
    def files(self) -> Files:
        """Attachments and images."""
        return Files(self.storage, self.messages, self.clock, self.off_loop)

    @cached_property
    def attachment_views(self) -> AttachmentViews:
        return AttachmentViews(self.files, self.storage.blobs, self.clock)

    @cached_property
    def hosted_images(self) -> HostedImages:
        return HostedImages(self.storage.blobs, self.organizations, self.clock)

    @cached_property
    def outbox(self) -> Outbox:
        return Outbox(
            self.messages,
            self.preparation,
            self.threads,
            self.gateways,
            self.schedule,
            self.transport,
            self.bounces,
            self.clock,
        )

    @cached_property
    def gateways(self) -> RecipientGateways:
        """Mail gateways of recipients, as their domains' MX records tell."""
        resolve = self._resolve_mx or (DnsResolve() if self.settings.mx_lookup == "on" else None)
        return RecipientGateways(self.catalogues.gateways, resolve, self.clock)

    @cached_property
    def due(self) -> DueIndex:
        return DueIndex(self.storage.tables, self.clock)

    @cached_property
    def overdue(self) -> Overdue:
        return Overdue(self.due, self.clock)

    @cached_property
    def schedule(self) -> Schedule:
        return Schedule(
            self.messages, self.preparation, self.threads, self.due, self.storage.queues, self.clock, self.transport
        )

    @cached_property
    def advisor(self) -> Advisor:
        settings, maps = self.settings, None
        if settings.maps_key is not None:
            from lib.send_time.azure_maps import AzureMaps

            maps = AzureMaps(settings.maps_url, settings.maps_key)
        return Advisor(self.people, self.lists, self.fact_store, maps)

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
    def mail_intake(self) -> MailIntake:
        """The end of every way in for mail, and the consumer of the queue `inbound`."""
        take_in = TakeIn(
            self.inbound_outcomes,
            self.correlator,
            self.messages,
            self.threads,
            self.organizations,
            self.people,
            self.user_addresses,
            Writers(self.recipient_lookup),
            self.mailboxes,
            self.consequences,
            self.rule_actions,
            self.journal,
            self.storage.blobs,
            self.off_loop,
            self.assessor.refresh,
            self.clock,
        )
        return MailIntake(self.storage, self.address_hashes, self.organizations, self.inbound_outcomes, take_in)

    @cached_property
    def delivery_reports(self) -> DeliveryReports:
        return DeliveryReports(
            self.threads,
            self.messages,
            self.organizations,
            self.inbound_outcomes,
            self.consequences,
            self.journal,
        )

    @cached_property
    def polling(self) -> Polling:
        """The poller of mailboxes."""
        from lib.inbound.mailboxes.graph import GraphPoller
        from lib.inbound.mailboxes.imap import ImapPoller
        from lib.inbound.mailboxes.oauth import AccessTokens
        from lib.inbound.mailboxes.polling import Poller, Polling
        from lib.inbound.mailboxes.secrets import MailboxSecrets
        from lib.transports.identity import Identity

        secrets = MailboxSecrets(os.environ, self.settings.key_vault)
        tokens, identity = AccessTokens(self.clock), Identity("https://graph.microsoft.com/.default")
        for each in (secrets, identity):
            self._opened.push_async_callback(each.close)
        pollers: Mapping[str, Poller] = {
            "imap": ImapPoller(tokens, loopback=self.settings.loopback == "on"),
            "graph": GraphPoller(self.settings.graph_url, tokens, identity, self.clock),
        }
        sink = self._mail_sink or self.mail_intake
        return Polling(self.organizations, self.mailboxes, secrets, pollers, sink, self.clock)

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


def _smtp(settings: Settings, clock: Clock) -> Transport | None:  # noqa: ARG001 - a mail server needs no clock
    from lib.transports.smtp import SmtpTransport

    server = settings.mail_server()
    return SmtpTransport(server) if server else None


def _acs(settings: Settings, clock: Clock) -> Transport:
    from lib.transports.acs import AcsTransport

    resource, per_minute, per_hour = settings.acs_resource(), settings.acs_per_minute, settings.acs_per_hour
    return AcsTransport(resource, clock, per_minute=per_minute, per_hour=per_hour)


def _graph(settings: Settings, clock: Clock) -> Transport:
    from lib.transports.graph import GraphTransport

    return GraphTransport(settings.graph_url, clock)


_TRANSPORTS: Mapping[str, Callable[[Settings, Clock], Transport | None]] = {
    "smtp": _smtp,
    "acs": _acs,
    "graph": _graph,
}
"""The transports, by their names in HEED_TRANSPORT. Each one loads its libraries when it is made."""


def build(settings: Settings) -> Services:
    """Everything that the triggers need."""
    return Services(settings)
