"""The foundation of all other parts: storage, the services of recipients' functions, and the transport of mail."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import cached_property
from importlib import import_module

from lib.catalogues.registry import load_catalogues
from lib.clock import Clock
from lib.files.store import Files
from lib.inbound.sink import MailSink
from lib.messages.store import MessageStore
from lib.organizations.registry import Organizations
from lib.people.address_hashes import AddressHashes
from lib.recipient_services import RecipientServices
from lib.sending.mx_lookup import DnsResolve, RecipientGateways, Resolve
from lib.settings import Settings
from lib.stops.stops import Stops
from lib.storage import Storage
from lib.tracking.floods import Floods
from lib.tracking.journal import Journal, Writer
from lib.transports import Transport
from lib.transports.limits import Limits
from lib.workers.pool import OffLoop


class Foundation:
    """The parts that all others stand on, each made once.

    Tests hand in a storage, a writer, a transport, a clock or an MX lookup of their own. An app hands in the services
    of its recipients' functions, which then have storage and journal in common with these. Raises SettingsError for a
    catalogue of the deployment with a broken row.
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
        recipients: RecipientServices | None = None,
    ) -> None:
        self.settings = settings
        self.recipients = recipients or RecipientServices(settings, storage=storage, writer=writer, clock=clock)
        self.ring = settings.token_keys
        self.clock: Clock = self.recipients.clock
        self.catalogues = load_catalogues(settings.catalogues)
        self._has_given_recipients = recipients is not None
        self._transport = transport
        self._resolve_mx = resolve_mx
        self._mail_sink = mail_sink
        self._opened = AsyncExitStack()

    def import_libraries(self) -> None:
        """Import, in a thread, what the parts else import when they are first used: it takes up to 0.5 s."""
        self.recipients.import_files()
        import_module("email_validator")
        if self.settings.transport != "smtp" or self.settings.smtp_host is not None:
            import_module(f"lib.transports.{self.settings.transport}")

    async def close(self) -> None:
        """Let the journal end its writes, then close all that was opened here; no part can be used afterwards.

        Parts that were handed in belong to whom they came from.
        """
        if not self._has_given_recipients:
            self._opened.push_async_callback(self.recipients.close)
        await self._opened.aclose()

    @property
    def storage(self) -> Storage:
        return self.recipients.storage

    @property
    def journal(self) -> Journal:
        return self.recipients.journal

    @property
    def floods(self) -> Floods:
        return self.recipients.floods

    @property
    def organizations(self) -> Organizations:
        return self.recipients.organizations

    @property
    def messages(self) -> MessageStore:
        return self.recipients.messages

    @property
    def files(self) -> Files:
        """Attachments and images."""
        return self.recipients.files

    @property
    def off_loop(self) -> OffLoop:
        """The pool of processes for large work."""
        return self.recipients.off_loop

    @property
    def address_hashes(self) -> AddressHashes:
        return self.recipients.address_hashes

    @property
    def stops(self) -> Stops:
        """Recipients who are not to be recorded, and links that are switched off."""
        return self.recipients.stops

    @cached_property
    def gateways(self) -> RecipientGateways:
        """Mail gateways of recipients, as their domains' MX records tell."""
        resolve = self._resolve_mx or (DnsResolve() if self.settings.mx_lookup == "on" else None)
        return RecipientGateways(self.catalogues.gateways, resolve, self.clock)

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
