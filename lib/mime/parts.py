"""The plain values that a mail is made of: mailboxes, the values of its headers, and the files in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple


class Mailbox(NamedTuple):
    """A name as headers show it, which may be empty, and an address (RFC 5322, 3.4)."""

    name: str
    email: str


@dataclass(frozen=True, slots=True)
class MailHead:
    """The values of a mail's own headers. Bcc is missing: it belongs to the envelope alone."""

    sender: Mailbox
    subject: str
    message_id: str
    """With its angle brackets."""
    date: datetime
    to: Sequence[Mailbox] = ()
    cc: Sequence[Mailbox] = ()
    reply_to: Sequence[Mailbox] = ()
    references: Sequence[str] = ()
    """Message-IDs of the thread before this mail, oldest first. The last one is also In-Reply-To."""
    thread_index: str = ""
    """The header Thread-Index; none where it is empty."""
    unsubscribe: Sequence[str] = ()
    """Addresses (https or mailto) of the header List-Unsubscribe (RFC 2369); none where there is none."""
    one_click: bool = False
    """Whether the first of these addresses takes the POST of RFC 8058."""
    automatic: bool = False
    """Whether no person has written it, so that no auto-reply is to answer it (RFC 3834)."""


@dataclass(frozen=True, slots=True)
class FilePart:
    """A file that travels in the mail: an image that the HTML shows, or an attachment."""

    filename: str
    content_type: str
    """With its parameters, such as `text/calendar; method=REQUEST; charset=utf-8`; none of them is quoted."""
    data: bytes
    cid: str | None = None
    """The Content-ID of an image, without angle brackets (RFC 2392); None for an attachment."""

    @property
    def media_type(self) -> str:
        """The content type without its parameters."""
        return self.content_type.partition(";")[0]
