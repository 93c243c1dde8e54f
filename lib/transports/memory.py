"""A transport that keeps what it is given: for tests, and for looking at what would go out."""

from __future__ import annotations

from lib.transports.protocol import Accepted, Envelope, Outcome


class MemoryTransport:
    """Answers each message with the next of `outcomes`; accepts when there is none left."""

    def __init__(self, *outcomes: Outcome) -> None:
        self.outcomes = list(outcomes)
        self.sent: list[Envelope] = []

    async def send(self, envelope: Envelope) -> Outcome:
        self.sent.append(envelope)
        return self.outcomes.pop(0) if self.outcomes else Accepted()

    async def close(self) -> None: ...
