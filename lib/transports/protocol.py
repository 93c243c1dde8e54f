"""What a transport promises: an outcome, always, and never a guess."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Envelope:
    """`recipients` are all of To, Cc and Bcc that this copy is for."""

    sender: str
    recipients: tuple[str, ...]
    mime: bytes


@dataclass(frozen=True, slots=True)
class Accepted:
    """The provider has it. `refused` are recipients that it did not take, with the reason's code."""

    refused: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Refused:
    """The provider certainly has not taken it; `temporary` when a later try may go better. `text` holds no address."""

    temporary: bool
    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """The message was on the wire when the line went dead: it may have been taken."""

    text: str


Outcome = Accepted | Refused | Unknown


class Transport(Protocol):
    async def send(self, envelope: Envelope) -> Outcome:
        """Raises nothing."""
        ...

    async def close(self) -> None: ...
