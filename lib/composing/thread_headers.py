"""Headers by which answers find a mail: Reply-To, a token in the subject, References and Thread-Index."""

from __future__ import annotations

import binascii
from collections.abc import Sequence
from dataclasses import dataclass

from lib.messages.conversations import thread_root
from lib.messages.models import StoredMessage
from lib.mime.parts import Mailbox
from lib.mime.subjects import with_token
from lib.organizations.settings import InboundSettings
from lib.tokens import REPLY_PREFIX, KeyRing


@dataclass(frozen=True, slots=True)
class ThreadHeaders:
    """Values of the headers that tell the thread."""

    subject: str
    reply_to: Sequence[Mailbox]
    """The sender and our address for replies, so that an answer reaches both; empty where there is no such address."""
    references: Sequence[str]
    """Message-IDs, oldest first. The last one is also In-Reply-To."""
    thread_index: str
    """The header Thread-Index, which Outlook and Exchange carry on."""


def thread_headers(
    organization: str, message: StoredMessage, sender: Mailbox, settings: InboundSettings, ring: KeyRing
) -> ThreadHeaders:
    """Return the headers of a message; the same at every try."""
    reply_to: list[Mailbox] = []
    if settings.reply_domain is not None:
        reply_to = [sender, Mailbox("", _reply_address(organization, message, settings.reply_domain, ring))]
    return ThreadHeaders(
        subject=with_token(message.subject, message.id) if settings.subject_token else message.subject,
        reply_to=reply_to,
        references=message.references,
        thread_index=binascii.b2a_base64(bytes.fromhex(thread_root(message)), newline=False).decode(),
    )


def stop_by_mail(organization: str, message: StoredMessage, reply_domain: str, ring: KeyRing) -> str:
    """Return the address (RFC 6068) of a mail that stops the recording (`lib.inbound.consequences`)."""
    return f"mailto:{_reply_address(organization, message, reply_domain, ring)}?subject=unsubscribe"


def _reply_address(organization: str, message: StoredMessage, reply_domain: str, ring: KeyRing) -> str:
    return f"{REPLY_PREFIX}{ring.mint_for_address(organization, message.id)}@{reply_domain}"
