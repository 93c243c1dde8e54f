"""The journal: every hit is durable before it is answered, at a cost that hits share.

A group commit: facts that come while a commit is under way go out together in the next one; at low load a commit holds
one fact, and nobody waits for a window to close. A commit is two writes at the same time: one row in the organization's
journal table, and one message with the same facts on the queue `interactions`. Either is enough. When both fail, the
facts go to the log as lines that `POST /api/ops/replay` takes back.

A recipient never pays for us: a hit waits for the commit that is under way and for its own, each of which has
`COMMIT_LIMIT`, so `record` returns within 1.2 s whatever storage does.
"""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from lib.clock import Clock, milliseconds
from lib.facts import Fact, NotAFact
from lib.storage import Queues, Row, Storage, StorageError, Upsert

log = logging.getLogger("heed.journal")

Result = TypeVar("Result")

QUEUE = "interactions"
FACTS_ROW = "facts"
LOG_MARK = "heed.fact "
"""Begins the part of a log line that holds a fact for replay."""

COMMIT_LIMIT = 0.6
"""Seconds that a commit may take."""

_MOST_FACTS = 100
_MOST_BYTES = 40_000
"""Of one commit: a queue message holds 64 KiB, in base64 48 KiB."""

_COLUMN = 30_000
"""Characters of a column of the journal's row: Azure allows 32 Ki."""

_MOST_WAITING = 5_000
"""Facts of one organization that wait in memory while its storage is down. What comes on top is only logged."""


class Writer(Protocol):
    """Both raise StorageError."""

    async def insert(self, table: str, partition: str, key: str, columns: Mapping[str, str]) -> None:
        """Put a row; again is the same."""

    async def put(self, queue: str, body: str) -> None: ...


class StorageWriter:
    """A journal's writer on any storage; in memory for tests."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    async def insert(self, table: str, partition: str, key: str, columns: Mapping[str, str]) -> None:
        await self._storage.tables.write(table, [Upsert(Row(partition, key, columns))])

    async def put(self, queue: str, body: str) -> None:
        await self._storage.queues.send(queue, body)


class RowsAndQueues:
    """A journal's writer of two parts: rows by one writer, messages to queues of another kind."""

    def __init__(self, rows: Writer, queues: Queues) -> None:
        self._rows = rows
        self._queues = queues

    async def insert(self, table: str, partition: str, key: str, columns: Mapping[str, str]) -> None:
        await self._rows.insert(table, partition, key, columns)

    async def put(self, queue: str, body: str) -> None:
        await self._queues.send(queue, body)


@dataclass(slots=True)
class _Waiting:
    organization: str
    text: str
    done: asyncio.Future[bool]
    logged: bool = False

    def answer(self, stored: bool) -> None:
        """Once; whoever hung up needs none."""
        if not self.done.done():
            self.done.set_result(stored)

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
        line = self._lines.get(organization)
        if line is None:
            line = self._lines[organization] = _Line()
        waiting = _Waiting(organization, fact.to_json(), asyncio.get_running_loop().create_future())
        if line.failing:
            return self._record_while_failing(organization, line, waiting)
        self._enqueue(organization, line, waiting)
        return await waiting.done

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
            # One turn of the loop: hits that have arrived by now share this commit, and none waits for others to come.
            await asyncio.sleep(0)
            waiting, line.waiting = line.waiting, []
            await asyncio.gather(*(self._commit(organization, line, group) for group in _groups(waiting)))
        line.busy = False
        if not line.failing:
            self._lines.pop(organization, None)

    async def _commit(self, organization: str, line: _Line, group: list[_Waiting]) -> None:
        """Hits are answered when the first of the two writes has succeeded; the next commit waits for both."""
        now = self._clock.now()
        commit = f"{now:%Y%m%d%H}-{milliseconds(now):013d}{secrets.token_hex(6)}"
        texts = [waiting.text for waiting in group]
        row = self._writer.insert(f"heed{organization}journal", commit, FACTS_ROW, journal_columns(texts))
        message = self._writer.put(QUEUE, queue_body(organization, texts, commit))
        writes, stored = {self._start(_succeeds(row)), self._start(_succeeds(message))}, False
        while writes:
            done, writes = await asyncio.wait(writes, return_when=asyncio.FIRST_COMPLETED)
            if any(write.result() for write in done):
                stored, line.failing = True, False
                for waiting in group:
                    waiting.answer(True)
        if not stored:
            line.failing = True
            for waiting in group:
                waiting.give_up()
                waiting.answer(False)

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


def journal_columns(facts: Sequence[str]) -> dict[str, str]:
    """The facts as columns of the journal's row: a JSON list in pieces."""
    text = f"[{','.join(facts)}]"
    return {f"f{place // _COLUMN}": text[place : place + _COLUMN] for place in range(0, len(text), _COLUMN)}


def facts_of(row: Row) -> list[Fact]:
    """The inverse of `journal_columns`. Raises NotAFact."""
    text = ""
    while f"f{len(text) // _COLUMN}" in row.values and len(text) % _COLUMN == 0:
        text += row.text(f"f{len(text) // _COLUMN}")
    try:
        raw = json.loads(text)
    except ValueError as error:
        raise NotAFact("it is no JSON") from error
    if not isinstance(raw, list):
        raise NotAFact("it is no list")
    return [Fact.from_object(each) for each in raw]


def _groups(waiting: list[_Waiting]) -> Iterator[list[_Waiting]]:
    """Pieces that fit a queue message each."""
    group: list[_Waiting] = []
    size = 0
    for each in waiting:
        length = len(each.text.encode())
        if group and (len(group) == _MOST_FACTS or size + length > _MOST_BYTES):
            yield group
            group, size = [], 0
        group.append(each)
        size += length
    if group:
        yield group


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
