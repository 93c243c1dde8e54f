"""Reading a raw mail (RFC 5322, MIME) within limits: its writer may mean harm.

The bodies are cut out by searching for boundaries, not read line by line: each level of nesting is one search through
its bytes. Only headers go through `email`. Of the bodies, only the first text and the first HTML are decoded, which
make a draft; the others are counted. Each number that could make this long is bounded: bytes, header lines, parts, the
depth of nesting, the length of a header.
"""

from __future__ import annotations

import base64
import binascii
import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message
from email.parser import BytesHeaderParser
from email.policy import compat32
from email.utils import getaddresses
from typing import Literal, NamedTuple

from lib.mime.headers import unfolded
from lib.mime.limits import LARGEST_HTML, LARGEST_TEXT, MOST_RECIPIENTS
from lib.mime.parts import Mailbox

MOST_BYTES = 25_000_000
MOST_PARTS = 200
MOST_DEEP = 20
MOST_HEADER_LINES = 2_000
"""Header lines of all parts together."""

LONGEST_HEADER = 100_000
"""Characters of the value of From, To, Cc, Bcc or Subject."""

_MOST_HEADER_BYTES = 1_000_000
_MOST_NEAR_DELIMITERS = 10_000
"""Lines that begin like a boundary and go on otherwise."""

_LONGEST_CONTENT_HEADER = 4_000
"""Characters of a header by which a mail is divided: such headers are parsed in the square of their length."""

_LONGEST_WORDS = 4_000
"""Characters of a subject or a name, before its encoded words are decoded."""

_MOST_BYTES_OF_A_CHARACTER = 2
"""The most bytes that a character set of mail takes for a character, compared with UTF-8."""

_END_OF_HEADERS = re.compile(rb"(?:\A|\n)\r?+\n")
_END_OF_DELIMITER = re.compile(rb"(--)?+[ \t]*+\r?+(?:\n|\Z)")
_DAMAGE = re.compile("\ufffd{2,}+")
_CHARSETS = re.compile(
    r"ascii|utf-8|utf-8-sig|utf-16|utf-16-[bl]e|iso8859-\d+|cp125\d|cp437|cp850|cp866|cp9[345][029]|koi8-[ru]|mac-roman|"
    r"tis-620|big5|gb2312|gbk|gb18030|hz|johab|euc_jp|euc_kr|shift_jis|iso2022_(jp|kr)"
)
"""The character sets of mail. Python knows more; some take the square of their input's length (idna)."""


class BadMail(ValueError):
    """A mail that is none, or goes beyond a limit; the text says which."""


class MailTooLarge(BadMail):
    """A mail with too many bytes, in all or in its HTML or text."""


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


class _Leaf(NamedTuple):
    """A part that holds no parts."""

    headers: Message
    start: int
    end: int


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
    reader = _Reader(raw)
    leaves = reader.leaves(0, len(raw), 0)
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
            texts[kind] = reader.text(leaf, kind)
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
        seal=reader.seal,
        headers={name: " ".join(unfolded(value).split()) for name, value in root.raw_items()} if reader.seal else {},
        raw=raw if reader.seal else b"",
    )


class _Reader:
    """Divides one mail. `root` are its own headers."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._parts = self._near_delimiters = self._header_lines = self._header_bytes = 0
        self.root = Message(policy=compat32)
        self.seal: Seal | None = None

    def leaves(self, start: int, end: int, depth: int) -> list[_Leaf]:
        """Return the leaves of the part that stands there, in order; a mail in the mail is one leaf. Raises BadMail."""
        self._parts += 1
        if self._parts > MOST_PARTS:
            raise BadMail(f"it has more than {MOST_PARTS} parts")
        if depth > MOST_DEEP:
            raise BadMail(f"its parts are nested deeper than {MOST_DEEP}")
        headers, body = self._headers(start, end)
        if depth == 0:
            self.root = headers
        self.seal = self.seal or _seal(headers)
        boundary = headers.get_boundary() if headers.get_content_maintype() == "multipart" else None
        if not boundary:
            return [_Leaf(headers, body, end)]
        delimiter = b"--" + boundary.encode("utf-8", "surrogateescape")
        found: list[_Leaf] = []
        for first, last in self._between(delimiter, body, end):
            found += self.leaves(first, last, depth + 1)
        return found

    def _headers(self, start: int, end: int) -> tuple[Message, int]:
        """Return the headers of the part there, and the place of its body."""
        blank = _END_OF_HEADERS.search(self._raw, start, end)
        if self._raw.startswith((b"\n", b"\r\n"), start, end):
            blank = None  # it begins with the blank line, so it has none
            body = self._raw.index(b"\n", start, end) + 1
            return Message(policy=compat32), body
        body = blank.end() if blank else end
        block = self._raw[start:body]
        self._header_bytes += len(block)
        self._header_lines += block.count(b"\n")
        if self._header_lines > MOST_HEADER_LINES or self._header_bytes > _MOST_HEADER_BYTES:
            raise BadMail(
                f"its headers are longer than {MOST_HEADER_LINES:,} lines or {_MOST_HEADER_BYTES:,} characters"
            )
        headers = BytesHeaderParser(policy=compat32).parsebytes(block)
        for name, value in headers.raw_items():
            if len(value) > _LONGEST_CONTENT_HEADER and name.lower().startswith("content-"):
                raise BadMail(f"its header {name[:40]} is longer than {_LONGEST_CONTENT_HEADER:,} characters")
        return headers, body

    def _between(self, delimiter: bytes, start: int, end: int) -> Iterator[tuple[int, int]]:
        """Yield the places of parts between lines that begin with the delimiter. A part that is never closed runs to
        the end."""
        part: int | None = None
        place = start - 1  # the line end before the body is one before a first delimiter, too
        while (place := self._raw.find(b"\n" + delimiter, max(0, place), end)) >= 0:
            closing = _END_OF_DELIMITER.match(self._raw, place + 1 + len(delimiter), end)
            if closing is None:
                self._near_delimiters += 1
                if self._near_delimiters > _MOST_NEAR_DELIMITERS:
                    raise BadMail(f"it has more than {_MOST_NEAR_DELIMITERS:,} lines that begin like a boundary")
                place += 1
                continue
            if part is not None:
                yield part, max(part, place - self._raw.endswith(b"\r", part, place))
            if closing[1]:
                return
            part = closing.end()
            place = part - 1
        if part is not None:
            yield part, end

    def text(self, leaf: _Leaf, kind: str) -> str:
        """Decode the text of a leaf. Raises BadMail."""
        data = self._raw[leaf.start : leaf.end]
        encoding = str(leaf.headers.get("content-transfer-encoding", "")).strip().lower()
        if encoding == "base64":
            data = _from_base64(data)
        elif encoding == "quoted-printable":
            data = binascii.a2b_qp(data)
        name, largest = ("HTML", LARGEST_HTML) if kind == "text/html" else ("text", LARGEST_TEXT)
        if len(data) > largest * _MOST_BYTES_OF_A_CHARACTER:
            raise MailTooLarge(f"its {name} has {len(data):,} bytes; at most {largest:,} are taken")
        decoded = data.decode(_codec(leaf.headers.get_content_charset()), "replace")
        # A hundred signs for damage say no more than one, and would make the mail three times as long.
        return _DAMAGE.sub("\ufffd", decoded).replace("\r\n", "\n")


def _seal(headers: Message) -> Seal | None:
    """Tell what seals the part with these headers (RFC 1847, 3156, 8551); None for any other part."""
    kind = headers.get_content_type()
    if kind in ("multipart/signed", "multipart/encrypted"):
        return "signed" if kind == "multipart/signed" else "encrypted"
    named = kind == "application/octet-stream" and str(headers.get_filename("")).lower() == "smime.p7m"
    if named or kind in ("application/pkcs7-mime", "application/x-pkcs7-mime"):
        return "signed" if str(headers.get_param("smime-type", "")).lower() == "signed-data" else "encrypted"
    return None


def _from_base64(data: bytes) -> bytes:
    """Decode as much as can be decoded; return the bytes as they are where that is nothing."""
    try:
        return binascii.a2b_base64(data + b"==")
    except binascii.Error:
        return data


def _codec(name: str | None) -> str:
    """Return Python's name of the character set; UTF-8 where mail is not written in the named one."""
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
    if value.count("@") > 2 * MOST_RECIPIENTS or value.count(",") > 4 * MOST_RECIPIENTS:
        raise BadMail(f"its header {name} names more than {MOST_RECIPIENTS} recipients")
    try:
        found = getaddresses([unfolded(value)])
    except RecursionError:  # comments and groups of addresses are read by recursion
        raise BadMail(f"its header {name} has comments or groups that stand too deep in each other") from None
    return [Mailbox(_words(words), email.strip()) for words, email in found if email.strip()]


def _words(value: str) -> str:
    """Decode encoded words (RFC 2047), on one line."""
    try:
        pieces = decode_header(value[:_LONGEST_WORDS])
    except (HeaderParseError, ValueError):
        return " ".join(value.split())
    decoded = (
        piece if isinstance(piece, str) else piece.decode(_codec(charset), "replace") for piece, charset in pieces
    )
    return " ".join("".join(each if each.isprintable() else " " for each in "".join(decoded)).split())
