"""Erasure of a subject from one message.

A received mail of the subject goes. Of a mail that was sent, what the subject did goes, and a stand-in takes the place
of the address, so that nothing that comes later is recorded (`lib.assessment.refusals`); its text and files are the
organization's and stay, but for the address. A mail that was not sent is not sent to the subject any more.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from lib.assessment.assessor import Assessor
from lib.assessment.followers import stored_part
from lib.assessment.summary import summary_of
from lib.cards.follower import CardsFollower
from lib.cards.store import Card, Cards
from lib.clock import Clock
from lib.errors import NotAllowed
from lib.fields import STORED
from lib.messages.copy_rows import Copy
from lib.messages.feedback import FeedbackStore
from lib.messages.fence import is_being_sent
from lib.messages.models import Body, StoredMessage
from lib.messages.store import Loaded, MessageStore
from lib.organizations.kept_answers import KeptAnswers
from lib.privacy.message_removal import MessageRemoval
from lib.privacy.subjects import Subject
from lib.storage import Blobs, Missing, Unavailable
from lib.storage.layout import container
from lib.verdicts.fact_store import FactStore

UNSENT = ("draft", "scheduled", "failed", "cancelled")


@dataclass(frozen=True, slots=True)
class ErasedMessage:
    """The outcome for one message."""

    removed: bool
    """Whether the whole message is gone."""

    facts: int = 0
    cards: int = 0


class MessageErasure:
    """Erases subjects from messages."""

    def __init__(
        self,
        store: MessageStore,
        assessor: Assessor,
        removal: MessageRemoval,
        cards: Cards,
        kept_answers: KeptAnswers,
        facts: FactStore,
        feedback: FeedbackStore,
        blobs: Blobs,
        clock: Clock,
    ) -> None:
        self._store = store
        self._assessor = assessor
        self._removal = removal
        self._cards = cards
        self._kept_answers = kept_answers
        self._facts = facts
        self._feedback = feedback
        self._blobs = blobs
        self._clock = clock

    async def erase_message(
        self, organization: str, message: str, subject: Subject, *, also_sent_mail: bool
    ) -> ErasedMessage | None:
        """Erase the subject from a message; again changes nothing. None where the message is not there.

        Raises NotAllowed while the message is being sent, Stale, StorageError.
        """
        loaded = await self._store.load(organization, message)
        if loaded is None:
            return None
        if loaded.message.state == "submitting" or is_being_sent(loaded, self._clock.now()):
            raise NotAllowed("A message to the address is being sent just now.")
        cards = await self._delete_cards(organization, loaded, subject)
        if _goes(loaded.message, subject, also_sent_mail):
            return ErasedMessage(True, await self._removal.remove_message(organization, loaded), cards)
        before = summary_of(loaded).kpis.raw
        await self._redact(organization, loaded, subject)
        after = await self._assessor.refresh(organization, message, from_all=True, wishes_changed=True)
        left = summary_of(after).kpis.raw if after else before
        if after is not None:
            await self._forget_feedback(organization, after)
        await self._kept_answers.forget_message(organization, message)
        gone = [getattr(before, name) - getattr(left, name) for name in ("opens", "clicks", "attachment_views")]
        return ErasedMessage(False, max(0, sum(gone)), cards)

    async def _forget_feedback(self, organization: str, loaded: Loaded) -> None:
        """Remove what users said of events that are gone. Raises Stale, StorageError."""
        message = loaded.message.id
        events = loaded.feedback.words
        gone = [event for event in events if await self._facts.find_judged(organization, message, event) is None]
        await self._feedback.forget_events(organization, message, gone)

    async def _redact(self, organization: str, loaded: Loaded, subject: Subject) -> None:
        """Put the message, its copies and its body without the address in their place. Raises Stale."""
        message = _without_recipient(loaded.message, subject)
        raw = json.loads(message.model_dump_json(exclude_none=True))
        redacted = StoredMessage.model_validate(subject.redact(raw), context=STORED)
        if message.state == "received":
            redacted = redacted.model_copy(update={"raw": None})
        body = await self._read_body(organization, message.id)
        new_body = Body(
            html=None if body.html is None else subject.redact_text(body.html),
            text=None if body.text is None else subject.redact_text(body.text),
        )
        copies, left = await self._redact_copies(organization, loaded.copies, subject)
        await self._store.change(
            organization,
            redacted,
            loaded.etag,
            body=new_body if new_body != body else None,
            copies=copies if copies != loaded.copies else (),
        )
        if message.state == "received" and message.raw:
            left.append(message.raw)
        for blob in left:
            await self._blobs.delete_blob(container(organization), blob)

    async def _read_body(self, organization: str, message: str) -> Body:
        """Read the body; an empty one where its blob is gone, as after the restoring of tables alone."""
        try:
            return await self._store.body(organization, message)
        except Unavailable as error:
            if not isinstance(error.__cause__, Missing):
                raise
            return Body()

    async def _redact_copies(
        self, organization: str, copies: Sequence[Copy], subject: Subject
    ) -> tuple[list[Copy], list[str]]:
        """Return the copies without the address, and the blobs of links that they need no more."""
        redacted, left = list[Copy](), list[str]()
        for copy in copies:
            raw = subject.redact(json.loads(copy.model_dump_json(exclude_none=True)))
            new = Copy.model_validate(raw, context=STORED)
            if isinstance(copy.links, str):
                links = await self._store.links(organization, copy)
                new_links = [subject.redact_text(link) for link in links]
                if new_links != links:
                    new = new.model_copy(update={"links": new_links})
                    left.append(copy.links)
            redacted.append(new)
        return redacted, list(dict.fromkeys(left))

    async def _delete_cards(self, organization: str, loaded: Loaded, subject: Subject) -> int:
        """Delete the message's cards that tell of the subject; return their number."""
        message, deleted = loaded.message, 0
        names = {each.name for each in message.recipients() if each.name and subject.has_address(each.email)}
        for card_id in stored_part(CardsFollower.part_name, summary_of(loaded).parts) or {}:
            found = await self._cards.load_card(organization, message.sender, card_id)
            if found and tells_of_subject(found[0], subject, names):
                await self._cards.delete_card(organization, found[0])
                deleted += 1
        return deleted


def tells_of_subject(card: Card, subject: Subject, names: set[str]) -> bool:
    """Whether a card is about the subject, or names the address or one of these names."""
    if card.recipient and subject.has_address(card.recipient.email):
        return True
    text = f"{card.title} {card.text}"
    return subject.is_in(text) or any(name in text for name in names)


def _goes(message: StoredMessage, subject: Subject, also_sent_mail: bool) -> bool:
    """Whether the whole message goes: a mail of the subject, or one that is to the subject alone and may go."""
    if message.from_address and subject.has_address(message.from_address.email):
        return True
    recipients = message.recipients()
    if message.state == "received" or not recipients:
        return False
    is_theirs = all(subject.has_address(each.email) or each.email == subject.stand_in for each in recipients)
    return is_theirs and (also_sent_mail or message.state in UNSENT)


def _without_recipient(message: StoredMessage, subject: Subject) -> StoredMessage:
    """Return a message that was never tried without the recipient; numbers of recipients may still change."""
    if message.state not in UNSENT or message.copy_count or message.tried_at:
        return message
    fields = {
        name: [each for each in getattr(message, name) if not subject.has_address(each.email)]
        for name in ("to", "cc", "bcc")
    }
    return message.model_copy(update=fields)
