"""Reading a raw mail (RFC 5322, MIME) that makes a draft, within limits.

Of the bodies, only the first text and the first HTML are decoded; the others are counted.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field
from email.message import Message

from lib.mime.header_values import header_text, mailboxes_in
from lib.mime.limits import LARGEST_HTML, LARGEST_TEXT, MOST_RECIPIENTS
from lib.mime.parts import Mailbox
from lib.mime.reader import BadMail, Leaf, MailLimits, MailTooLarge, PartReader, decode_leaf, first_value

__all__ = ["MOST_BYTES", "BadMail", "MailTooLarge", "RawMail", "read_mail", "read_mail_text"]

MOST_BYTES = 25_000_000
_LIMITS = MailLimits(parts=200, depth=20, header_lines=2_000, longest_header=100_000)
_MOST_BYTES_OF_A_CHARACTER = 2
"""The most bytes that a character set of mail takes for a character, compared with UTF-8."""


@dataclass(frozen=True, slots=True)
class RawMail:
    """The parts of a mail that make a draft."""

    sender: Mailbox | None
    to: list[Mailbox] = field(default_factory=list)
    cc: list[Mailbox] = field(default_factory=list)
    bcc: list[Mailbox] = field(default_factory=list)
    subject: str = ""
    html: str | None = None
    text: str | None = None
    others: list[str] = field(default_factory=list)
    """The media types of further parts, such as attachments."""


def read_mail_text(mail: str) -> RawMail:
    """Read a mail as it is, or in base64. Raises BadMail. It takes up to two seconds: not for the event loop."""
    if ":" in mail:  # a header has a colon, which base64 has not
        return read_mail(mail.encode("utf-8", "surrogatepass"))
    try:
        return read_mail(base64.b64decode("".join(mail.split()), validate=True))
    except binascii.Error:
        raise BadMail("it is neither a raw mail nor base64") from None


def read_mail(raw: bytes) -> RawMail:
    """Read a mail. Raises BadMail. Not for the event loop either."""
    if len(raw) > MOST_BYTES:
        raise MailTooLarge(f"it has {len(raw):,} bytes; at most {MOST_BYTES:,} are taken")
    reader = PartReader(raw, _LIMITS)
    leaves = reader.leaves()
    root = reader.root
    senders = _mailboxes(root, "From")
    if not senders and not root.keys():
        raise BadMail("it has no headers")
    texts: dict[str, str] = {}
    others: list[str] = []
    for leaf in leaves:
        kind = leaf.headers.get_content_type()
        is_file = leaf.headers.get_content_disposition() == "attachment"
        if kind in ("text/plain", "text/html") and kind not in texts and not is_file:
            texts[kind] = _text(reader, leaf, kind)
        else:
            others.append(kind)
    return RawMail(
        sender=senders[0] if senders else None,
        to=_mailboxes(root, "To"),
        cc=_mailboxes(root, "Cc"),
        bcc=_mailboxes(root, "Bcc"),
        subject=header_text(first_value(root, "Subject")),
        html=texts.get("text/html"),
        text=texts.get("text/plain"),
        others=others,
    )


def _text(reader: PartReader, leaf: Leaf, kind: str) -> str:
    data = reader.decoded(leaf)
    name, largest = ("HTML", LARGEST_HTML) if kind == "text/html" else ("text", LARGEST_TEXT)
    if len(data) > largest * _MOST_BYTES_OF_A_CHARACTER:
        raise MailTooLarge(f"its {name} has {len(data):,} bytes; at most {largest:,} are taken")
    return decode_leaf(data, leaf.headers).replace("\r\n", "\n")


def _mailboxes(part: Message, name: str) -> list[Mailbox]:
    value = first_value(part, name)
    if value.count("@") > 2 * MOST_RECIPIENTS or value.count(",") > 4 * MOST_RECIPIENTS:
        raise BadMail(f"its header {name} names more than {MOST_RECIPIENTS} recipients")
    try:
        return mailboxes_in(value)
    except RecursionError:  # comments and groups of addresses are read by recursion
        raise BadMail(f"its header {name} has comments or groups that stand too deep in each other") from None
