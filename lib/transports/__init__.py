"""Ways to hand a composed message over, and what can become of that."""

from lib.transports.protocol import (
    Accepted,
    Again,
    Envelope,
    MailContent,
    Outcome,
    Paced,
    RecipientRefusal,
    Refused,
    Transport,
    Underway,
    Unknown,
)

__all__ = [
    "Accepted",
    "Again",
    "Envelope",
    "MailContent",
    "Outcome",
    "Paced",
    "RecipientRefusal",
    "Refused",
    "Transport",
    "Underway",
    "Unknown",
]
