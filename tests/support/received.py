"""Mail that came in, as far as finding its thread goes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from lib.mime.parts import Mailbox

ADA = Mailbox("Ada", "ada@example.com")
REP = Mailbox("Rita Rep", "rep@acme.example")


@dataclass(frozen=True, slots=True)
class Inside:
    """A mail inside a mail."""

    message_id: str | None = None
    links: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class CameIn:
    """An answer of Ada's to the user rep1, which says nothing of its thread unless told to."""

    message_id: str | None = "<answer@example.com>"
    in_reply_to: Sequence[str] = ()
    references: Sequence[str] = ()
    date: datetime | None = None
    sender: Mailbox | None = ADA
    to: Sequence[Mailbox] = (REP,)
    cc: Sequence[Mailbox] = ()
    subject: str = "An answer"
    headers: Mapping[str, str] = field(default_factory=dict)
    enclosed: Inside | None = None
    links: Sequence[str] = ()
