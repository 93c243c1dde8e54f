"""The journal: every hit is durable before it is answered, at a cost that hits share.

A group commit: facts that come while a commit is under way go out together in the next one; at low load a commit holds
one fact, and nobody waits for a window to close. A commit is two writes at the same time: one transaction into the
organization's journal table, and one message with the same facts on the queue `interactions`. Either is enough. When
both fail, the facts go to the log as lines that `POST /api/ops/replay` takes back.

A recipient never pays for us: `record` returns within `PATIENCE`, whatever storage does.
"""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from lib.clock import Clock, milliseconds
from lib.facts import Fact
from lib.storage import Row, Storage, StorageError, Upsert
from lib.storage.rest import columns_json

log = logging.getLogger("heed.journal")

Result = TypeVar("Result")

QUEUE = "interactions"
FACT_COLUMN = "fact"
LOG_MARK = "heed.fact "
"""Begins the part of a log line that holds a fact for replay."""

PATIENCE = 1.2
"""Seconds that a hit waits for its commit, at most."""

COMMIT_LIMIT = 1.0
"""Seconds that a commit may take."""

_MOST_FACTS = 100
_MOST_BYTES = 40_000
"""Of one commit: a queue message holds 64 KiB, in base64 48 KiB."""

_MOST_WAITING = 5_000
"""Facts of one organization that wait in memory while its storage is down. What comes on top is only logged."""


class Writer(Protocol):
    """Both raise StorageError."""

    async def insert(self, table: str, partition: str, rows: Sequence[tuple[str, str]]) -> None: ...

    async def put(self, queue: str, body: str) -> None: ...


class StorageWriter:
    """A journal's writer on any storage; in memory for tests."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    async def insert(self, table: str, partition: str, rows: Sequence[tuple[str, str]]) -> None:
        changes = [Upsert(Row(partition, key, json.loads(columns))) for key, columns in rows]
        await self._storage.tables.write(table, changes)

    async def put(self, queue: str, body: str) -> None:
        await self._storage.queues.send(queue, body)


@dataclass(slots=True)
class _Waiting:
    fact: Fact
    organization: str
    text: str
    done: asyncio.Future[bool]
    logged: bool = False

    def give_up(self) -> None:
        """Leave the fact to the log, once."""
        if not self.logged:
            self.logged = True
            log.error('%s{"org":"%s","fact":%s}', LOG_MARK, self.organization, self.text)


@dataclass(slots=True)
class _Line:
    """One organization's facts: others' storage and others' load are none of its business."""

    waiting: list[_Waiting] = field(default_factory=list)
    busy: bool = False
    failing: bool = False


class Journal:
    def __init__(self, writer: Writer, clock: Clock) -> None:
        self._writer = writer
        self._clock = clock
        self._lines: dict[str, _Line] = {}
        self._tasks: set[asyncio.Task[Any]] = set()

    async def record(self, organization: str, fact: Fact) -> bool:
        """True when the fact is stored; False when the log has it instead. Raises nothing, takes 1.2 s at most."""
        line = self._lines.setdefault(organization, _Line())
        waiting = _Waiting(fact, organization, fact.to_json(), asyncio.get_running_loop().create_future())
        if line.failing:
            return self._record_while_failing(organization, line, waiting)
        self._enqueue(organization, line, waiting)
        try:
            async with asyncio.timeout(PATIENCE):
                return await asyncio.shield(waiting.done)
        except TimeoutError:
            if waiting in line.waiting:
                line.waiting.remove(waiting)
            waiting.give_up()
            return False

    def _record_while_failing(self, organization: str, line: _Line, waiting: _Waiting) -> bool:
        """The last commit failed: answer at once from the log, and let the fact be the next try's freight."""
        waiting.give_up()
        if len(line.waiting) < _MOST_WAITING:
            self._enqueue(organization, line, waiting)
        return False

    def _enqueue(self, organization: str, line: _Line, waiting: _Waiting) -> None:
        line.waiting.append(waiting)
        if not line.busy:
            line.busy = True
            self._start(self._drain(organization, line))

    async def _drain(self, organization: str, line: _Line) -> None:
        while line.waiting:
            group = _next_group(line)
            stored = await self._commit(organization, group)
            line.failing = not stored
            for waiting in group:
                if not stored:
                    waiting.give_up()
                if not waiting.done.done():
                    waiting.done.set_result(stored)
        line.busy = False
        if not line.failing:
            self._lines.pop(organization, None)

    async def _commit(self, organization: str, group: list[_Waiting]) -> bool:
        """True as soon as one of the two writes has succeeded; the other one goes on by itself."""
        now = self._clock.now()
        commit = f"{now:%Y%m%d%H}-{milliseconds(now):013d}{secrets.token_hex(6)}"
        rows = [(waiting.fact.key, columns_json(FACT_COLUMN, waiting.text)) for waiting in group]
        body = queue_body(organization, [item.text for item in group], commit)
        writes = {
            self._start(_succeeds(self._writer.insert(f"heed{organization}journal", commit, rows))),
            self._start(_succeeds(self._writer.put(QUEUE, body))),
        }
        while writes:
            done, writes = await asyncio.wait(writes, return_when=asyncio.FIRST_COMPLETED)
            if any(write.result() for write in done):
                return True
        return False

    def _start(self, work: Coroutine[Any, Any, Result]) -> asyncio.Task[Result]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def settle(self) -> None:
        """Wait until nothing is under way: before the process ends."""
        while self._tasks:
            await asyncio.wait(set(self._tasks))


def queue_body(organization: str, facts: Sequence[str], commit: str | None = None) -> str:
    """What the queue `interactions` carries: facts as JSON, and the commit under which the journal has them."""
    head = f'{{"v":1,"org":"{organization}","commit":"{commit}"' if commit else f'{{"v":1,"org":"{organization}"'
    return f'{head},"facts":[{",".join(facts)}]}}'


def _next_group(line: _Line) -> list[_Waiting]:
    size = count = 0
    for waiting in line.waiting[:_MOST_FACTS]:
        size += len(waiting.text.encode())
        if count and size > _MOST_BYTES:
            break
        count += 1
    group = line.waiting[:count]
    del line.waiting[:count]
    return group


async def _succeeds(write: Coroutine[Any, Any, None]) -> bool:
    """Whether the write succeeds in time. It ends with its time, also when nobody waits for it any more."""
    try:
        async with asyncio.timeout(COMMIT_LIMIT):
            await write
    except TimeoutError:
        log.warning("storage gave no answer within %.1f s", COMMIT_LIMIT)
    except StorageError as error:
        log.warning("a journal write failed: %s", error)
    except Exception:
        log.exception("a journal write failed in an unforeseen way")
    else:
        return True
    return False
