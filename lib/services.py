"""The composition root: every part of Heed, built from the settings in one place.

`build` checks what can be checked without a network. What holds a connection is made when it is first used, inside the
event loop that the Functions worker runs.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property

from lib.activities import Activities
from lib.alerts import Alerts
from lib.assessor import Assessor
from lib.cards import Cards
from lib.clock import Clock, SystemClock
from lib.due import DueIndex
from lib.idempotency import Idempotency
from lib.journal import Journal, RowsAndQueues, Writer
from lib.lists import Lists
from lib.message_store import MessageStore
from lib.organizations import Organizations
from lib.outbox import Outbox
from lib.people import People
from lib.prepare import Preparation
from lib.reminders import Reminders
from lib.schedule import Schedule
from lib.send_time.advisor import Advisor
from lib.settings import Settings
from lib.storage import Storage
from lib.sweep import JournalSweep
from lib.transports import Transport


class Services:
    """The parts, each made once. Tests hand in a storage, a writer, a transport or a clock of their own."""

    def __init__(
        self,
        settings: Settings,
        *,
        storage: Storage | None = None,
        writer: Writer | None = None,
        transport: Transport | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.settings = settings
        self.ring = settings.token_keys
        self.clock: Clock = clock or SystemClock()
        self._storage = storage
        self._writer = writer
        self._transport = transport

    @cached_property
    def storage(self) -> Storage:
        if self._storage is not None:
            return self._storage
        from lib.storage.azure import azure_storage

        storage = azure_storage(self.settings.account())
        if self.settings.queues == "storage":
            return storage
        from lib.storage.service_bus import ServiceBusQueues

        queues = ServiceBusQueues(self.settings.service_bus())
        return replace(storage, queues=queues, closers=[*storage.closers, queues])

    @cached_property
    def journal(self) -> Journal:
        return Journal(self._writer or self._journal_writer(), self.clock)

    def _journal_writer(self) -> Writer:
        """Rows go the shortest way; so do messages, unless they go to Service Bus."""
        rows = self._rest_writer()
        return rows if self.settings.queues == "storage" else RowsAndQueues(rows, self.storage.queues)

    def _rest_writer(self) -> Writer:
        from lib.storage.rest import RestWriter

        account = self.settings.account()
        if account.key is not None:
            return RestWriter(account)
        from azure.identity.aio import DefaultAzureCredential

        return RestWriter(account, DefaultAzureCredential())

    @cached_property
    def transport(self) -> Transport | None:
        settings = self.settings
        if self._transport is not None:
            return self._transport
        if settings.transport == "acs":
            from lib.transports.acs import AcsTransport

            return AcsTransport(settings.acs_resource(), self.clock)
        if settings.transport == "graph":
            from lib.transports.graph import GraphTransport

            return GraphTransport(settings.graph_url, self.clock)
        if settings.smtp_host is None:
            return None
        from lib.transports.smtp import SmtpTransport

        return SmtpTransport(settings)

    @cached_property
    def organizations(self) -> Organizations:
        return Organizations(self.storage, self.clock)

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
        return Assessor(self.storage.tables, self.messages, self.lists, self.alerts)

    @cached_property
    def alerts(self) -> Alerts:
        return Alerts(self.cards, self.organizations, self.storage.queues, self.clock)

    @cached_property
    def cards(self) -> Cards:
        return Cards(self.storage.tables, self.due, self.clock)

    @cached_property
    def activities(self) -> Activities:
        return Activities(self.storage.tables)

    @cached_property
    def reminders(self) -> Reminders:
        return Reminders(self.messages, self.assessor, self.cards, self.due, self.clock)

    @cached_property
    def sweep(self) -> JournalSweep:
        return JournalSweep(self.storage.tables, self.assessor, self.organizations, self.clock)

    @cached_property
    def preparation(self) -> Preparation:
        return Preparation(self.organizations, self.people, self.ring, self.settings.base_url)

    @cached_property
    def outbox(self) -> Outbox:
        return Outbox(self.messages, self.preparation, self.schedule, self.transport, self.clock)

    @cached_property
    def due(self) -> DueIndex:
        return DueIndex(self.storage.tables, self.clock)

    @cached_property
    def schedule(self) -> Schedule:
        can_send = self.transport is not None
        return Schedule(self.messages, self.preparation, self.due, self.storage.queues, self.clock, can_send)

    @cached_property
    def advisor(self) -> Advisor:
        settings, maps = self.settings, None
        if settings.maps_key is not None:
            from lib.send_time.azure_maps import AzureMaps

            maps = AzureMaps(settings.maps_url, settings.maps_key)
        return Advisor(self.people, self.lists, self.assessor, maps)

    @cached_property
    def idempotency(self) -> Idempotency:
        return Idempotency(self.storage, self.ring, self.clock)


def build(settings: Settings) -> Services:
    """Everything that the triggers need."""
    return Services(settings)
