"""One mail, and the outbox as the transports' protocol describes it: what it does with each outcome, and when.

It stores nothing; its process may die within a call, and then another one asks what became of the try.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Literal, TypeVar

from lib.clock import SetClock
from lib.mime.parts import Mailbox
from lib.transports import Accepted, Again, Envelope, MailContent, Paced, Refused, Transport, Underway, Unknown
from tests.support.provider_servers.faults import Provider

BACKOFF = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 240))
TRIED_FOR = timedelta(hours=24)
TAKEN_OVER = timedelta(minutes=2)
"""After a process died, the next one looks at the message so much later."""

KEY = "0b0e5a0c-9f0e-4d6e-8f60-1f1f6d1ad7f5"
_T = TypeVar("_T")
State = Literal["scheduled", "sending", "uncertain", "sent", "failed"]


def envelope_for(key: str = KEY, **parts: Any) -> Envelope:
    to, cc = (Mailbox("Ada", "ada@example.com"),), (Mailbox("", "bob@example.com"),)
    content = MailContent("Grüße", to, cc, html="<p>Hello</p>", text="Hi")
    recipients = ("ada@example.com", "bob@example.com")
    return Envelope("rep@acme.example", recipients, b"", "<1@acme.example>", content, key, **parts)


@dataclass(slots=True)
class SmallOutbox:
    """`shown` are the states that a user saw, one after the other; `tries` those that were refused."""

    clock: SetClock
    server: Provider
    make: Callable[[], Transport]
    envelope: Envelope = field(default_factory=envelope_for)
    state: State = "scheduled"
    shown: list[State] = field(default_factory=list)
    tries: int = 0
    refusal: Refused | None = None
    doubt: Unknown | None = None
    waited: timedelta = timedelta(0)
    _transport: Transport | None = None
    _ask: bool = False

    async def run(self) -> SmallOutbox:
        """Until the mail is at rest, and nothing is left of it at the provider."""
        began = self.clock.now()
        for _ in range(500):
            wait = await self._step(began)
            if not self.shown or self.shown[-1] != self.state:
                self.shown.append(self.state)
            if wait is None:
                break
            self.clock.move(seconds=wait.total_seconds())
        else:
            raise AssertionError(f"it never comes to an end: {self.shown}")
        self.waited = self.clock.now() - began
        if self.state in ("sent", "failed"):
            await self._discard()
        await self.transport.close()
        return self

    @property
    def transport(self) -> Transport:
        if self._transport is None:
            self._transport = self.make()
        return self._transport

    async def _step(self, began: Any) -> timedelta | None:
        """What is to be done now; how long it is until the next step, None when the mail is at rest."""
        if self._ask:
            outcome = await self._living(self.transport.after_doubt(self.envelope))
        else:
            if self.envelope.earlier != "doubtful":
                self.envelope = replace(self.envelope, tried_at=self.clock.now())
            outcome = await self._living(self.transport.send(self.envelope))
        if outcome is None:
            self.state, self._ask = "sending", True
            return TAKEN_OVER
        if isinstance(outcome, Underway):
            self.state, self._ask = "sending", True
            return outcome.ask_again
        if isinstance(outcome, Unknown):
            self.state, self._ask, self.doubt = "uncertain", True, outcome
            return outcome.ask_again
        self._ask = False
        self.envelope = replace(self.envelope, earlier="doubtful" if isinstance(outcome, Again) else "settled")
        if isinstance(outcome, Again | Paced):
            self.state = "scheduled"
            return outcome.wait
        if isinstance(outcome, Accepted):
            self.state = "sent"
            return None
        return self._refused(outcome, began)

    def _refused(self, refusal: Refused, began: Any) -> timedelta | None:
        self.refusal = refusal
        pause = max(BACKOFF[min(self.tries, len(BACKOFF) - 1)], refusal.retry_after or timedelta(0))
        self.tries += 1
        if refusal.temporary and self.clock.now() + pause - began < TRIED_FOR:
            self.state = "scheduled"
            return pause
        self.state = "failed"
        return None

    async def _discard(self) -> None:
        for _ in range(20):
            if await self._living(self.transport.discard(self.envelope.sender, self.envelope.key)):
                return
            self.clock.move(minutes=5)
        raise AssertionError("what is left at the provider cannot be removed")

    async def _living(self, call: Coroutine[Any, Any, _T]) -> _T | None:
        """What the call comes to; None when the process died in it."""
        task, death = asyncio.create_task(call), asyncio.create_task(self.server.death.wait())
        await asyncio.wait([task, death], return_when=asyncio.FIRST_COMPLETED)
        death.cancel()
        if not self.server.death.is_set():
            return await task
        self.server.death.clear()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await self.transport.close()
        self._transport = None
        return None
