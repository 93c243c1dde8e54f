"""A raw mail (RFC 5322, MIME), read within limits: whoever wrote it may mean harm.

`policy.compat32` parses in a time that does not explode; what could make it long is bounded before: bytes, lines,
parts, how deep they are nested, the length of a header. Only what a draft is made of is read: sender, recipients,
subject, the first text and the first HTML. The rest is counted, not looked at.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.feedparser import BytesFeedParser
from email.header import decode_header
from email.message import Message
from email.policy import compat32
from email.utils import getaddresses

from lib.mail_headers import unfolded

MOST_BYTES = 10 * 1024 * 1024
MOST_LINES = 400_000
MOST_PARTS = 200
MOST_DEEP = 20
LONGEST_HEADER = 100_000
"""Characters of the value of From, To, Cc, Bcc or Subject."""

_LONGEST_CONTENT_HEADER = 4_000
"""Of those by which the parser divides a mail: it takes the square of their length."""

_LONGEST_WORDS = 4_000
"""Characters of a subject or a name, before its encoded words are decoded."""

_CHARSETS = re.compile(
    r"ascii|utf-8|utf-8-sig|utf-16|utf-16-[bl]e|iso8859-\d+|cp125\d|cp437|cp850|cp866|cp9[345][029]|koi8-[ru]|mac-roman|"
    r"tis-620|big5|gb2312|gbk|gb18030|hz|johab|euc_jp|euc_kr|shift_jis|iso2022_(jp|kr)"
)
"""What mail is written in. Python knows more of them, some of which take the square of their input's length (idna)."""


class BadMail(ValueError):
    """It is no mail, or goes beyond a limit; the text says which."""


@dataclass(frozen=True, slots=True)
class Mailbox:
    name: str
    email: str


@dataclass(frozen=True, slots=True)
class RawMail:
    """What a draft is made of. `others` are the types of further parts, such as attachments."""

    sender: Mailbox | None
    to: list[Mailbox] = field(default_factory=list)
    cc: list[Mailbox] = field(default_factory=list)
    bcc: list[Mailbox] = field(default_factory=list)
    subject: str = ""
    html: str | None = None
    text: str | None = None
    others: list[str] = field(default_factory=list)


class _Part(Message):
    """Looks at each header before the parser does."""

    def set_raw(self, name: str, value: str) -> None:
        if len(value) > _LONGEST_CONTENT_HEADER and name.lower().startswith("content-"):
            raise BadMail(f"its header {name[:40]} is longer than {_LONGEST_CONTENT_HEADER:,} characters")
        super().set_raw(name, value)


class _Parts:
    """Makes the parts for the parser, and stops it."""

    def __init__(self) -> None:
        self.count = 0
        self.parser: BytesFeedParser | None = None

    def __call__(self, policy: object = None) -> Message:  # noqa: ARG002 - the parser's way to call it
        self.count += 1
        if self.count > MOST_PARTS:
            raise BadMail(f"it has more than {MOST_PARTS} parts")
        # The parser keeps the parts that are open. Each line is held against the boundary of every one of them.
        if self.parser is not None and len(getattr(self.parser, "_msgstack", ())) >= MOST_DEEP:
            raise BadMail(f"its parts are nested deeper than {MOST_DEEP}")
        return _Part(policy=compat32)


def read_mail(raw: bytes) -> RawMail:
    """Raises BadMail. It takes up to a second or two: not for the event loop."""
    if len(raw) > MOST_BYTES:
        raise BadMail(f"it has {len(raw):,} bytes; at most {MOST_BYTES:,} are taken")
    if raw.count(b"\n") + raw.count(b"\r") > MOST_LINES:
        raise BadMail(f"it has more than {MOST_LINES:,} lines")
    try:
        root = _parsed(raw)
        return _read(root)
    except RecursionError:
        raise BadMail("it is nested too deeply") from None


def _parsed(raw: bytes) -> Message:
    parts = _Parts()
    parser = BytesFeedParser(parts, policy=compat32)
    parts.parser = parser
    parser.feed(raw)
    return parser.close()


def _read(root: Message) -> RawMail:
    senders = _mailboxes(root, "From")
    if not senders and not root.keys():
        raise BadMail("it has no headers")
    texts: dict[str, str] = {}
    others: list[str] = []
    for part in _leaves(root):
        kind = part.get_content_type()
        is_file = part.get_content_disposition() == "attachment"
        if kind in ("text/plain", "text/html") and kind not in texts and not is_file:
            texts[kind] = _text(part)
        else:
            others.append(kind)
    return RawMail(
        sender=senders[0] if senders else None,
        to=_mailboxes(root, "To"),
        cc=_mailboxes(root, "Cc"),
        bcc=_mailboxes(root, "Bcc"),
        subject=_words(_header(root, "Subject")),
        html=texts.get("text/html"),
        text=texts.get("text/plain"),
        others=others,
    )


def _leaves(part: Message) -> Iterator[Message]:
    """In order; a mail in the mail is one leaf."""
    children = part.get_payload()
    if part.get_content_maintype() != "multipart" or not isinstance(children, list):
        yield part
        return
    for child in children:
        if isinstance(child, Message):
            yield from _leaves(child)


def _text(part: Message) -> str:
    if part.is_multipart():
        return ""
    payload = part.get_payload(decode=True)
    data = payload if isinstance(payload, bytes) else b""
    return data.decode(_codec(part.get_content_charset()), "replace").replace("\r\n", "\n")


def _codec(name: str | None) -> str:
    """A character set that mail is written in; UTF-8 for whatever else is said."""
    try:
        known = codecs.lookup(name or "utf-8").name
    except (LookupError, ValueError):
        return "utf-8"
    return known if _CHARSETS.fullmatch(known) else "utf-8"


def _header(part: Message, name: str) -> str:
    value = str(part.get(name, ""))
    if len(value) > LONGEST_HEADER:
        raise BadMail(f"its header {name} is longer than {LONGEST_HEADER:,} characters")
    return value


def _mailboxes(part: Message, name: str) -> list[Mailbox]:
    value = _header(part, name)
    if not value or value.count("(") > _LONGEST_WORDS:
        return []
    return [Mailbox(_words(words), email.strip()) for words, email in getaddresses([unfolded(value)]) if email.strip()]


def _words(value: str) -> str:
    """With encoded words decoded (RFC 2047), on one line."""
    try:
        pieces = decode_header(value[:_LONGEST_WORDS])
    except ValueError:
        return " ".join(value.split())
    decoded = (
        piece if isinstance(piece, str) else piece.decode(_codec(charset), "replace") for piece, charset in pieces
    )
    return " ".join("".join(each if each.isprintable() else " " for each in "".join(decoded)).split())
