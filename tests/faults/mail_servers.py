"""The mail servers that take the same scripts: one in the test's own process, and Postfix."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Protocol

import pytest

from tests.faults.postfix import running_postfix, why_not
from tests.support.mail_server import MailServer

KINDS = ("aiosmtpd", "Postfix")


class ScriptedServer(Protocol):
    asked: Counter[str]
    """How many times each recipient was named."""

    mails: dict[str, bytes]
    """What it delivered, by Message-ID."""

    @property
    def settings(self) -> Mapping[str, str]:
        """How Heed finds it."""
        ...

    def will_say_of(self, recipient: str, *answers: str) -> None:
        """Add to what it says of a recipient, each time it is named; it takes it when there is nothing left to say."""
        ...

    def will(self, *answers: str) -> None:
        """Add to what it says of mails, at their end; it takes them when there is nothing left to say."""
        ...

    def will_take_and_not_say_so(self) -> None:
        """Keep the next mail, and say so never, or after some 2 s."""
        ...

    async def settle(self) -> None:
        """Wait until all that it took is delivered."""
        ...

    def times(self, recipient: str) -> int:
        """How many mails that recipient has got."""
        ...


@asynccontextmanager
async def started(
    kind: str, most_recipients: int | None = None, most_bytes: int | None = None
) -> AsyncIterator[ScriptedServer]:
    """A mail server with limits: recipients of a transaction, bytes of a mail. Skips where it is not installed."""
    if kind == "aiosmtpd":
        async with MailServer(most_recipients, data_size_limit=most_bytes) as server:
            yield server
        return
    if missing := why_not():
        pytest.skip(missing)
    limits = {"smtpd_recipient_limit": most_recipients, "message_size_limit": most_bytes}
    async with running_postfix(**{name: limit for name, limit in limits.items() if limit is not None}) as postfix:
        yield postfix
