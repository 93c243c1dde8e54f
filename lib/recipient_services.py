"""The composition root of what answers recipients: pixel, links, attachments and images.

An app starts with little more than this module. What a hit needs (the HTTP client, the catalogue of networks) and what
files need (the SDKs of storage, messages) is imported when it is first needed, or ahead: in a thread, as an import on
the event loop stops every other request for up to 0.5 s. `lib.services` builds on this module, and is no part of it: an
app of recipients' functions alone never imports the code of CRM and work.

Parts that hold a connection are made when they are first used, inside the event loop that the Functions worker runs;
`RecipientServices.close` closes them.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING

from lib.clock import Clock, SystemClock
from lib.operations.instances import Presence
from lib.settings import Settings, SettingsError
from lib.stops.organization_stops import NOTHING_STOPPED, OrganizationStops
from lib.stops.stops import Stops
from lib.tracking.floods import Floods
from lib.tracking.hits import Hits
from lib.tracking.journal import Journal, RowsAndQueues, Writer

if TYPE_CHECKING:
    from lib.catalogues.networks import Networks
    from lib.files.hosted_images import HostedImages
    from lib.files.store import Files
    from lib.files.views import AttachmentViews
    from lib.messages.store import MessageStore
    from lib.organizations.registry import Organizations
    from lib.people.address_hashes import AddressHashes
    from lib.storage import Queues, Storage, Tables
    from lib.storage.accounts import KnownAccounts, NamedAccount
    from lib.storage.azure.account import Account
    from lib.transports.identity import Identity
    from lib.workers.pool import OffLoop


class RecipientServices:
    """The parts, each made once. Tests hand in a storage, a writer or a clock of their own.

    Raises SettingsError for a catalogue of the deployment with a broken row.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        storage: Storage | None = None,
        writer: Writer | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.settings = settings
        self.ring = settings.token_keys
        self.clock: Clock = clock or SystemClock()
        self._storage = storage
        self._writer = writer
        self._opened = AsyncExitStack()
        self._has_hits = self._has_files = False
        self._has_storage = storage is not None
        if settings.catalogues is not None:
            self._check_catalogues()

    def _check_catalogues(self) -> None:
        """Read the deployment's catalogues at the start, so that a broken row stops it. Ours are sound."""
        from lib.catalogues.csv_rows import BrokenCatalogue
        from lib.catalogues.registry import load_catalogues

        try:
            load_catalogues(self.settings.catalogues)
        except BrokenCatalogue as error:
            where = f"HEED_CATALOGUES is {self.settings.catalogues}"
            raise SettingsError(f"A catalogue is broken: {error} ({where})") from None

    async def load_hits(self) -> Hits:
        """Return the recorder of hits, once what it needs is imported."""
        if not self._has_hits:
            await asyncio.to_thread(self.import_hits)
        return self.hits

    async def load_files(self) -> None:
        """Wait until what attachments and images need is imported."""
        if not self._has_files:
            await asyncio.to_thread(self.import_files)

    def import_hits(self) -> None:
        """Import what a hit needs, in a thread."""
        if self._writer is None:
            self._import_modules("lib.storage.azure.journal_writer", "lib.storage.accounts", *self._modules_of_identity)
        _ = self._networks
        self._has_hits = True

    def import_files(self) -> None:
        """Import what attachments and images need, in a thread."""
        self._import_modules(*self._modules_of_storage, "lib.organizations.registry", "lib.people.address_hashes")
        self._has_storage = True
        self._import_modules("lib.files.views", "lib.files.hosted_images")
        self._has_files = True

    @property
    def _modules_of_identity(self) -> tuple[str, ...]:
        return ("azure.identity.aio",) if self.settings.account().key is None else ()

    @property
    def _modules_of_storage(self) -> tuple[str, ...]:
        """Modules that `storage` imports when it is first used."""
        if self._storage is not None:
            return ()
        has_service_bus = self.settings.queues == "servicebus"
        service_bus = ("lib.storage.service_bus.queues", "azure.servicebus.aio") if has_service_bus else ()
        return "lib.storage.azure.tables", "lib.storage.accounts", *self._modules_of_identity, *service_bus

    def _import_modules(self, *names: str) -> None:
        for name in names:
            import_module(name)

    async def close(self) -> None:
        """Let the journal end its writes, then close all that was opened here; no part can be used afterwards.

        Parts that were handed in belong to whom they came from.
        """
        if "presence" in vars(self):
            await self.presence.close()
        if "floods" in vars(self):
            await self.floods.settle()
        if "journal" in vars(self):
            await self.journal.settle()
        await self._opened.aclose()

    @cached_property
    def storage(self) -> Storage:
        if self._storage is not None:
            return self._storage
        from lib.storage.azure.tables import azure_storage, close_storage

        def opened(account: Account) -> Storage:
            storage = azure_storage(account, self._identity_for(account))
            self._opened.push_async_callback(close_storage, storage)
            return storage

        storage = self._routed(opened)
        if self.settings.queues == "storage":
            return storage
        from lib.storage.service_bus.queues import ServiceBusQueues

        queues = ServiceBusQueues(self.settings.service_bus())
        self._opened.push_async_callback(queues.close)
        return replace(storage, queues=queues)

    @cached_property
    def journal(self) -> Journal:
        return Journal(self._writer or self._journal_writer(), self.clock)

    def _routed(self, open_account: Callable[[Account], Storage]) -> Storage:
        """The storage of all organizations, each in its own account or in the shared one."""
        from lib.storage.accounts import Routes, routed_storage

        shared = open_account(self.settings.account())
        return routed_storage(
            Routes(shared, self.known_accounts, lambda name, own: open_account(self._resolve_account(name, own)))
        )

    @cached_property
    def known_accounts(self) -> KnownAccounts:
        """The own storage accounts of organizations, for storage and journal alike."""
        from lib.storage.accounts import KnownAccounts

        return KnownAccounts()

    def _resolve_account(self, organization: str, own: NamedAccount) -> Account:
        from lib.storage.accounts import resolve_account

        return resolve_account(organization, own, os.environ, self.settings.account())

    def _journal_writer(self) -> Writer:
        """Rows go the shortest way; so do messages, unless they go to Service Bus."""
        from lib.storage.accounts import RoutedWriter
        from lib.storage.azure.journal_writer import RestWriter

        def opened(account: Account) -> RestWriter:
            writer = RestWriter(account, self._identity_for(account))
            self._opened.push_async_callback(writer.close)
            return writer

        shared = opened(self.settings.account())
        rows = RoutedWriter(shared, self.known_accounts, lambda name, own: opened(self._resolve_account(name, own)))
        return rows if self.settings.queues == "storage" else RowsAndQueues(rows, self._queues)

    async def _queues(self) -> Queues:
        await asyncio.to_thread(self._import_modules, *self._modules_of_storage)
        return self.storage.queues

    def _identity_for(self, account: Account) -> Identity | None:
        """None where the account's key is the proof."""
        return self._storage_identity if account.key is None else None

    @cached_property
    def _storage_identity(self) -> Identity:
        from lib.storage.azure.requests import SCOPE
        from lib.transports.identity import Identity

        identity = Identity(SCOPE, client_id=self.settings.storage_client_id)
        self._opened.push_async_callback(identity.close)
        return identity

    @cached_property
    def presence(self) -> Presence:
        """Tells that this instance is there, and which token keys it has."""
        return Presence(self._load_tables, self.ring.ids, self.settings.functions, self.clock)

    async def _load_tables(self) -> Tables:
        await self.load_files()
        return self.storage.tables

    @cached_property
    def _networks(self) -> Networks:
        from lib.catalogues.owners import load_owners

        return load_owners(self.settings.catalogues)[1]

    @cached_property
    def hits(self) -> Hits:
        """The recorder of recipients' requests."""
        return Hits(self.ring, self.floods, self.find_stops, self._networks, self.settings.trusted_hops)

    @cached_property
    def floods(self) -> Floods:
        """The recorder of hits that counts those of one token where they are too many."""
        return Floods(self.journal.record, self.settings.hits_per_minute)

    def find_stops(self, organization: str) -> OrganizationStops:
        """Return the organization's stops as they are in memory: none before the libraries of storage are imported."""
        return self.stops.find_stops(organization) if self._has_storage else NOTHING_STOPPED

    @cached_property
    def stops(self) -> Stops:
        """Recipients who are not to be recorded, and links that are switched off."""
        organizations, hashes = self.organizations, self.address_hashes
        stops = Stops(self.storage.tables, hashes.hash_address, organizations.recording_state, self.clock)
        self._opened.push_async_callback(stops.close)
        return stops

    @cached_property
    def address_hashes(self) -> AddressHashes:
        from lib.people.address_hashes import AddressHashes

        return AddressHashes(self.storage, self.clock)

    @cached_property
    def organizations(self) -> Organizations:
        from lib.organizations.registry import Organizations

        return Organizations(self.storage, self.clock)

    @cached_property
    def messages(self) -> MessageStore:
        from lib.messages.store import MessageStore

        return MessageStore(self.storage)

    @cached_property
    def off_loop(self) -> OffLoop:
        """The pool of processes for large work."""
        from lib.workers.pool import OffLoop

        off_loop = OffLoop()
        self._opened.callback(off_loop.close)
        return off_loop

    @cached_property
    def files(self) -> Files:
        """Attachments and images."""
        from lib.files.store import Files

        return Files(self.storage, self.messages, self.clock, self.off_loop)

    @cached_property
    def attachment_views(self) -> AttachmentViews:
        from lib.files.views import AttachmentViews

        return AttachmentViews(self.files, self.storage.blobs, self.clock)

    @cached_property
    def hosted_images(self) -> HostedImages:
        from lib.files.hosted_images import HostedImages

        return HostedImages(self.storage.blobs, self.organizations, self.clock)
