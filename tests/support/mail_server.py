"""A real SMTP server in the test's own process, which can be told to misbehave.

What it says of a recipient, of a whole mail, and on a connection follows scripts; what it took is counted by recipient.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email import message_from_bytes
from types import TracebackType
from typing import Any, Self

from aiosmtpd.smtp import SMTP

TOO_MANY = "452 4.5.3 Too many recipients"


@dataclass(frozen=True, slots=True)
class Answers:
    """What the server says of a mail, or of a recipient, once `when` has happened. It takes what it says 250 to."""

    text: str = "250 OK"
    when: asyncio.Event | None = None


@dataclass(frozen=True, slots=True)
class TakesAndDrops:
    """The server keeps the mail and cuts the line before it says so."""


@dataclass(frozen=True, slots=True)
class TakesAndIsSilent:
    """The server keeps the mail and never says so."""


@dataclass(frozen=True, slots=True)
class Drops:
    """The server cuts the line and has taken nothing."""


@dataclass(frozen=True, slots=True)
class IsSilent:
    """The server never answers and has taken nothing."""


Behaviour = Answers | TakesAndDrops | TakesAndIsSilent | Drops | IsSilent


@dataclass(slots=True)
class _Session:
    """A connection: how many mails it has brought, and whether the server has fallen silent on it."""

    server: Any
    mails: int = 0
    silent: bool = False


class Received:
    """Which mails somebody was brought, and how often."""

    def __init__(self) -> None:
        self.received: Counter[str] = Counter()
        """How many times each Message-ID has come in."""
        self.received_by: Counter[tuple[str, str]] = Counter()
        """How many times each recipient has got each Message-ID."""
        self.mails: dict[str, bytes] = {}
        """The mail of each Message-ID."""

    def keep(self, mime: bytes, recipients: list[str]) -> None:
        message_id = str(message_from_bytes(mime)["Message-ID"])
        self.received[message_id] += 1
        self.received_by.update((message_id, recipient) for recipient in recipients)
        self.mails[message_id] = mime

    def times(self, recipient: str) -> int:
        """How many mails that recipient has got."""
        return sum(count for (_, each), count in self.received_by.items() if each == recipient)


class MailServer(Received):
    """Answers each mail, and each recipient, with the next of its script; takes it when there is none left."""

    def __init__(self, most_recipients: int | None = None, **options: Any) -> None:
        """`most_recipients` of one transaction are taken; `options` are aiosmtpd's."""
        super().__init__()
        self.most_recipients = most_recipients
        self.rule: Callable[[str], str | None] = lambda recipient: None
        """What is said of a recipient for whom there is no script; None to take it. It may look at a clock."""
        self.rcpt_seconds = 0.0
        """How long an answer to RCPT takes."""
        self.most_mails: int | None = None
        """Mails of one connection; then MAIL is answered with `enough`."""
        self.enough = "451 4.4.2 Timeout waiting for data from client"
        self.tries = 0
        """How many mails were brought to their end."""
        self.asked: Counter[str] = Counter()
        """How many times each recipient was named."""
        self.connections = 0
        self.transactions: list[int] = []
        """How many recipients each mail that was brought to its end had."""
        self.greetings: list[str] = []
        """The names in EHLO."""
        self.port = 0
        self._options = {"hostname": "mail.test", "enable_SMTPUTF8": True, **options}
        self._script: deque[Behaviour] = deque()
        self._recipients: defaultdict[str, deque[Behaviour]] = defaultdict(deque)
        self._sessions: dict[Any, _Session] = {}
        self._a_mail_has_come = asyncio.Event()
        self._news = asyncio.Condition()

    def will(self, *behaviours: Behaviour | str) -> None:
        """Add to what it says of mails, at their end."""
        self._script += map(_behaviour, behaviours)

    def will_take_and_not_say_so(self) -> None:
        self.will(TakesAndIsSilent())

    def will_say_of(self, recipient: str, *behaviours: Behaviour | str) -> None:
        """Add to what it says of a recipient, each time it is named."""
        self._recipients[recipient] += map(_behaviour, behaviours)

    def fall_silent(self) -> None:
        """Answer nothing any more on the connections that there are; new ones work."""
        for session in self._sessions.values():
            session.silent = True

    def hang_up(self) -> None:
        """Cut the connections that there are."""
        for session in self._sessions.values():
            session.server.transport.abort()

    async def settle(self) -> None:
        """It has delivered what it took as soon as it says so."""

    def will_wait_for(self, event: asyncio.Event, mails: int) -> None:
        """Say of so many mails that they are taken once that has happened."""
        self.will(*[Answers(when=event)] * mails)

    async def have_come(self) -> None:
        """Wait until the first mail has come."""
        await self._a_mail_has_come.wait()

    async def has_mails(self, count: int) -> None:
        """Wait until so many mails were brought to their end."""
        async with self._news:
            await self._news.wait_for(lambda: self.tries >= count)

    async def is_asked(self) -> None:
        """Wait until the first recipient is named."""
        async with self._news:
            await self._news.wait_for(lambda: bool(self.asked))

    async def start(self) -> None:
        """Listen on a free port; once more, on the same one."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: SMTP(self, loop=loop, **self._options), "127.0.0.1", self.port, backlog=500
        )
        self.port = self._server.sockets[0].getsockname()[1]

    def stop(self) -> None:
        """Cut all connections, and take no new ones."""
        self._server.close()
        self.hang_up()

    @property
    def settings(self) -> Mapping[str, str]:
        """How Heed finds it."""
        return {"HEED_SMTP_HOST": "127.0.0.1", "HEED_SMTP_PORT": str(self.port), "HEED_SMTP_SECURITY": "none"}

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()

    async def handle_EHLO(
        self, server: Any, session: Any, envelope: Any, hostname: str, responses: list[str]
    ) -> list[str]:
        self.connections += 1
        self.greetings.append(hostname)
        session.host_name = hostname
        self._sessions[session] = _Session(server)
        return responses

    async def handle_RSET(self, server: Any, session: Any, envelope: Any) -> str:
        await self._speak(session)
        return "250 OK"

    async def handle_MAIL(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        known = await self._speak(session)
        if known and self.most_mails is not None and known.mails >= self.most_mails:
            return self.enough
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        await self._speak(session)
        self.asked[address] += 1
        await self._tell()
        await asyncio.sleep(self.rcpt_seconds)
        if self.most_recipients is not None and len(envelope.rcpt_tos) >= self.most_recipients:
            return TOO_MANY
        script = self._recipients[address]
        said = await _carried_out(script.popleft() if script else Answers(self.rule(address) or "250 OK"), server)
        if said.startswith("250"):
            envelope.rcpt_tos.append(address)
        return said

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        behaviour = self._script.popleft() if self._script else Answers()
        if known := self._sessions.get(session):
            known.mails += 1
        self.tries += 1
        self.transactions.append(len(envelope.rcpt_tos))
        self._a_mail_has_come.set()
        await self._tell()
        if isinstance(behaviour, TakesAndDrops | TakesAndIsSilent) or _takes(behaviour):
            self.keep(envelope.content, envelope.rcpt_tos)
        return await _carried_out(behaviour, server)

    async def _tell(self) -> None:
        async with self._news:
            self._news.notify_all()

    async def _speak(self, session: Any) -> _Session | None:
        known = self._sessions.get(session)
        if known and known.silent:
            await asyncio.Event().wait()
        return known


def _behaviour(given: Behaviour | str) -> Behaviour:
    return Answers(given) if isinstance(given, str) else given


def _takes(behaviour: Behaviour) -> bool:
    return isinstance(behaviour, Answers) and behaviour.text.startswith("250")


async def _carried_out(behaviour: Behaviour, server: Any) -> str:
    if isinstance(behaviour, Answers):
        if behaviour.when:
            await behaviour.when.wait()
        return behaviour.text
    if isinstance(behaviour, IsSilent | TakesAndIsSilent):
        await asyncio.Event().wait()
    server.transport.abort()
    return "421 closing"
