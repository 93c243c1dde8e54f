"""Ways to hand a composed message over, and what can become of that."""

from lib.transports.protocol import (
    Accepted,
    Again,
    Content,
    Envelope,
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
    "Content",
    "Envelope",
    "Outcome",
    "Paced",
    "RecipientRefusal",
    "Refused",
    "Transport",
    "Underway",
    "Unknown",
]
