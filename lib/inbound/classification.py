"""The types that say what an inbound mail is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class MailKind(StrEnum):
    """Kind of an inbound mail. Classification calls every person's mail a reply; correlation tells the rest apart."""

    REPLY = "reply"
    AUTO_REPLY = "auto_reply"
    BOUNCE = "bounce"
    COMPLAINT = "complaint"
    CALENDAR_ANSWER = "calendar_answer"
    READ_RECEIPT = "read_receipt"
    FORWARD = "forward"
    NEW = "new"


@dataclass(frozen=True, slots=True)
class FailedRecipient:
    """One recipient whom a mail did not reach."""

    email: str
    """Empty where the bounce does not tell."""
    hard: bool
    """Whether another try is useless: 5.x.x is hard; 4.x.x and `delayed` are soft (RFC 3463, 3464)."""
    code: str | None
    """An enhanced status code such as `5.1.1`, else an SMTP code such as `550`."""
    text: str
    """The words of the server that refused, on one line of at most 500 characters."""
    others: tuple[str, ...] = ()
    """Other spellings of the address in the bounce: which one the message has is for the message to say."""


@dataclass(frozen=True, slots=True)
class Classification:
    """The kind of a mail, and what follows from it."""

    kind: MailKind
    because: str
    """A sentence."""
    failures: tuple[FailedRecipient, ...] = ()
    back_at: datetime | None = None
    """The day on which the writer of an auto-reply is back, at 0:00 UTC, where the mail names one."""
