"""Mail on its way out and in."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING

from lib.alerts.digests import Digests
from lib.alerts.telling import Telling
from lib.alerts.told import ToldCards
from lib.clock import moment
from lib.inbound.answer_recording import AnswerRecording
from lib.inbound.delivery_reports import DeliveryReports
from lib.inbound.intake import MailIntake
from lib.inbound.take_in import TakeIn
from lib.inbound.writers import Writers
from lib.operations.deleted_users import DeletedUsers
from lib.people.address_hashes import short_hash
from lib.sending.outbox import Outbox
from lib.sending.schedule import Schedule
from lib.services.judging import Judging

if TYPE_CHECKING:
    from lib.inbound.mailboxes.polling import Polling


class MailWays(Judging):
    """The ways of mail, over what is kept and judged."""

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
    def deleted_users(self) -> DeletedUsers:
        return DeletedUsers(
            self.people,
            self.known_users,
            self.alert_choices,
            self.lists,
            self.messages,
            self.schedule,
            self.cards,
            self.assessor,
            self.mailboxes,
            self.session_places,
            self.storage.queues,
            self.clock,
        )

    @cached_property
    def told_cards(self) -> ToldCards:
        """Notes of the cards that users were told of."""
        return ToldCards(self.storage.tables)

    @cached_property
    def telling(self) -> Telling:
        """Tells users of new cards in their channels."""
        return Telling(
            self.alert_choices,
            self.told_cards,
            self.cards,
            self.people,
            self.organizations,
            self.due,
            self.clock,
            loopback=self.settings.loopback == "on",
        )

    @cached_property
    def digests(self) -> Digests:
        """Sends users the digest of their cards."""
        return Digests(
            self.alert_choices,
            self.told_cards,
            self.cards,
            self.people,
            self.organizations,
            self.transport,
            self.due,
            self.clock,
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
            self.answer_recording,
            self.rule_actions,
            self.storage.blobs,
            self.off_loop,
            self.assessor.refresh,
            self._erased_until,
            self.clock,
        )
        return MailIntake(self.storage, self.address_hashes, self.organizations, self.inbound_outcomes, take_in)

    @cached_property
    def answer_recording(self) -> AnswerRecording:
        """The way of every answer to a message of ours."""
        return AnswerRecording(self.consequences, self.messages, self.journal, self.assessor.refresh)

    async def _erased_until(self, organization: str, email: str) -> datetime | None:
        """Find until when what was recorded of an address is erased."""
        hashed = await self.address_hashes.find(organization, email)
        stops = await self.stops.load_stops(organization)
        until = stops.erased.time_of(short_hash(hashed)) if hashed else None
        return None if until is None else moment(until)

    @cached_property
    def delivery_reports(self) -> DeliveryReports:
        return DeliveryReports(
            self.threads,
            self.messages,
            self.organizations,
            self.inbound_outcomes,
            self.answer_recording,
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
