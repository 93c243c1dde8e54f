"""Reading a mail that came in, within limits: its writer may mean harm, and its program may be thirty years old.

What is odd is read as far as it goes: a byte order mark or an mbox line before the headers, lines that end in CR, raw
8-bit headers, NUL bytes, a boundary that is nowhere. Only a mail that is none, or goes beyond a limit, is refused.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.message import Message
from typing import NamedTuple

from lib.mime.enclosed import EnclosedMail, enclosed_in_text, enclosed_mail, mailboxes_of, token_links
from lib.mime.flowed import unflow
from lib.mime.header_values import date_in, header_text, message_ids_in
from lib.mime.limits import LARGEST_HTML, LARGEST_TEXT
from lib.mime.parts import Mailbox
from lib.mime.reader import BadMail, Leaf, MailLimits, MailTooLarge, PartReader, decode_leaf, first_value, parameter
from lib.mime.reports import Report, joined, read_report, report_in_text, report_kind

MOST_BYTES = 25_000_000
LIMITS = MailLimits(parts=500, depth=30, header_lines=1_000, longest_header=64_000)
_MOST_IDS = 100
_MOST_MAILBOXES = 1_000
_LONGEST_KEPT_HEADER = 1_000
_LONGEST_NAME = 200
_FIRST_LINES = 1_000
"""Bytes in which line ends are looked at: some gateways end each line in CR CR LF."""

_LARGEST_REPORT = 500_000
_NEEDS_ONE_OF = (
    "from", "to", "subject", "date", "message-id", "received", "return-path", "sender", "mime-version", "content-type",
)  # fmt: skip
_KEPT_HEADERS = (
    "from", "sender", "auto-submitted", "precedence", "x-autoreply", "x-autorespond", "x-autoresponder",
    "x-auto-response-suppress", "x-auto-reply-from", "x-mail-autoreply", "x-failed-recipients",
    "x-ms-exchange-generated-message-source", "x-ms-exchange-message-is-ndr", "x-ms-exchange-inbox-rules-loop",
    "delivered-to", "x-original-to", "resent-from", "list-id", "list-unsubscribe", "thread-index", "thread-topic",
    "x-original-message-id", "x-microsoft-original-message-id", "x-google-original-message-id", "x-heed-message",
    "x-mailer",
)  # fmt: skip
_ENCLOSED_TYPES = ("message/rfc822", "message/global", "message/rfc822-headers", "message/global-headers")
_ENCLOSED_HEADERS = ("text/rfc822-headers", "message/partial")
_DAEMON = re.compile(r"mailer-daemon|postmaster|mail.delivery.s", re.IGNORECASE)
_WINMAIL = ("application/ms-tnef", "application/vnd.ms-tnef")


class MailPart(NamedTuple):
    """A part of the mail that is not its own text, such as an attachment."""

    content_type: str
    filename: str
    """As the mail names it, on one line; empty where it has no name. Not fit for a path."""
    size: int
    """Bytes, decoded; of base64 about."""


@dataclass(frozen=True, slots=True)
class ReceivedMail:
    """A mail as far as it can be read. Ids have angle brackets, times are in UTC."""

    message_id: str | None
    in_reply_to: tuple[str, ...]
    references: tuple[str, ...]
    """From the oldest to the newest; of more than 100 the first and the last ones."""
    date: datetime | None
    sender: Mailbox | None
    reply_to: tuple[Mailbox, ...]
    return_path: str | None
    """The envelope's sender; empty for the null sender of automatic mail; None where no header tells it."""
    to: tuple[Mailbox, ...]
    """At most 1,000, and as many in `cc`."""
    cc: tuple[Mailbox, ...]
    subject: str
    text: str | None
    """The first text that is not blank, with its paragraphs whole (`format=flowed`); at most 1 MB."""
    html: str | None
    """The first HTML; at most 2 MB."""
    headers: Mapping[str, str]
    """The headers by which kinds and threads are told, by their names in lower case."""
    content_type: str
    parts: tuple[MailPart, ...]
    report: Report | None = None
    enclosed: EnclosedMail | None = None
    """The mail inside this one: the returned one of a bounce, else the first one that is forwarded as a file."""
    calendar_method: str | None = None
    """The method of a calendar part in upper case, such as `REPLY` (RFC 5546)."""
    has_winmail: bool = False
    """Whether a `winmail.dat` of Outlook hides the formatted text and the files."""
    links: tuple[str, ...] = ()
    """Addresses in its texts that look like links with a token of ours: quoted mail brings them back."""

    def header(self, name: str) -> str:
        """Return a header that is kept, whatever the case of its name; empty where it is missing."""
        return self.headers.get(name.lower(), "")


@dataclass(slots=True)
class _Contents:
    """Contents of a mail's leaves."""

    text: str | None = None
    html: str | None = None
    parts: list[MailPart] = field(default_factory=list)
    report: Report | None = None
    enclosed: EnclosedMail | None = None
    calendar_method: str | None = None
    has_winmail: bool = False


def read_received(raw: bytes) -> ReceivedMail:
    """Read a mail. Raises BadMail. It takes up to a second: not for the event loop."""
    if len(raw) > MOST_BYTES:
        raise MailTooLarge(f"it has {len(raw):,} bytes; at most {MOST_BYTES:,} are taken")
    raw = tidied(raw)
    if not raw:
        raise BadMail("it is empty")
    reader = PartReader(raw, LIMITS)
    leaves = reader.leaves()
    root = reader.root
    names = {name.lower() for name in root}
    if not names.intersection(_NEEDS_ONE_OF):
        raise BadMail("it has none of the headers of a mail")
    contents = _read_leaves(reader, leaves)
    if contents.report is None:
        contents.report = report_in_text(contents.text or "")
    return _received(root, contents)


def _received(root: Message, contents: _Contents) -> ReceivedMail:
    ids = message_ids_in(first_value(root, "Message-ID"), 1)
    enclosed = contents.enclosed
    if enclosed is None and (contents.report is not None or _is_null(_return_path(root)) or _is_daemon(root)):
        enclosed = enclosed_in_text(contents.text or "")
    return ReceivedMail(
        message_id=ids[0] if ids else None,
        in_reply_to=tuple(message_ids_in(first_value(root, "In-Reply-To"), _MOST_IDS)),
        references=tuple(message_ids_in(first_value(root, "References"), _MOST_IDS)),
        date=date_in(first_value(root, "Date")),
        sender=_writer(root),
        reply_to=mailboxes_of(root, "Reply-To"),
        return_path=_return_path(root),
        to=mailboxes_of(root, "To", _MOST_MAILBOXES),
        cc=mailboxes_of(root, "Cc", _MOST_MAILBOXES),
        subject=header_text(first_value(root, "Subject")),
        text=contents.text,
        html=contents.html,
        headers=_kept_headers(root),
        content_type=root.get_content_type(),
        parts=tuple(contents.parts),
        report=contents.report,
        enclosed=enclosed,
        calendar_method=contents.calendar_method,
        has_winmail=contents.has_winmail,
        links=token_links(contents.html, contents.text),
    )


def _writer(root: Message) -> Mailbox | None:
    """Return who wrote the mail.

    A list that may not send in its writers' names puts its own address into From. Google Groups and Sympa then keep the
    writer in X-Original-From, Mailman in Reply-To: https://wiki.list.org/DEV/DMARC.
    """
    senders = mailboxes_of(root, "From") or mailboxes_of(root, "Sender")
    if not senders or "List-Id" not in root:
        return senders[0] if senders else None
    own = senders[0].email.lower()
    others = [each for each in mailboxes_of(root, "Reply-To") if each.email.lower() != own]
    addressed = {each.email.lower() for name in ("To", "Cc") for each in mailboxes_of(root, name, _MOST_MAILBOXES)}
    munged = others if own in addressed and len(others) == 1 else []
    return (*mailboxes_of(root, "X-Original-From", 1), *munged, *senders)[0]


def tidied(raw: bytes) -> bytes:
    """Return a mail without what stands before its headers, and with line ends that end in LF."""
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raw = raw.decode("utf-16", "replace").encode()
    raw = raw.removeprefix(codecs.BOM_UTF8).lstrip(b"\r\n")
    if b"\n" not in raw:
        raw = raw.replace(b"\r", b"\n")
    if b"\r\r\n" in raw[:_FIRST_LINES]:
        raw = raw.replace(b"\r\r\n", b"\r\n")
    while raw.startswith((b"From ", b">From ")):
        raw = raw.partition(b"\n")[2]
    return raw


def _read_leaves(reader: PartReader, leaves: list[Leaf]) -> _Contents:
    contents = _Contents()
    for leaf in leaves:
        kind = leaf.headers.get_content_type()
        is_file = leaf.headers.get_content_disposition() == "attachment"
        if kind.startswith("multipart/"):
            kind = "text/plain"  # its boundary is nowhere: it is read as it stands
        if kind == "text/plain" and not is_file and not (contents.text or "").strip():
            contents.text = _text(reader, leaf)
        elif kind == "text/html" and not is_file and not (contents.html or "").strip():
            contents.html = _decoded(reader, leaf, LARGEST_HTML)
        else:
            _read_other(reader, leaf, kind, contents)
    return contents


def _read_other(reader: PartReader, leaf: Leaf, kind: str, contents: _Contents) -> None:
    filename = _filename(leaf.headers)
    contents.parts.append(MailPart(kind, filename, reader.size(leaf)))
    report = report_kind(kind)
    if report is not None:
        found = read_report(report, _decoded(reader, leaf, _LARGEST_REPORT))
        if contents.report is None:
            contents.report = found
        elif contents.report.kind is report:
            contents.report = joined(contents.report, found)
    elif kind in (*_ENCLOSED_TYPES, *_ENCLOSED_HEADERS) and contents.enclosed is None:
        contents.enclosed = _enclosed(reader, leaf)
    elif kind == "text/calendar" and contents.calendar_method is None:
        contents.calendar_method = _calendar_method(reader, leaf)
    elif kind in _WINMAIL or filename.lower() == "winmail.dat":
        contents.has_winmail = True


def _enclosed(reader: PartReader, leaf: Leaf) -> EnclosedMail | None:
    """Read the mail in a leaf. A transfer encoding, which RFC 2046 forbids there, makes it a mail of its own."""
    data = reader.decoded(leaf)
    own = PartReader(tidied(data), LIMITS)
    leaves = own.leaves()
    texts = [
        _decoded(own, each, LARGEST_TEXT)
        for each in leaves
        if each.headers.get_content_type() in ("text/html", "text/plain")
    ][:2]
    return enclosed_mail(own.root, *texts)


def _text(reader: PartReader, leaf: Leaf) -> str:
    text = _decoded(reader, leaf, LARGEST_TEXT)
    if (parameter(leaf.headers, "format") or "").lower() == "flowed":
        return unflow(text, (parameter(leaf.headers, "delsp") or "").lower() == "yes")
    return text


def _decoded(reader: PartReader, leaf: Leaf, most: int) -> str:
    text = decode_leaf(reader.decoded(leaf, most), leaf.headers)
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "")


def _calendar_method(reader: PartReader, leaf: Leaf) -> str | None:
    method = parameter(leaf.headers, "method")
    if not method:
        lines = _decoded(reader, leaf, _LARGEST_REPORT).splitlines()
        method = next((line[7:] for line in lines if line[:7].upper() == "METHOD:"), None)
    return method.strip().upper()[:40] if method else None


def _filename(headers: Message) -> str:
    name = parameter(headers, "filename", "content-disposition") or parameter(headers, "name") or ""
    return header_text(name)[:_LONGEST_NAME]


def _return_path(root: Message) -> str | None:
    if "return-path" not in root:
        return None
    found = mailboxes_of(root, "Return-Path", 1)
    return found[0].email if found else ""


def _is_null(return_path: str | None) -> bool:
    return return_path == ""


def _is_daemon(root: Message) -> bool:
    """Tell whether a mail server's own name wrote it: then its text may hold a copy of the mail it returns."""
    return bool(_DAEMON.search(first_value(root, "From")))


def _kept_headers(root: Message) -> dict[str, str]:
    return {name: header_text(first_value(root, name))[:_LONGEST_KEPT_HEADER] for name in _KEPT_HEADERS if name in root}
