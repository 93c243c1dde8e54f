"""Clues of a received mail to the message that it answers. Pure functions, and the fields of a mail that they read."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from lib.mime.parts import Mailbox
from lib.tokens import REPLY_PREFIX, KeyRing, Purpose

MOST_IDS = 50
"""Message-IDs of one mail that are looked up: the newest ones, and the oldest one."""

_ROOT_BYTES = 22
"""Bytes of a ConversationIndex that all mails of a thread share ([MS-OXOMSG] 2.2.1.3)."""

_RESERVED = 1
"""The first byte of every ConversationIndex."""

_MOST_LINKS = 50
_ADDRESS_HEADERS = ("delivered-to", "x-original-to")
_REPLY_ADDRESS = re.compile(rf"{re.escape(REPLY_PREFIX)}([a-z0-9]{{54}})@", re.IGNORECASE)
_TOKEN = re.compile(r"/([acio])/([\w-]{20,4096})(?:\.gif)?(?:[/?#]|$)", re.ASCII)
_PURPOSES = {"a": Purpose.ATTACHMENT, "c": Purpose.CLICK, "i": Purpose.IMAGE, "o": Purpose.OPEN}


class EnclosedThreadMail(Protocol):
    """The mail inside a bounce or a forward."""

    @property
    def message_id(self) -> str | None:
        """With angle brackets."""

    @property
    def links(self) -> Sequence[str]:
        """Addresses that look like links or pixels of ours."""
        ...


class ThreadMail(Protocol):
    """The fields of a received mail that tell its thread. Message-IDs have angle brackets."""

    @property
    def message_id(self) -> str | None: ...
    @property
    def in_reply_to(self) -> Sequence[str]: ...
    @property
    def references(self) -> Sequence[str]:
        """From the oldest to the newest."""
        ...

    @property
    def date(self) -> datetime | None: ...
    @property
    def sender(self) -> Mailbox | None: ...
    @property
    def to(self) -> Sequence[Mailbox]: ...
    @property
    def cc(self) -> Sequence[Mailbox]: ...
    @property
    def subject(self) -> str: ...
    @property
    def headers(self) -> Mapping[str, str]:
        """By name in lower case: `thread-index`, `delivered-to`, `x-original-to` and `x-heed-message` where the mail
        has them."""
        ...

    @property
    def enclosed(self) -> EnclosedThreadMail | None: ...
    @property
    def links(self) -> Sequence[str]:
        """Addresses in the mail's own text that look like links or pixels of ours: quoted mail brings them back."""
        ...


@dataclass(frozen=True, slots=True)
class ReferredIds:
    """The Message-IDs that a mail names, each once, the likeliest first."""

    in_reply_to: Sequence[str]
    references: Sequence[str]
    """Those that In-Reply-To does not name, from the newest to the oldest."""

    names_itself: bool
    """Whether the mail refers to its own Message-ID, as loops and broken programs do; such an id is left out."""


@dataclass(frozen=True, slots=True)
class TokenClue:
    """A message that a token of ours names, and the recipient whose copy had the token, if that is told."""

    message: str
    recipient: int | None


def referred_ids(mail: ThreadMail) -> ReferredIds:
    """Return the Message-IDs that the mail names in In-Reply-To and References."""
    own = _bare(mail.message_id or "")
    asked = {_bare(each): each for each in mail.in_reply_to}
    older = {_bare(each): each for each in reversed(mail.references)}
    answered = [each for bare, each in asked.items() if bare != own][:MOST_IDS]
    before = [each for bare, each in older.items() if bare != own and bare not in asked]
    room = MOST_IDS - len(answered)
    if len(before) > room:
        before = [*before[: max(0, room - 1)], before[-1]]  # the oldest one began the thread
    return ReferredIds(answered, before, bool(own) and (own in asked or own in older))


def reply_addresses(mail: ThreadMail, ring: KeyRing, organization: str) -> Iterator[str]:
    """Yield the messages whose addresses for replies the mail was sent to."""
    addresses = [each.email for each in (*mail.to, *mail.cc)]
    addresses += [mail.headers.get(name, "") for name in _ADDRESS_HEADERS]
    for address in addresses:
        for found in _REPLY_ADDRESS.finditer(address):
            message = ring.open_in_address(organization, found[1])
            if message is not None:
                yield message


def marked_message(mail: ThreadMail, ring: KeyRing, organization: str) -> str | None:
    """Return the message whose mark the mail has, as another program has sent it; None where it has none of ours."""
    mark = mail.headers.get("x-heed-message", "").strip()
    return ring.open_in_address(organization, mark) if mark else None


def token_clues(links: Sequence[str], ring: KeyRing, organization: str) -> Iterator[TokenClue]:
    """Yield what the tokens of links and pixels name, of messages of this organization alone."""
    for link in links[:_MOST_LINKS]:
        for kind, token in _TOKEN.findall(link):
            claim = ring.open(_PURPOSES[kind], token)
            if claim is not None and claim.organization == organization:
                yield TokenClue(claim.message, claim.recipient)


def thread_root(value: str) -> str | None:
    """Return the first 22 bytes of a Thread-Index in hexadecimal digits; None for anything else."""
    try:
        index = base64.b64decode("".join(value.split()), validate=True)
    except (binascii.Error, ValueError):
        return None
    return index[:_ROOT_BYTES].hex() if len(index) >= _ROOT_BYTES and index[0] == _RESERVED else None


def _bare(internet_id: str) -> str:
    return internet_id.strip().strip("<>").lower()
