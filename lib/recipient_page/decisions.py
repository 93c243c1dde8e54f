"""Decisions of recipients, and how they are carried out.

A token that names one recipient is enough to stop, at once. One that names none, as the mail went to several people in
one copy, asks for the address. The person who types an address in must not learn whether it got the mail. So the queue
looks at it, and the answer is the same for any address, in its words, its status and its time.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal

from lib.assessment.wishes import Wishes
from lib.clock import Clock, milliseconds, moment
from lib.errors import UnknownSender
from lib.ids import new_key
from lib.languages import SpokenLanguage
from lib.messages.models import Recipient, StoredMessage
from lib.messages.store import MessageStore
from lib.organizations.registry import Organizations
from lib.people.address_hashes import AddressHashes, short_hash
from lib.people.addresses import same_mailbox
from lib.people.consents import RECIPIENT, Consent, Consents, ConsentSpec
from lib.recipient_page.asked import GIVEN_UP_AFTER, Asked, Wish, open_asked, seal_asked
from lib.recipient_page.proof_sender import ProofSender
from lib.recipient_page.proofs import Proof
from lib.sending.orders import AskedByRecipient
from lib.stops.stops import Stops
from lib.storage import Missing, Queues
from lib.storage.layout import OUTBOX
from lib.tokens import Claim, KeyRing

log = logging.getLogger("heed.recipient_page")

SOURCE = "the recipient's page"
"""The source of consents that come from here."""

SECOND_THOUGHTS = timedelta(minutes=30)
"""For so long a stop can be taken back by the link that stopped. Later that needs a proof: the link may be a
stranger's, and a yes must be the recipient's own."""

Effect = Literal["done", "asked", "gone", "unproven"]
"""`done`: it is so now. `asked`: it will be carried out, if the address got the mail. `gone`: nothing is known of the
mail any more. `unproven`: it needs a proof, and no link can be sent."""


class Decisions:
    """Carries out what recipients decide. Methods raise StorageError and Stale unless they say otherwise."""

    def __init__(
        self,
        ring: KeyRing,
        messages: MessageStore,
        organizations: Organizations,
        hashes: AddressHashes,
        stops: Stops,
        consents: Consents,
        wishes: Wishes,
        proof_sender: ProofSender,
        queues: Queues,
        clock: Clock,
    ) -> None:
        self._ring = ring
        self._messages = messages
        self._organizations = organizations
        self._hashes = hashes
        self._stops = stops
        self._consents = consents
        self._wishes = wishes
        self._proof_sender = proof_sender
        self._queues = queues
        self._clock = clock

    @property
    def can_mail(self) -> bool:
        """Whether links can be sent to recipients."""
        return self._proof_sender.can_mail

    async def stop(self, claim: Claim) -> Effect:
        """Stop the recording of the recipient whom the token names, also of mail that was sent already."""
        if claim.address is not None:
            try:
                await self._stops.stop_hash(claim.organization, claim.address)
            except Missing:
                return "gone"  # the organization is deleted, and so is all that it had recorded
        email = await self._email_of(claim.organization, claim.message, claim.recipient, claim.address)
        if email is None:
            return "gone" if claim.address is None else "done"
        await self._say(claim.organization, email, "do_not_allow")
        return "done"

    async def is_stopped(self, claim: Claim) -> bool:
        """Whether the recipient whom the token names has said no already."""
        email = await self._email_of(claim.organization, claim.message, claim.recipient, claim.address)
        if email is not None:
            return await self._consents.load_preference(claim.organization, email) == "do_not_allow"
        if claim.address is None:
            return False
        stops = await self._stops.load_stops(claim.organization)
        return stops.stopped.time_of(claim.address) is not None

    async def allow(self, claim: Claim, language: SpokenLanguage) -> Effect:
        """Take back a stop of just now. Any other yes must be the recipient's own: that one needs a proof."""
        email = await self._email_of(claim.organization, claim.message, claim.recipient, claim.address)
        if email is None:
            return "gone"
        said = [each async for each in self._consents.history(claim.organization, email, limit=2)]
        if said and said[0].follow == "allow":
            return "done"
        if await self._may_take_back(claim.organization, said):
            await self._say(claim.organization, email, "allow", said[1].basis if len(said) > 1 else "")
            return "done"
        return await self.ask("link", claim, None, language) if self.can_mail else "unproven"

    async def _may_take_back(self, organization: str, said: Sequence[Consent]) -> bool:
        """Whether a yes without a proof only takes back a stop of just now; `said` is newest first.

        Where recipients are followed only after a yes, it must bring back one that was there before the stop.
        """
        if not said or said[0].source != SOURCE or self._clock.now() - said[0].at > SECOND_THOUGHTS:
            return False
        if len(said) > 1:
            return said[1].follow == "allow"
        return (await self._organizations.settings(organization)).tracking != "consent"

    async def ask(self, wish: Wish, claim: Claim, email: str | None, language: SpokenLanguage) -> Effect:
        """Have something carried out beside the answer, for the recipient who is named or the address that was typed.

        It takes as long for any address.
        """
        asked = Asked(
            wish,
            claim.message,
            email,
            claim.recipient,
            claim.address,
            language,
            new_key(),
            milliseconds(self._clock.now()),
        )
        await self._send(claim.organization, asked)
        return "asked"

    async def stop_proven(self, proof: Proof) -> Effect:
        """Stop the recording of the address that the proof was sent to."""
        try:
            await self._stops.stop_hash(proof.organization, proof.address_hash)
        except Missing:
            return "gone"
        email = await self.email_of_proof(proof)
        if email is not None:
            await self._say(proof.organization, email, "do_not_allow")
        return "done"

    async def allow_proven(self, proof: Proof) -> Effect:
        """Allow the recording of the address that the proof was sent to."""
        email = await self.email_of_proof(proof)
        if email is None:
            return "gone"
        await self._say(proof.organization, email, "allow", "consent")
        return "done"

    async def email_of_proof(self, proof: Proof) -> str | None:
        """Return the address that the proof was sent to; None where the mail is deleted, or the address erased."""
        return await self._email_of(proof.organization, proof.message, None, short_hash(proof.address_hash))

    async def carry_out(self, organization: str, sealed: str) -> None:
        """Carry out what a message of the queue asks for. Again is the same. Raises ValueError for a strange text."""
        asked = open_asked(self._ring, sealed)
        loaded = await self._messages.load(organization, asked.message)
        if loaded is None:
            return
        email = await self._recipient_of(organization, loaded.message, asked)
        if email is None:
            return
        if asked.wish != "link":
            await self._carry_out_stop(organization, email, asked)
            return
        try:
            wait = await self._proof_sender.send_link(organization, loaded.message, email, asked)
        except UnknownSender as error:
            log.warning("a link to a recipient of message %s cannot be sent: %s", asked.message, error)
            return
        if wait is not None and self._clock.now() + wait < moment(asked.at) + GIVEN_UP_AFTER:
            await self._send(organization, asked, wait)

    async def _carry_out_stop(self, organization: str, email: str, asked: Asked) -> None:
        """Enter the no, unless something newer was said meanwhile."""
        newest = await self._consents.newest_consent(organization, email)
        if newest is not None and newest.at > moment(asked.at):
            return
        await self._say(organization, email, "do_not_allow")

    async def _say(
        self, organization: str, email: str, follow: Literal["allow", "do_not_allow"], basis: str = ""
    ) -> None:
        settings = await self._organizations.settings(organization)
        spec = ConsentSpec(
            follow=follow,
            basis=basis,
            source=SOURCE,
            notice=settings.privacy_notice_url or "",
        )
        await self._consents.append_consent(organization, email, spec, RECIPIENT)
        await self._wishes.address_changed(organization, email)

    async def _recipient_of(self, organization: str, message: StoredMessage, asked: Asked) -> str | None:
        """Return the address of the message's recipient who has asked; None for a stranger's address."""
        if asked.email is None:
            return await self._find(organization, message.recipients(), asked.recipient, asked.address)
        wanted = same_mailbox(asked.email)
        return next((each.email for each in message.recipients() if same_mailbox(each.email) == wanted), None)

    async def _email_of(
        self, organization: str, message: str, recipient: int | None, address: str | None
    ) -> str | None:
        loaded = await self._messages.load(organization, message)
        return await self._find(organization, loaded.message.recipients(), recipient, address) if loaded else None

    async def _find(
        self, organization: str, recipients: list[Recipient], number: int | None, address: str | None
    ) -> str | None:
        """Return the address of the recipient with this number or short hash; None where there is none."""
        if address is None:
            is_there = number is not None and number < len(recipients)
            return recipients[number].email if is_there and number is not None else None
        for each in recipients:
            if short_hash(await self._hashes.hash_address(organization, each.email)) == address:
                return each.email
            await asyncio.sleep(0)  # there may be hundreds
        return None

    async def _send(self, organization: str, asked: Asked, delay: timedelta = timedelta(0)) -> None:
        order = AskedByRecipient(organization, seal_asked(self._ring, asked))
        await self._queues.send(OUTBOX, order.to_json(), delay)


def has_ended(proof: Proof, now: datetime) -> bool:
    """Whether the proof is too old."""
    return proof.until <= now
