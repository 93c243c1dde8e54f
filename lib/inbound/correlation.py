"""Finding the message that a received mail answers: clue after clue, in the order of their strength.

The first clue that leads to a message with the sender among its recipients wins. A clue that leads to a message of
others is kept: where nothing better comes, a recipient has forwarded the mail, or its id was copied. A clue alone
proves nothing, for all who have seen a mail can forge headers; so the confidence falls with the sender.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Literal

from lib.clock import Clock
from lib.inbound.clues import (
    ThreadMail,
    marked_message,
    referred_ids,
    reply_addresses,
    thread_root,
    token_clues,
)
from lib.messages.conversations import conversation_of_root, may_be_marked, may_have_left
from lib.messages.models import CorrelationName, MailCorrelation, StoredMessage
from lib.messages.store import MessageStore
from lib.messages.threads import Threads
from lib.mime.subjects import has_prefix, ids_begun_by_tokens, subject_words
from lib.organizations.registry import Organizations
from lib.people.addresses import domain_of, same_person
from lib.people.public_domains import is_public_domain
from lib.people.store import People
from lib.storage.batches import batches_of
from lib.tokens import KeyRing

SMART_MATCHING_DAYS = timedelta(days=90)
_COMMON_ADDRESSES = 2
_MOST_SMART = 5
"""Messages with the same subject that are looked at, newest first."""

_MOST_OF_ROOT = 20
"""Messages of one thread that are looked at, newest first."""

_IDS_AT_ONCE = 10

_METHODS: dict[CorrelationName, int] = {
    "none": 0, "skipped": 1, "in_reply_to": 3, "subject_token": 4, "thread_index": 5, "smart_match": 6,
}  # fmt: skip
"""Codes of Dynamics' `CorrelationMethod`: 0 none, 1 skipped, 2 X-header, 3 In-Reply-To, 4 tracking token,
5 conversation index, 6 smart matching, 7 custom."""

_CONFIDENCES: dict[CorrelationName, float] = {
    "reply_address": 0.99, "in_reply_to": 0.98, "references": 0.95, "provider_id": 0.97, "thread_index": 0.9,
    "enclosed": 0.97, "subject_token": 0.9, "smart_match": 0.75, "none": 0.0, "skipped": 1.0,
}  # fmt: skip
_ONE_WORD = 0.5

_WORDS: dict[CorrelationName, str] = {
    "reply_address": "It was sent to the address for replies to that mail",
    "in_reply_to": "Its In-Reply-To names that mail",
    "references": "Its References name that mail",
    "provider_id": "It names the Message-ID that the provider gave that mail",
    "thread_index": "Its Thread-Index is that of the mail's thread",
    "enclosed": "It contains or quotes that mail",
    "subject_token": "Its subject has the token of that mail",
    "smart_match": "Its subject has the same words, and at least two addresses are the same",
}

SenderRole = Literal["recipient", "same_domain", "own_side", "stranger"]
"""The writer of the mail: a recipient of the matched message; another person of a recipient's domain; the matched
message's sender, or another person of the sender's domain; or none of these."""

_ROLE_FACTORS: dict[SenderRole, float] = {"recipient": 1.0, "same_domain": 0.8, "own_side": 1.0, "stranger": 0.5}
_ROLE_WORDS: dict[SenderRole, str] = {
    "recipient": "",
    "same_domain": ", and its sender is of a recipient's domain",
    "own_side": ", and that mail's sender or a colleague of theirs wrote it",
    "stranger": ", yet its sender is none of the recipients: a recipient has forwarded the mail, or the id was copied",
}


@dataclass(frozen=True, slots=True)
class Correlation:
    """The message that a mail answers, the way in which it was found, and how sure that is."""

    method: int | None
    """Dynamics' code; None where Dynamics has none for it."""

    name: CorrelationName

    confidence: float
    """The probability that `matched` is right, 0 to 1."""

    matched: str | None
    """The id of the message."""

    recipient: int | None
    """The number of the recipient who answers, or whose copy it is; None where that is not known."""

    because: str
    """A sentence."""

    conversation: str | None = None
    """The id of the conversation that the mail belongs to; also set where it answers received mail alone."""

    sender: SenderRole | None = None
    """None where no message was found, or where the sender does not count, as with bounces."""

    def stored(self) -> MailCorrelation:
        """Return the part that is kept with the received message."""
        return MailCorrelation(method=self.method, name=self.name, confidence=self.confidence, matched=self.matched)

    def kind_of_persons_mail(self) -> Literal["reply", "forward", "new"]:
        """Return the kind of a mail that a person wrote: an answer counts only from a recipient, or their domain."""
        if self.matched is None or self.sender in (None, "own_side"):
            return "new"
        return "forward" if self.sender == "stranger" else "reply"


@dataclass(frozen=True, slots=True)
class _Lead:
    """A message that a clue leads to."""

    name: CorrelationName
    message: str
    recipient: int | None = None
    """The recipient whom a token names."""


class Correlator:
    """Finds the messages that received mail answers."""

    def __init__(
        self,
        threads: Threads,
        messages: MessageStore,
        organizations: Organizations,
        people: People,
        ring: KeyRing,
        clock: Clock,
    ) -> None:
        self._threads = threads
        self._messages = messages
        self._organizations = organizations
        self._people = people
        self._ring = ring
        self._clock = clock

    async def correlate(self, organization: str, mail: ThreadMail, *, by_person: bool = True) -> Correlation:
        """Find the message that the mail answers. It reads storage and writes nothing. Raises StorageError.

        `by_person` is False for bounces, complaints and the like, whose senders are servers: then any clue will do.
        """
        itself = await self._skipped(organization, mail)
        if itself is not None:
            return itself
        ids = referred_ids(mail)
        loop = " It names its own Message-ID, too, which was left out." if ids.names_itself else ""
        fallback: Correlation | None = None
        seen: set[str] = set()
        async for lead in self._leads(organization, mail):
            if lead.message in seen:
                continue
            seen.add(lead.message)
            found = await self._read_lead(organization, mail, lead, by_person)
            if found is None:
                continue
            if found.matched is not None and found.sender != "stranger":
                return _with_words(found, loop)
            if fallback is None or (fallback.matched is None and found.matched is not None):
                fallback = found
        return _with_words(fallback or _NOTHING, loop)

    async def _skipped(self, organization: str, mail: ThreadMail) -> Correlation | None:
        """Return that the mail is one of ours, as a sender's copy of it comes in again; None for other mail."""
        hits = await self._threads.find_id(organization, mail.message_id) if mail.message_id else []
        marked = self.marked_message(organization, mail)
        for each in [*(hit.message for hit in hits), *([marked] if marked else [])]:
            message = await self._message(organization, each)
            if message is None or message.state == "received" or not await self._is_sender(organization, message, mail):
                continue
            if each == marked and not may_be_marked(message, mail.message_id):
                continue
            because = "It is that mail itself, as its sender has it."
            return Correlation(1, "skipped", 1.0, message.id, None, because, message.thread, "own_side")
        return None

    def marked_message(self, organization: str, mail: ThreadMail) -> str | None:
        """Return the message whose mark the mail has; None where it has none of the organization's."""
        return marked_message(mail, self._ring, organization)

    async def _leads(self, organization: str, mail: ThreadMail) -> AsyncIterator[_Lead]:
        """Yield where the mail's clues lead, the strongest clue first; each costs what it takes when it is reached."""
        for message in reply_addresses(mail, self._ring, organization):
            yield _Lead("reply_address", message)
        ids = referred_ids(mail)
        async for lead in self._leads_of_ids(organization, "in_reply_to", ids.in_reply_to):
            yield lead
        async for lead in self._leads_of_ids(organization, "references", ids.references):
            yield lead
        root = thread_root(mail.headers.get("thread-index", ""))
        if root is not None:
            async for message in self._messages_of_root(organization, root):
                yield _Lead("thread_index", message)
        enclosed = mail.enclosed
        if enclosed is not None and enclosed.message_id is not None:
            async for lead in self._leads_of_ids(organization, "enclosed", [enclosed.message_id]):
                yield lead
        links = [*(enclosed.links if enclosed is not None else ()), *mail.links]
        for clue in token_clues(links, self._ring, organization):
            yield _Lead("enclosed", clue.message, clue.recipient)
        async for lead in self._weak_leads(organization, mail):
            yield lead

    async def _weak_leads(self, organization: str, mail: ThreadMail) -> AsyncIterator[_Lead]:
        """Yield where the subject leads, as far as the organization wants that."""
        settings = (await self._organizations.settings(organization)).inbound
        for beginning in ids_begun_by_tokens(mail.subject) if settings.subject_token else ():
            found = await self._messages.find_ids(organization, beginning)
            if len(found) == 1:
                yield _Lead("subject_token", found[0])
        if settings.smart_matching:
            async for message in self._smart_matches(organization, mail):
                yield _Lead("smart_match", message)

    async def _leads_of_ids(self, organization: str, name: CorrelationName, ids: Iterable[str]) -> AsyncIterator[_Lead]:
        for some in batches_of(list(ids), _IDS_AT_ONCE):
            for hits in await asyncio.gather(*(self._threads.find_id(organization, each) for each in some)):
                for hit in hits:
                    is_renamed = hit.is_providers and name != "enclosed"
                    yield _Lead("provider_id" if is_renamed else name, hit.message)

    async def _messages_of_root(self, organization: str, root: str) -> AsyncIterator[str]:
        """Yield the messages of a thread, newest first. The root of a thread that we began names its conversation."""
        for message in (await self._threads.find_root(organization, root))[:_MOST_OF_ROOT]:
            yield message
        yield conversation_of_root(root)

    async def _smart_matches(self, organization: str, mail: ThreadMail) -> AsyncIterator[str]:
        """Yield messages with the same subject and at least two common addresses, newest first.

        Only mail that says that it answers something is matched: others repeat a subject by chance.
        """
        words = subject_words(mail.subject)
        if not words or mail.sender is None:
            return
        if not (has_prefix(mail.subject) or mail.in_reply_to or mail.references):
            return
        sender = await self._threads.hash_person(organization, mail.sender.email)
        emails = dict.fromkeys(same_person(each.email) for each in (mail.sender, *mail.to, *mail.cc))
        people = {await self._threads.hash_person(organization, each) for each in emails}
        looked_at = 0
        for hit in await self._threads.find_subject(organization, words):
            if sender not in hit.people or len(people & hit.people) < _COMMON_ADDRESSES:
                continue
            message = await self._message(organization, hit.message)
            if message and subject_words(message.subject) == words and self._is_recent(message, mail):
                yield message.id
            looked_at += 1
            if looked_at == _MOST_SMART:
                return

    def _is_recent(self, message: StoredMessage, mail: ThreadMail) -> bool:
        """Tell whether the mail came within 90 days after the message. Its own date may be wrong by a day."""
        age = (mail.date or self._clock.now()) - message.sort_time()
        return -timedelta(days=1) <= age <= SMART_MATCHING_DAYS

    async def _read_lead(self, organization: str, mail: ThreadMail, lead: _Lead, by_person: bool) -> Correlation | None:
        """Return what the lead comes to; None where the message is gone, or never left."""
        message = await self._message(organization, lead.message)
        if message is None:
            return None
        conversation = message.thread
        if message.state == "received":
            sent = message.correlation.matched if message.correlation else None
            message = await self._message(organization, sent) if sent else None
            if message is None:
                because = "It answers a received mail, which answers no message that was sent."
                return Correlation(None, lead.name, 0.0, None, None, because, conversation)
        role = await self._role(organization, message, mail) if by_person else None
        if lead.name == "smart_match" and role != "recipient":
            return None
        return correlation_of(message, lead.name, mail.sender.email if mail.sender else "", role, lead.recipient)

    async def _message(self, organization: str, message: str) -> StoredMessage | None:
        """Load a message that may have left, or came in."""
        loaded = await self._messages.load(organization, message)
        return loaded.message if loaded is not None and may_have_left(loaded.message) else None

    async def _role(self, organization: str, message: StoredMessage, mail: ThreadMail) -> SenderRole:
        if mail.sender is None:
            return "stranger"
        role = role_of(message, mail.sender.email)
        if role == "recipient":
            return role
        user = await self._people.user(organization, message.sender)
        return "own_side" if user and _is_own_side(user.email, mail.sender.email, role) else role

    async def _is_sender(self, organization: str, message: StoredMessage, mail: ThreadMail) -> bool:
        user = await self._people.user(organization, message.sender)
        return bool(user and mail.sender and same_person(user.email) == same_person(mail.sender.email))


_NOTHING = Correlation(0, "none", 0.0, None, None, "Nothing in it leads to a message of this organization.")


def correlation_of(
    message: StoredMessage, name: CorrelationName, sender: str, role: SenderRole | None, copy_of: int | None = None
) -> Correlation:
    """Return the correlation with a message that a clue has led to.

    `sender` is the mail's address, `role` None where it does not count; `copy_of` is the recipient whom a token names.
    """
    known = recipient_number(message, sender)
    recipient = copy_of if known is None else known
    if role == "own_side":
        recipient = None
    # One word, such as `Offer`, is the subject of many mails.
    is_one_word = name == "smart_match" and " " not in subject_words(message.subject)
    base = _ONE_WORD if is_one_word else _CONFIDENCES[name]
    confidence = round(base * (_ROLE_FACTORS[role] if role else 1.0), 3)
    because = f"{_WORDS[name]}{_ROLE_WORDS[role] if role else ''}."
    return Correlation(_METHODS.get(name), name, confidence, message.id, recipient, because, message.thread, role)


def role_of(message: StoredMessage, email: str) -> SenderRole:
    """Return who an address is to a message that was sent, as far as its recipients tell."""
    recipients = {same_person(each.email) for each in message.recipients()}
    if same_person(email) in recipients:
        return "recipient"
    domain = domain_of(same_person(email))
    if not is_public_domain(domain) and any(domain_of(each) == domain for each in recipients):
        return "same_domain"
    return "stranger"


def _is_own_side(user: str, email: str, role: SenderRole) -> bool:
    """Tell whether the address is the user's, or a colleague's who is of no recipient's domain."""
    if same_person(user) == same_person(email):
        return True
    domain = domain_of(same_person(user))
    return role == "stranger" and not is_public_domain(domain) and domain_of(same_person(email)) == domain


def recipient_number(message: StoredMessage, email: str) -> int | None:
    """Return the number of the recipient with this address, or the only one of its domain; None where there is none."""
    person = same_person(email)
    people = [same_person(each.email) for each in message.recipients()]
    if person in people:
        return people.index(person)
    domain = domain_of(person)
    colleagues = {each for each in people if domain_of(each) == domain}
    return people.index(colleagues.pop()) if len(colleagues) == 1 and not is_public_domain(domain) else None


def _with_words(found: Correlation, more: str) -> Correlation:
    return replace(found, because=found.because + more)
