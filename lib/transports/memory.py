"""A transport that keeps what it is given: for tests, and for looking at what would go out."""

from __future__ import annotations

from collections.abc import Sequence

from lib.transports.protocol import Accepted, Again, Envelope, Outcome, Unknown


class MemoryTransport:
    """Answers each message with the next of `outcomes`; accepts when there is none left.

    Each doubt is answered with the next of `doubts`; with Unknown when there is none left.
    """

    separate_envelopes = True
    most_bytes: int | None = None

    def __init__(self, *outcomes: Outcome, doubts: Sequence[Outcome | Again] = ()) -> None:
        self.outcomes = list(outcomes)
        self.doubts = list(doubts)
        self.sent: list[Envelope] = []
        self.doubted: list[Envelope] = []
        self.discarded: list[tuple[str, str]] = []

    async def send(self, envelope: Envelope) -> Outcome:
        self.sent.append(envelope)
        return self.outcomes.pop(0) if self.outcomes else Accepted()

    async def after_doubt(self, envelope: Envelope) -> Outcome | Again:
        self.doubted.append(envelope)
        return self.doubts.pop(0) if self.doubts else Unknown("")

    async def discard(self, sender: str, key: str) -> bool:
        self.discarded.append((sender, key))
        return True

    async def close(self) -> None: ...
