"""Sends the link that proves who a recipient is, as a mail of the user who had sent the mail."""

from __future__ import annotations

import logging
from datetime import timedelta

from lib.clock import Clock
from lib.composing.preparation import check_domain
from lib.errors import UnknownSender
from lib.messages.models import StoredMessage
from lib.mime.parts import Mailbox
from lib.organizations.registry import Organizations
from lib.people.address_hashes import AddressHashes
from lib.people.mail_limit import MailLimit
from lib.people.store import People
from lib.recipient_page.asked import Asked
from lib.recipient_page.proof_mail import write_proof_mail
from lib.recipient_page.proofs import LASTS, Proof, seal_proof
from lib.sending.own_mails import make_own_envelope
from lib.tokens import KeyRing
from lib.transports.protocol import Paced, Refused, Transport

log = logging.getLogger("heed.recipient_page")

_PAUSE = timedelta(minutes=1)
"""The time until a mail that was refused for now is tried again."""


class ProofSender:
    """Sends links. Without a transport it sends none."""

    def __init__(
        self,
        ring: KeyRing,
        base_url: str,
        organizations: Organizations,
        people: People,
        hashes: AddressHashes,
        limit: MailLimit,
        transport: Transport | None,
        clock: Clock,
    ) -> None:
        self._ring = ring
        self._base_url = base_url
        self._organizations = organizations
        self._people = people
        self._hashes = hashes
        self._limit = limit
        self._transport = transport
        self._clock = clock

    @property
    def can_mail(self) -> bool:
        """Whether there is a way out for mail."""
        return self._transport is not None

    async def send_link(self, organization: str, message: StoredMessage, email: str, asked: Asked) -> timedelta | None:
        """Send a link to a recipient of the message, unless the address has got too many.

        Returns the time after which another try is worth while; None where none is. Raises UnknownSender where nobody
        can be named as the sender, StorageError, Stale.
        """
        address_hash = await self._hashes.hash_address(organization, email)
        found = await self._organizations.load_organization(organization)
        sender = await self._people.user(organization, message.sender)
        if self._transport is None or found is None or sender is None:
            raise UnknownSender("there is no mail server, or the sender is no user any more")
        check_domain(found[0].settings, sender)
        if not await self._limit.may_send(organization, address_hash, asked.key):
            log.info("an address of organization %s has got enough links for now", organization)
            return None
        now = self._clock.now()
        token = seal_proof(self._ring, Proof(organization, message.id, address_hash, now + LASTS))
        url = f"{self._base_url}/p/{token}?lang={asked.language}"
        mail = write_proof_mail(asked.language, found[0].name or organization, url)
        writer = Mailbox(sender.name, sender.email)
        outcome = await self._transport.send(make_own_envelope(mail, writer, Mailbox("", email), asked.key, now))
        if isinstance(outcome, Paced):
            return outcome.wait
        if isinstance(outcome, Refused):
            log.warning("a link to a recipient of message %s was refused: %s", message.id, outcome.code)
            return (outcome.retry_after or _PAUSE) if outcome.temporary else None
        return None
