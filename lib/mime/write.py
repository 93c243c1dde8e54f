"""A message as MIME: what goes over the wire, and nothing that a sender could smuggle into it.

`email` does the writing, but for folding (`lib.mime.headers`). A subject or a name is always data: what looks like an
encoded word is encoded once more, and what was written is parsed back and compared, so that a header that nobody asked
for cannot leave.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.charset import QP, Charset
from email.errors import MessageError
from email.header import decode_header, make_header
from email.message import Message as MimeMessage
from email.mime.base import MIMEBase
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.parser import BytesHeaderParser
from email.policy import compat32
from email.utils import collapse_rfc2231_value, format_datetime, getaddresses, parseaddr
from typing import Any

from lib.messages.models import Body, MessageFields, Recipient
from lib.mime.bodies import MailBodies
from lib.mime.headers import unfolded, write_mailboxes, write_text
from lib.people.users import StoredUser

_WIRE = compat32.clone(linesep="\r\n")
_UTF8 = Charset("utf-8")
_UTF8.body_encoding = QP
# What needs neither RFC 2231 nor quoting, is not decoded by any reader, and is too short to be folded at a space.
_PLAIN_NAME = re.compile(r"(?!.*=\?)[ !#-\[\]-~]{1,60}")
_NO_VISIBLE_RECIPIENT = "undisclosed-recipients:;"


class ComposeError(Exception):
    """What was written does not read back as what was meant: it is not sent."""


@dataclass(frozen=True, slots=True)
class Part:
    """A file that travels in the mail: with a `cid` (RFC 2392) an image that the HTML shows, else an attachment."""

    filename: str
    content_type: str
    data: bytes
    cid: str | None = None


@dataclass(frozen=True, slots=True)
class Composed:
    """`headers` in the order in which they stand in `mime`. `parts` are the files in it."""

    mime: bytes
    headers: dict[str, str]
    parts: Sequence[Part] = ()


def compose(
    message: MessageFields,
    body: Body,
    sender: StoredUser,
    message_id: str,
    date: datetime,
    parts: Sequence[Part] = (),
) -> Composed:
    """The message as bytes with CRLF line ends. Bcc is the envelope's alone. Raises ComposeError."""
    bodies = MailBodies()
    root: MimeMessage[Any, Any] = _root_part(body, parts, bodies)
    expected = {
        "From": [(sender.name, sender.email)],
        "To": _pairs(message.to),
        "Cc": _pairs(message.cc),
    }
    for name, pairs in expected.items():
        if pairs:
            root[name] = write_mailboxes(name, pairs)
        elif name == "To" and not message.cc:
            root[name] = _NO_VISIBLE_RECIPIENT
    root["Subject"] = write_text("Subject", message.subject)
    root["Date"] = format_datetime(date)
    root["Message-ID"] = write_text("Message-ID", message_id)
    mime = root.as_bytes(policy=_WIRE)  # with markers in place of bodies
    _check(mime, [*root.keys()], message.subject, expected, message_id)
    headers = {name: re.sub(r"\s*\n\s*", " ", str(value)) for name, value in root.items()}
    return Composed(bodies.filled(mime), headers, tuple(parts))


def _root_part(body: Body, parts: Sequence[Part], bodies: MailBodies) -> MimeMessage:
    """mixed(alternative(text, related(HTML, its images)), attachments), as far as there is any of it."""
    attachments = [part for part in parts if part.cid is None]
    content = _body_part(body, [part for part in parts if part.cid is not None], bodies)
    return _around("mixed", content, attachments, bodies)


def _body_part(body: Body, images: Sequence[Part], bodies: MailBodies) -> MimeMessage:
    text = _text_part(body.text or "", "plain", bodies)
    if body.html is None:
        return text
    root = MIMEMultipart("alternative")
    root.attach(text)
    root.attach(_around("related", _text_part(body.html, "html", bodies), images, bodies))
    return root


def _text_part(text: str, kind: str, bodies: MailBodies) -> MimeMessage:
    marker, encoding = bodies.text(text)
    part = MIMEText(marker, kind, _UTF8)  # type: ignore[arg-type]
    part.replace_header("Content-Transfer-Encoding", encoding)
    return part


def _around(kind: str, first: MimeMessage, files: Sequence[Part], bodies: MailBodies) -> MimeMessage:
    if not files:
        return first
    whole = MIMEMultipart(kind)
    if kind == "related":
        whole.set_param("type", first.get_content_type())  # RFC 2387 wants it
    whole.attach(first)
    for file in files:
        whole.attach(_file_part(file, bodies))
    return whole


def _file_part(file: Part, bodies: MailBodies) -> MimeMessage:
    """In base64, whatever it is: its bytes arrive as they were. Raises ComposeError."""
    main, _, sub = file.content_type.partition("/")
    if main in ("multipart", "message"):
        main, sub = "application", "octet-stream"  # these may not be in base64 (RFC 2045, 6.4)
    part = MIMEBase(main, sub)
    name = file.filename if _PLAIN_NAME.fullmatch(file.filename) else ("utf-8", "", file.filename)
    part.add_header("Content-Disposition", "inline" if file.cid else "attachment", filename=name)
    if file.cid:
        part["Content-ID"] = f"<{file.cid}>"
    _check_file_part(part, file, f"{main}/{sub}")
    part["Content-Transfer-Encoding"] = "base64"
    part.set_payload(bodies.file(file.data))
    return part


def _check_file_part(part: MimeMessage, file: Part, content_type: str) -> None:
    try:
        parsed = BytesHeaderParser().parsebytes(part.as_bytes(policy=_WIRE))
    except MessageError:
        raise ComposeError("the name or the type of a file cannot stand in a header") from None
    name = parsed.get_param("filename", header="Content-Disposition")
    sound = (
        parsed.keys() == part.keys()
        and not parsed.defects
        and name is not None
        and collapse_rfc2231_value(name) == file.filename
        and parsed.get_content_type() == content_type
        and parsed.get("Content-ID") == (f"<{file.cid}>" if file.cid else None)
    )
    if not sound:
        raise ComposeError(f"the name or the type of {file.filename} does not read back as it was meant")


def _pairs(recipients: Sequence[Recipient]) -> list[tuple[str, str]]:
    return [(recipient.name, recipient.email) for recipient in recipients]


def _check(
    mime: bytes, names: list[str], subject: str, expected: dict[str, list[tuple[str, str]]], message_id: str
) -> None:
    parsed = BytesHeaderParser().parsebytes(mime)
    if parsed.keys() != names or parsed["Message-ID"] != message_id or parsed.defects:
        raise ComposeError("the headers do not read back as they were meant")
    if _decoded(parsed["Subject"]) != subject:
        raise ComposeError("the subject does not read back as it was meant")
    for header, pairs in expected.items():
        read = getaddresses([unfolded(parsed.get(header, ""))])
        found = [(_decoded(name), address) for name, address in read if address]
        if found != [(name, parseaddr(address)[1]) for name, address in pairs]:
            raise ComposeError(f"{header} does not read back as it was meant")


def _decoded(value: object) -> str:
    return str(make_header(decode_header(unfolded(value))))
