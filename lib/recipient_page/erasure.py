"""The erasure of what is recorded about an address, as the recipient's page needs it."""

from __future__ import annotations

from typing import Protocol


class Erasure(Protocol):
    """Starts erasures, which go on after the answer."""

    async def start_erasure(self, organization: str, email: str, by: str) -> str:
        """Have everything about the address erased; return the id of the job. Raises StorageError, Stale."""
        ...
