"""Reading of one inbound mail as a job for another process: what it says, its kind, and its writer's own words."""

from __future__ import annotations

from dataclasses import dataclass

from lib.inbound.classification import Classification
from lib.inbound.excerpts import excerpt
from lib.inbound.kinds import classify
from lib.inbound.wording import readable_text
from lib.mime.received import ReceivedMail, read_received


@dataclass(frozen=True, slots=True)
class InboundMail:
    """A mail that was read."""

    mail: ReceivedMail
    classification: Classification
    excerpt: str


def read_inbound(raw: bytes) -> InboundMail:
    """Read a mail. Raises BadMail, whose text says what is wrong with it."""
    mail = read_received(raw)
    return InboundMail(mail, classify(mail), excerpt(readable_text(mail)))
