"""A real SMTP server in the test's own process, which can be told to misbehave."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass
from email import message_from_bytes
from types import TracebackType
from typing import Any, Self

from aiosmtpd.smtp import SMTP


@dataclass(frozen=True, slots=True)
class Answers:
    """What the server says of a mail, once `when` has happened. It keeps the mail if it says 250."""

    text: str = "250 OK"
    when: asyncio.Event | None = None


@dataclass(frozen=True, slots=True)
class TakesAndDrops:
    """The server keeps the mail and cuts the line before it says so."""


class MailServer:
    """Answers each mail with the next of its script; takes it when there is none left."""

    def __init__(self) -> None:
        self.received: Counter[str] = Counter()
        """How many times each Message-ID has come in."""
        self.received_by: Counter[tuple[str, str]] = Counter()
        """How many times each recipient has got each Message-ID."""
        self.mails: dict[str, bytes] = {}
        """The mail of each Message-ID."""
        self.tries = 0
        self.port = 0
        self._script: deque[Answers | TakesAndDrops] = deque()
        self._a_mail_has_come = asyncio.Event()

    def will(self, *behaviours: Answers | TakesAndDrops) -> None:
        self._script.extend(behaviours)

    async def have_come(self) -> None:
        """Wait until the first mail has come."""
        await self._a_mail_has_come.wait()

    @property
    def settings(self) -> Mapping[str, str]:
        """How Heed finds it."""
        return {"HEED_SMTP_HOST": "127.0.0.1", "HEED_SMTP_PORT": str(self.port), "HEED_SMTP_SECURITY": "none"}

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: SMTP(self, hostname="mail.test", loop=loop, enable_SMTPUTF8=True), "127.0.0.1", 0, backlog=500
        )
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        behaviour = self._script.popleft() if self._script else Answers()
        self.tries += 1
        self._a_mail_has_come.set()
        if isinstance(behaviour, TakesAndDrops):
            self._keep(envelope)
            server.transport.abort()
            return "250 OK"
        if behaviour.text.startswith("250"):
            self._keep(envelope)
        if behaviour.when:
            await behaviour.when.wait()
        return behaviour.text

    def _keep(self, envelope: Any) -> None:
        mime = envelope.content
        message_id = str(message_from_bytes(mime)["Message-ID"])
        self.received[message_id] += 1
        self.received_by.update((message_id, recipient) for recipient in envelope.rcpt_tos)
        self.mails[message_id] = mime
