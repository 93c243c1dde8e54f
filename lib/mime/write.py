"""Writing a mail as MIME: what goes over the wire, and nothing that a sender could smuggle into it.

`email` does the writing, but for folding (`lib.mime.headers`). A subject or a name is always data: text that looks like
an encoded word is encoded once more. The written headers are parsed back and compared, so that no header leaves that
was not asked for.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.charset import QP, Charset
from email.errors import MessageError
from email.header import decode_header, make_header
from email.message import Message as MimeMessage
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.parser import BytesHeaderParser
from email.policy import compat32
from email.utils import collapse_rfc2231_value, format_datetime, getaddresses, parseaddr
from typing import Any

from lib.mime.bodies import MailBodies
from lib.mime.headers import unfolded, write_addresses, write_content_type, write_ids, write_mailboxes, write_text
from lib.mime.parts import FilePart, Mailbox, MailHead

_WIRE = compat32.clone(linesep="\r\n")
_UTF8 = Charset("utf-8")
_UTF8.body_encoding = QP
# A name that needs neither RFC 2231 nor quoting, is decoded by no reader, and is too short to be folded at a space.
_PLAIN_NAME = re.compile(r"(?!.*=\?)[ !#-\[\]-~]{1,60}")
_ONE_CLICK = "List-Unsubscribe=One-Click"
_NO_VISIBLE_RECIPIENT = "undisclosed-recipients:;"


class ComposeError(Exception):
    """A mail that cannot be sent: it does not read back as it was meant, or something of it is missing or too large."""


@dataclass(frozen=True, slots=True)
class Composed:
    """A mail as it goes over the wire."""

    mime: bytes
    """With CRLF line ends."""
    headers: dict[str, str]
    """Each header on one line, in the order in which they stand in `mime`."""
    parts: Sequence[FilePart] = ()
    """The files in it."""


def compose(head: MailHead, html: str | None, text: str | None, parts: Sequence[FilePart] = ()) -> Composed:
    """Write a mail with an HTML part, a text part, or both, and files. Raises ComposeError."""
    bodies = MailBodies()
    root: MimeMessage[Any, Any] = _root_part(html, text, parts, bodies)
    expected: dict[str, Sequence[Mailbox]] = {
        "From": [head.sender],
        "To": head.to,
        "Cc": head.cc,
        "Reply-To": head.reply_to,
    }
    for name, pairs in expected.items():
        if pairs:
            root[name] = write_mailboxes(name, pairs)
        elif name == "To" and not head.cc:
            root[name] = _NO_VISIBLE_RECIPIENT
    root["Subject"] = write_text("Subject", head.subject)
    root["Date"] = format_datetime(head.date)
    root["Message-ID"] = write_text("Message-ID", head.message_id)
    if head.references:
        root["In-Reply-To"] = write_ids("In-Reply-To", head.references[-1:])
        root["References"] = write_ids("References", head.references)
    if head.thread_index:
        root["Thread-Index"] = head.thread_index
    if head.unsubscribe:
        root["List-Unsubscribe"] = write_addresses("List-Unsubscribe", head.unsubscribe)
        if head.one_click:
            root["List-Unsubscribe-Post"] = _ONE_CLICK
    if head.automatic:
        root["Auto-Submitted"] = "auto-generated"
        root["X-Auto-Response-Suppress"] = "All"
    mime = root.as_bytes(policy=_WIRE)  # with markers in place of bodies
    _check(mime, [*root.keys()], head, expected)
    headers = {name: re.sub(r"\s*\n\s*", " ", str(value)) for name, value in root.items()}
    return Composed(bodies.filled(mime), headers, tuple(parts))


def _root_part(html: str | None, text: str | None, parts: Sequence[FilePart], bodies: MailBodies) -> MimeMessage:
    """Return mixed(alternative(text, related(HTML, its images)), attachments), as far as there is any of it."""
    attachments = [part for part in parts if part.cid is None]
    content = _body_part(html, text, [part for part in parts if part.cid is not None], bodies)
    return _around("mixed", content, attachments, bodies)


def _body_part(html: str | None, text: str | None, images: Sequence[FilePart], bodies: MailBodies) -> MimeMessage:
    plain = _text_part(text or "", "plain", bodies)
    if html is None:
        return plain
    root = MIMEMultipart("alternative")
    root.attach(plain)
    root.attach(_around("related", _text_part(html, "html", bodies), images, bodies))
    return root


def _text_part(text: str, kind: str, bodies: MailBodies) -> MimeMessage:
    marker, encoding = bodies.text(text)
    part = MIMEText(marker, kind, _UTF8)  # type: ignore[arg-type]
    part.replace_header("Content-Transfer-Encoding", encoding)
    return part


def _around(kind: str, first: MimeMessage, files: Sequence[FilePart], bodies: MailBodies) -> MimeMessage:
    if not files:
        return first
    whole = MIMEMultipart(kind)
    if kind == "related":
        whole.set_param("type", first.get_content_type())  # RFC 2387 wants it
    whole.attach(first)
    for file in files:
        whole.attach(_file_part(file, bodies))
    return whole


def _file_part(file: FilePart, bodies: MailBodies) -> MimeMessage:
    """Return a part in base64, whatever the file is: its bytes arrive as they were. Raises ComposeError."""
    content_type = file.content_type
    if content_type.startswith(("multipart/", "message/")):
        content_type = "application/octet-stream"  # these may not be in base64 (RFC 2045, 6.4)
    plain = bool(_PLAIN_NAME.fullmatch(file.filename))
    part: MimeMessage[Any, Any] = MimeMessage(policy=compat32)
    part["Content-Type"] = write_content_type(content_type, file.filename, plain)
    part["MIME-Version"] = "1.0"
    disposed = file.filename if plain else ("UTF-8", "", file.filename)
    part.add_header("Content-Disposition", "inline" if file.cid else "attachment", filename=disposed)
    if file.cid:
        part["Content-ID"] = f"<{file.cid}>"
    _check_file_part(part, file, content_type)
    part["Content-Transfer-Encoding"] = "base64"
    part.set_payload(bodies.file(file.data))
    return part


def _check_file_part(part: MimeMessage, file: FilePart, content_type: str) -> None:
    try:
        parsed = BytesHeaderParser().parsebytes(part.as_bytes(policy=_WIRE))
        (kind, _), *parameters = parsed.get_params([("", "")])
        name = parameters.pop()[1]
    except (MessageError, IndexError):
        raise ComposeError("the name or the type of a file cannot stand in a header") from None
    disposed = parsed.get_param("filename", header="Content-Disposition")
    sound = (
        parsed.keys() == part.keys()
        and not parsed.defects
        and disposed is not None
        and collapse_rfc2231_value(disposed) == file.filename
        and _decoded(name) == file.filename
        and "/" in kind
        and "; ".join([kind, *(f"{key}={value}" for key, value in parameters)]) == content_type
        and parsed.get("Content-ID") == (f"<{file.cid}>" if file.cid else None)
    )
    if not sound:
        raise ComposeError(f"the name or the type of {file.filename} does not read back as it was meant")


def _check(mime: bytes, names: list[str], head: MailHead, expected: Mapping[str, Sequence[Mailbox]]) -> None:
    parsed = BytesHeaderParser().parsebytes(mime)
    if parsed.keys() != names or parsed["Message-ID"] != head.message_id or parsed.defects:
        raise ComposeError("the headers do not read back as they were meant")
    thread = {"In-Reply-To": head.references[-1:], "References": head.references}
    if any(str(parsed.get(name, "")).split() != [*ids] for name, ids in thread.items()):
        raise ComposeError("the Message-IDs of the thread do not read back as they were meant")
    listed = unfolded(parsed.get("List-Unsubscribe", ""))
    if [each.strip() for each in listed.split(",") if each] != [f"<{each}>" for each in head.unsubscribe]:
        raise ComposeError("List-Unsubscribe does not read back as it was meant")
    if _decoded(parsed["Subject"]) != head.subject:
        raise ComposeError("the subject does not read back as it was meant")
    for header, pairs in expected.items():
        read = getaddresses([unfolded(parsed.get(header, ""))])
        found = [(_decoded(name), address) for name, address in read if address]
        if found != [(name, parseaddr(address)[1]) for name, address in pairs]:
            raise ComposeError(f"{header} does not read back as it was meant")


def _decoded(value: object) -> str:
    return str(make_header(decode_header(unfolded(value))))
