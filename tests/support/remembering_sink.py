"""A sink of inbound mail that remembers what it was given."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from email import message_from_bytes

from lib.inbound.origin import Origin


@dataclass(slots=True)
class RememberingSink:
    """`kept` and `refused` are in the order in which they came; `failures` are raised first, one for each mail."""

    kept: list[tuple[str, str, Origin]] = field(default_factory=list)
    """(organization, subject, origin)"""
    raw: list[bytes] = field(default_factory=list)
    refused: list[tuple[bytes, Origin, str]] = field(default_factory=list)
    """(headers, origin, reason)"""
    failures: list[Exception] = field(default_factory=list)
    seconds: float = 0.0
    """How long it takes over each mail."""

    async def keep_mail(self, organization: str, raw: bytes, origin: Origin) -> None:
        await asyncio.sleep(self.seconds)
        if self.failures:
            raise self.failures.pop(0)
        self.kept.append((organization, str(message_from_bytes(raw)["Subject"]), origin))
        self.raw.append(raw)

    async def refuse_mail(self, organization: str, headers: bytes, origin: Origin, reason: str) -> None:
        self.refused.append((headers, origin, reason))

    @property
    def subjects(self) -> list[str]:
        return [subject for _, subject, _ in self.kept]
