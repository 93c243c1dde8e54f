"""What tests of messages that go out in several copies share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from lib.messages.store import Loaded
from lib.sending.tries import LEASE
from lib.transports import Accepted, Again, Envelope, Outcome, Refused, Unknown
from lib.transports.memory import MemoryTransport
from tests.support.heed import Heed

TO = ["ada@example.com", "bob@example.com", "cy@example.com"]
LATER = Refused(temporary=True, code="451", text="later")
NEVER = Refused(temporary=False, code="550", text="no such user")
DOWN = Refused(temporary=True, code="connection", text="The mail server could not be reached.")
SILENCE = Unknown("no answer")
OK = Accepted()


async def heed_with(transport: MemoryTransport, to: Sequence[str] = TO, **parts: Any) -> tuple[Heed, str]:
    """Heed that sends copies, and a message to these that was told to go."""
    heed = await Heed(transport=transport, **parts).start(mixed_recipients="split")
    message = await heed.draft(to=[{"email": email} for email in to])
    await heed.post(f"/messages/{message}/send")
    return heed, message


async def deliver(heed: Heed, message: str, **moved: float) -> Loaded:
    heed.clock.move(**moved)
    await heed.services.outbox.deliver("acme", message)
    loaded = await heed.services.messages.load("acme", message)
    assert loaded
    return loaded


async def take_over(heed: Heed, message: str) -> Loaded:
    """What another worker does when the lease of one that died has stood still for its whole time."""
    loaded = await heed.services.messages.load("acme", message)
    assert loaded
    heed.clock.move(seconds=LEASE.total_seconds())
    await heed.services.outbox.deliver("acme", message, loaded.lease_etag)
    return await deliver(heed, message)


class Dies(MemoryTransport):
    """The worker dies with the n-th mail, before or after the server has taken it."""

    def __init__(self, dies_at: int, taken: bool, *outcomes: Outcome, doubts: Sequence[Outcome | Again] = ()) -> None:
        super().__init__(*outcomes, doubts=doubts)
        self.dies_at = dies_at
        self.taken = taken

    async def send(self, envelope: Envelope) -> Outcome:
        if len(self.sent) + 1 == self.dies_at:
            self.dies_at = 0
            if self.taken:
                self.sent.append(envelope)
            raise KeyboardInterrupt
        return await super().send(envelope)


def states(loaded: Loaded) -> list[str | None]:
    return [loaded.message.state, *(copy.state for copy in loaded.copies)]


def received(transport: MemoryTransport) -> Counter[str]:
    return Counter(email for envelope in transport.sent for email in envelope.recipients)
