"""What a host gives to Heed: a message of a queue, a timer's tick, a request. Plain data, so that it can be pickled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lib.inbound.origin import Origin
from tests.support.heed import GMAIL, Heed, InvocationError


@dataclass(frozen=True, slots=True)
class Message:
    queue: str
    body: str


@dataclass(frozen=True, slots=True)
class Tick:
    timer: str


@dataclass(frozen=True, slots=True)
class Request:
    """A call of acme's."""

    method: str
    path: str
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Visit:
    """A recipient's mail service asks for one of our URLs."""

    path: str


@dataclass(frozen=True, slots=True)
class Arrival:
    """A poll finds a mail in the INBOX of that mailbox of rep1's."""

    raw: bytes
    mailbox: str


Job = Message | Tick | Request | Visit | Arrival

TIMERS = ("sweep_due", "remind", "sweep_journal")


@dataclass(slots=True)
class HostedHeed(Heed):
    """Heed as a host drives it, over whatever storage."""

    async def carry_out(self, job: Job) -> bool:
        """False when it failed, so that the host, or the client, comes again with it."""
        match job:
            case Message():
                return await _succeeds(self.hand_over(job.queue, job.body))
            case Tick():
                return await _succeeds(self.tick(job.timer))
            case Visit():
                answer = await self.hit(job.path, GMAIL)
                assert answer.status in (200, 302), answer.body
                return True
            case Arrival():
                await self.services.mail_intake.keep_mail("acme", job.raw, Origin(job.mailbox, "INBOX", None, "rep1"))
                return True
            case Request():
                answer = await self.api(job.method, job.path, job.body, **job.headers)
                assert answer.status < 300 or answer.status >= 500, answer.body
                return answer.status < 300


async def _succeeds(invocation: Any) -> bool:
    try:
        await invocation
    except InvocationError:
        return False
    return True
