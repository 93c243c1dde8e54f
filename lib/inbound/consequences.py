"""Consequences of an answer that no fact brings about: delivery states, unknown addresses, and complaints.

They come before the answer's fact is recorded. Each is the same when it comes again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from lib.inbound.answers import MailAnswer, emails_of, evidence_of_answer, fact_of_answer
from lib.messages.evidence import DeliveryEvidence
from lib.messages.models import StoredMessage
from lib.mime.received import ReceivedMail
from lib.people.addresses import same_mailbox
from lib.people.bounces import Bounces
from lib.people.consents import RECIPIENT, Consents, ConsentSpec

STOP_SUBJECT = "unsubscribe"
"""The subject of mail by List-Unsubscribe (RFC 2369), which mail programs send in the recipient's name."""

AddressChanged = Callable[[str, str], Awaitable[None]]
"""Has messages looked at whose follow state may be another one, of (organization, address)."""


class Consequences:
    """Brings about what follows from an answer."""

    def __init__(
        self, evidence: DeliveryEvidence, bounces: Bounces, consents: Consents, address_changed: AddressChanged
    ) -> None:
        self._evidence = evidence
        self._bounces = bounces
        self._consents = consents
        self._address_changed = address_changed

    async def bring_about(self, organization: str, message: StoredMessage, answer: MailAnswer) -> None:
        """Bring about what follows for the message that the answer is about. Raises StorageError, Stale."""
        evidence, recipient = evidence_of_answer(message, answer), fact_of_answer(message, answer).recipient
        await self._evidence.note_evidence(organization, message.id, [evidence])
        for number, failure in evidence.failed.items():
            for email in emails_of(message, [number]):
                await self._bounces.note_bounce(organization, email, failure.code or "", has_returned=True)
        writers = [] if recipient is None or answer.kind == "bounce" else emails_of(message, [recipient])
        if answer.kind == "complaint":
            for email in writers:
                await self._note_complaint(organization, email, answer.mail)
        else:
            await self._bounces.clear_bounces(organization, writers, has_answered=True)

    async def stop_writer(self, organization: str, message: StoredMessage, recipient: int | None) -> None:
        """Stop the recording of the recipient who has asked for that by mail; `recipient` is None for another writer.

        Another writer counts for the only recipient: mail is read under other addresses than it is sent to. Again is
        the same. Raises StorageError, Stale.
        """
        everyone = {same_mailbox(each.email) for each in message.recipients()}
        writers = emails_of(message, [recipient]) if recipient is not None else sorted(everyone)
        if len({same_mailbox(email) for email in writers}) != 1:
            return
        spec = ConsentSpec(follow="do_not_allow", source="the recipient's mail", notice="")
        await self._consents.append_consent(organization, writers[0], spec, RECIPIENT)
        await self._address_changed(organization, writers[0])

    async def _note_complaint(self, organization: str, email: str, mail: str) -> None:
        """Enter that the address is not to be followed, once for each complaint."""
        source = f"complaint {mail}"
        async for consent in self._consents.history(organization, email):
            if consent.source == source:
                return
        notice = "The recipient reported a mail as unwanted."
        spec = ConsentSpec(follow="do_not_allow", source=source, notice=notice)
        await self._consents.append_consent(organization, email, spec, RECIPIENT)
        await self._address_changed(organization, email)


def is_stop(mail: ReceivedMail) -> bool:
    """Whether a mail asks to stop the recording, as our List-Unsubscribe has mail programs write it."""
    return mail.subject.strip().lower() == STOP_SUBJECT
