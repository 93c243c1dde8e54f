"""The erasure of what is recorded about an address, as the recipient's page needs it."""

from __future__ import annotations

from typing import Literal, Protocol


class BegunJob(Protocol):
    """A job that goes on after the answer."""

    id: str
    """The number by which the organization finds the job."""


class Erasure(Protocol):
    """Begins erasures."""

    async def begin_job(self, organization: str, kind: Literal["erase"], email: str) -> BegunJob:
        """Have all that is recorded about the address erased; return the job. Raises StorageError, Stale."""
        ...
