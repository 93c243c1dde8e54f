"""Parts of Heed that kill their own process, with SIGKILL, before or after a chosen step.

Nothing of Heed knows of these tests: a step is known by what is written or sent.
"""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal

from lib.storage import Blobs, Change, Queues, Storage, Tables
from lib.storage.layout import INBOUND, OUTBOX
from lib.tracking.journal import Writer
from lib.transports import Envelope, Outcome, Transport
from tests.faults.steps import Step, steps_of
from tests.support.passing_storage import PassingBlobs, PassingQueues, PassingTables


@dataclass(frozen=True, slots=True)
class Death:
    """Where a process dies: when the step is taken for the `number`th time."""

    when: Literal["before", "after"]
    step: Step
    number: int = 1
    _met: list[None] = field(default_factory=list, compare=False, repr=False)

    def __str__(self) -> str:
        return f"{self.when} {self.step}" + (f" ({self.number})" if self.number > 1 else "")

    def strike(self, when: Literal["before", "after"], steps: set[Step]) -> None:
        """Called before and after every step; does not return from the chosen one."""
        if when == self.when and (self.step in steps or self.step == "any write"):
            self._met.append(None)
            if len(self._met) == self.number:
                os.kill(os.getpid(), signal.SIGKILL)


def mortal_storage(storage: Storage, death: Death) -> Storage:
    return Storage(
        MortalTables(storage.tables, death), MortalBlobs(storage.blobs, death), MortalQueues(storage.queues, death)
    )


class MortalTables(PassingTables):
    def __init__(self, tables: Tables, death: Death) -> None:
        super().__init__(tables)
        self._death = death

    async def write_rows(self, table: str, changes: Sequence[Change]) -> list[str | None]:
        steps = steps_of(table, changes)
        self._death.strike("before", steps)
        etags = await super().write_rows(table, changes)
        self._death.strike("after", steps)
        return etags


class MortalBlobs(PassingBlobs):
    def __init__(self, blobs: Blobs, death: Death) -> None:
        super().__init__(blobs)
        self._death = death

    async def put_blob(self, container: str, name: str, data: bytes | memoryview, content_type: str) -> None:
        self._death.strike("before", {"a blob"})
        await super().put_blob(container, name, data, content_type)
        self._death.strike("after", {"a blob"})

    async def put_pieces(self, container: str, name: str, pieces: AsyncIterable[bytes], content_type: str) -> None:
        self._death.strike("before", {"a blob"})
        await super().put_pieces(container, name, pieces, content_type)
        self._death.strike("after", {"a blob"})

    async def delete_blob(self, container: str, name: str) -> None:
        self._death.strike("before", {"a blob is gone"})
        await super().delete_blob(container, name)
        self._death.strike("after", {"a blob is gone"})


class MortalQueues(PassingQueues):
    def __init__(self, queues: Queues, death: Death) -> None:
        super().__init__(queues)
        self._death = death

    async def send(self, queue: str, body: str, delay: timedelta = timedelta(0), message_id: str | None = None) -> None:
        steps: set[Step] = {_SENT_TO.get(queue, "the assessor is told")}
        self._death.strike("before", steps)
        await super().send(queue, body, delay, message_id)
        self._death.strike("after", steps)


_SENT_TO: Mapping[str, Step] = {OUTBOX: "the outbox is woken", INBOUND: "the intake is told"}


class MortalTransport:
    def __init__(self, transport: Transport, death: Death) -> None:
        self._transport = transport
        self._death = death
        self.separate_envelopes = transport.separate_envelopes
        self.most_bytes = transport.most_bytes
        self.after_doubt = transport.after_doubt
        self.discard = transport.discard
        self.close = transport.close

    async def send(self, envelope: Envelope) -> Outcome:
        outcome = await self._transport.send(envelope)
        self._death.strike("after", {"the mail server has answered"})
        return outcome


class MortalWriter:
    def __init__(self, writer: Writer, death: Death) -> None:
        self._writer = writer
        self._death = death

    async def insert(self, table: str, partition: str, key: str, columns: Mapping[str, str]) -> None:
        await self._writer.insert(table, partition, key, columns)
        self._death.strike("after", {"the journal has the facts"})

    async def put_message(self, queue: str, body: str) -> None:
        await self._writer.put_message(queue, body)
        self._death.strike("after", {"the assessor is told"})
