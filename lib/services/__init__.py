"""The composition root: every part of Heed, built from the settings in one place.

`build` checks what can be checked without a network. Parts that hold a connection are made when they are first used,
inside the event loop that the Functions worker runs; `Services.close` closes them.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from lib.inbound.delivery_reports import DeliveryReports
from lib.inbound.intake import MailIntake
from lib.inbound.take_in import TakeIn
from lib.inbound.writers import Writers
from lib.sending.outbox import Outbox
from lib.sending.schedule import Schedule
from lib.services.judging import Judging
from lib.settings import Settings

if TYPE_CHECKING:
    from lib.inbound.mailboxes.polling import Polling
    from lib.readiness.report import Readiness


class Services(Judging):
    """Everything, each part made once: mail on its way out and in, over what is kept and judged."""

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
    def schedule(self) -> Schedule:
        return Schedule(
            self.messages, self.preparation, self.threads, self.due, self.storage.queues, self.clock, self.transport
        )

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
        from lib.transports.clouds import graph_scope
        from lib.transports.identity import Identity

        secrets = MailboxSecrets(os.environ, self.settings.key_vault)
        tokens, identity = AccessTokens(self.clock), Identity(graph_scope(self.settings.graph_url))
        for each in (secrets, identity):
            self._opened.push_async_callback(each.close)
        pollers: Mapping[str, Poller] = {
            "imap": ImapPoller(tokens, loopback=self.settings.loopback == "on"),
            "graph": GraphPoller(self.settings.graph_url, tokens, identity, self.clock),
        }
        sink = self._mail_sink or self.mail_intake
        return Polling(self.organizations, self.mailboxes, secrets, pollers, sink, self.clock)

    @cached_property
    def readiness(self) -> Readiness:
        """Reports on whether an organization is ready to send."""
        from lib.readiness.dns_records import AskDns, DnsRecords
        from lib.readiness.logins import check_login
        from lib.readiness.report import Readiness
        from lib.storage.azure.service_time import storage_time

        settings = self.settings
        dns = DnsRecords(AskDns() if settings.mx_lookup == "on" else None, self.clock)
        return Readiness(
            self.people,
            self.lists,
            self.mailboxes,
            self.storage,
            dns,
            lambda: check_login(self.transport),
            lambda: storage_time(settings.account()),
            self.clock,
            base_url=settings.base_url,
            transport=settings.transport,
            maps=settings.maps_key is not None,
        )


def build(settings: Settings) -> Services:
    """Everything that the triggers need."""
    return Services(settings)
