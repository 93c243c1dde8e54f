"""Reading a raw mail (RFC 5322, MIME) that makes a draft, within limits.

Of the bodies, only the first text and the first HTML are decoded; the others are counted.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from email.message import Message
from typing import Literal

from lib.mime.header_values import header_text, mailboxes_in
from lib.mime.headers import unfolded
from lib.mime.limits import LARGEST_HTML, LARGEST_TEXT, MOST_RECIPIENTS
from lib.mime.parts import Mailbox
from lib.mime.reader import BadMail, Leaf, MailLimits, MailTooLarge, PartReader, decode_leaf, first_value

__all__ = ["MOST_BYTES", "BadMail", "MailTooLarge", "RawMail", "raw_mail_of", "read_mail", "read_mail_text"]

MOST_BYTES = 25_000_000
_LIMITS = MailLimits(parts=200, depth=20, header_lines=2_000, longest_header=100_000)
_MOST_BYTES_OF_A_CHARACTER = 2
"""The most bytes that a character set of mail takes for a character, compared with UTF-8."""


Seal = Literal["signed", "encrypted"]


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
    seal: Seal | None = None
    """Whether the mail, or a part of it, is signed or encrypted with S/MIME or PGP/MIME, so that no byte may change."""
    headers: dict[str, str] = field(default_factory=dict)
    """The headers of a sealed mail, each on one line, encoded as they came."""
    raw: bytes = b""
    """A sealed mail, as it came."""


def read_mail_text(mail: str) -> RawMail:
    """Read a mail as it is, or in base64. Raises BadMail. It takes up to two seconds: not for the event loop."""
    return read_mail(raw_mail_of(mail))


def raw_mail_of(mail: str) -> bytes:
    """Return the bytes of a mail that is given as it is, or in base64. Raises BadMail."""
    if ":" in mail:  # a header has a colon, which base64 has not
        return mail.encode("utf-8", "surrogatepass")
    try:
        return base64.b64decode("".join(mail.split()), validate=True)
    except ValueError:  # binascii.Error, and what text outside of ASCII raises
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
    sealing = (_seal(headers) for headers in (*reader.multiparts, *(leaf.headers for leaf in leaves)))
    seal = next((each for each in sealing if each), None)
    return RawMail(
        sender=senders[0] if senders else None,
        to=_mailboxes(root, "To"),
        cc=_mailboxes(root, "Cc"),
        bcc=_mailboxes(root, "Bcc"),
        subject=header_text(first_value(root, "Subject")),
        html=texts.get("text/html"),
        text=texts.get("text/plain"),
        others=others,
        seal=seal,
        headers={name: " ".join(unfolded(value).split()) for name, value in root.raw_items()} if seal else {},
        raw=raw if seal else b"",
    )


def _text(reader: PartReader, leaf: Leaf, kind: str) -> str:
    data = reader.decoded(leaf)
    name, largest = ("HTML", LARGEST_HTML) if kind == "text/html" else ("text", LARGEST_TEXT)
    if len(data) > largest * _MOST_BYTES_OF_A_CHARACTER:
        raise MailTooLarge(f"its {name} has {len(data):,} bytes; at most {largest:,} are taken")
    return decode_leaf(data, leaf.headers).replace("\r\n", "\n")


def _seal(headers: Message) -> Seal | None:
    """Tell what seals the part with these headers (RFC 1847, 3156, 8551); None for any other part."""
    kind = headers.get_content_type()
    if kind in ("multipart/signed", "multipart/encrypted"):
        return "signed" if kind == "multipart/signed" else "encrypted"
    named = kind == "application/octet-stream" and str(headers.get_filename("")).lower() == "smime.p7m"
    if named or kind in ("application/pkcs7-mime", "application/x-pkcs7-mime"):
        return "signed" if str(headers.get_param("smime-type", "")).lower() == "signed-data" else "encrypted"
    return None


def _mailboxes(part: Message, name: str) -> list[Mailbox]:
    value = first_value(part, name)
    if value.count("@") > 2 * MOST_RECIPIENTS or value.count(",") > 4 * MOST_RECIPIENTS:
        raise BadMail(f"its header {name} names more than {MOST_RECIPIENTS} recipients")
    try:
        return mailboxes_in(value)
    except RecursionError:  # comments and groups of addresses are read by recursion
        raise BadMail(f"its header {name} has comments or groups that stand too deep in each other") from None
