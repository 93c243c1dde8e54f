"""Heed that sends through a provider's server, and a message that was told to go."""

from __future__ import annotations

from dataclasses import dataclass

from lib.messages.models import StoredMessage
from tests.support.heed import Heed


@dataclass(slots=True)
class Posting:
    heed: Heed
    message: str

    async def deliver(self) -> StoredMessage:
        """Let the outbox look at the message; what is stored of it then."""
        await self.heed.services.outbox.deliver("acme", self.message)
        loaded = await self.heed.services.messages.load("acme", self.message)
        assert loaded
        return loaded.message
