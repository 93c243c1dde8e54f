"""Heed that sends through a provider's server, and a message that was told to go."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lib.messages import StoredMessage
from lib.outbox import LEASE
from tests.heed import Heed


@dataclass(slots=True)
class Posting:
    heed: Heed
    message: str

    async def deliver(self, **later: float) -> StoredMessage:
        """Let the outbox look at the message, that much later; what is stored of it then."""
        self.heed.clock.move(**later)
        await self.heed.services.outbox.deliver("acme", self.message)
        return await self.stored()

    async def stored(self) -> StoredMessage:
        loaded = await self.heed.services.messages.load("acme", self.message)
        assert loaded
        return loaded.message

    async def change(self, **update: Any) -> None:
        loaded = await self.heed.services.messages.load("acme", self.message)
        assert loaded
        await self.heed.services.messages.change("acme", loaded.message.model_copy(update=update), loaded.etag)

    async def die_while_submitting(self) -> None:
        """What a worker leaves behind that has written `submitting` and then died."""
        now = self.heed.clock.now()
        await self.change(state="submitting", lease_until=now + LEASE, attempts=1, tried_at=now)

    async def read(self) -> Any:
        return await self.heed.get(f"/messages/{self.message}")
