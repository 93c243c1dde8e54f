"""The mail inside a mail: returned with a bounce, forwarded as a file, or copied into the text of an old bounce."""

from __future__ import annotations

import re
from dataclasses import dataclass
from email.message import Message

from lib.mime.header_values import header_text, mailboxes_in, message_ids_in, without_raw_bytes
from lib.mime.parts import Mailbox
from lib.mime.reader import first_value

MOST_LINKS = 50
_MOST_MAILBOXES = 100
_LONGEST_BLOCK = 20_000
"""Characters on either side of a Message-ID in which a copied header is looked for."""

_TOKEN_LINK = re.compile(
    r"https?://[^\s\"'<>/]{1,255}+(?:/[^\s\"'<>/]{1,60}+){0,4}?/[acipo]/[A-Za-z0-9_~.=-]{20,4096}+"
)
_ADDRESS = re.compile(r"(?<![^\s<>()\[\]\",;:@])[^\s<>()\[\]\",;:@]{1,256}+@[^\s<>()\[\]\",;:@]{1,255}+")
_ID_LINE = re.compile(r"^[ \t]{0,8}message-id:[ \t\n]{0,10}<[^<>\n]{1,998}>", re.IGNORECASE | re.MULTILINE)
_HEADER = re.compile(
    r"^[ \t]{0,8}(from|to|subject|date|message-id)[ \t]?:(.*+(?:\n[ \t].*+)*+)", re.IGNORECASE | re.MULTILINE
)
_BLANK = re.compile(r"\n[ \t]*\n")


@dataclass(frozen=True, slots=True)
class EnclosedMail:
    """The headers that tell which mail this is."""

    message_id: str | None
    """With angle brackets."""
    subject: str
    sender: Mailbox | None
    to: tuple[Mailbox, ...]
    links: tuple[str, ...]
    """Addresses that have the form of links with a token, such as `https://host/c/<token>`; at most 50."""


def token_links(*texts: str | None) -> tuple[str, ...]:
    """Return what looks like a link or image with a token of ours, each once. Only opening the token tells."""
    found: dict[str, None] = {}
    for text in texts:
        for link in _TOKEN_LINK.finditer(text or ""):
            found[link[0].removesuffix(".gif")] = None
            if len(found) >= MOST_LINKS:
                return tuple(found)
    return tuple(found)


def enclosed_mail(headers: Message, *texts: str | None) -> EnclosedMail | None:
    """Return the mail with these headers and texts; None where they say nothing."""
    ids = message_ids_in(first_value(headers, "Message-ID"), 1)
    senders, to = mailboxes_of(headers, "From"), mailboxes_of(headers, "To")
    subject = header_text(first_value(headers, "Subject"))
    links = token_links(*texts)
    if not ids and not subject and not to and not links:
        return None
    return EnclosedMail(ids[0] if ids else None, subject, senders[0] if senders else None, to, links)


def enclosed_in_text(text: str) -> EnclosedMail | None:
    """Return the mail whose headers are copied into a text, from the first Message-ID there."""
    found = _ID_LINE.search(text)
    if found is None:
        return None
    before = text[max(0, found.start() - _LONGEST_BLOCK) : found.start()]
    after = text[found.start() : found.start() + _LONGEST_BLOCK]
    start = max((blank.end() for blank in _BLANK.finditer(before)), default=0)
    end = _BLANK.search(after)
    block = before[start:] + (after[: end.start()] if end else after)
    headers = Message()
    for header in _HEADER.finditer(block):
        headers.set_raw(header[1], header[2].strip())
    return enclosed_mail(headers, text)


def mailboxes_of(headers: Message, name: str, most: int = _MOST_MAILBOXES) -> tuple[Mailbox, ...]:
    """Return the first mailboxes of a header; none where it cannot be read."""
    value = first_value(headers, name)
    try:
        found = mailboxes_in(value)[:most]
    except RecursionError:  # comments and groups of addresses are read by recursion
        return ()
    if all(_ADDRESS.fullmatch(each.email) for each in found):
        return tuple(found)
    return tuple(Mailbox("", email) for email in _ADDRESS.findall(without_raw_bytes(value))[:most])
