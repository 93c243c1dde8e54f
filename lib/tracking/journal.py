"""The journal: every hit is durable before it is answered, at a cost that hits share.

Facts are stored by group commit: facts that come while a commit is under way go out together in the next one; at low
load a commit holds one fact and does not wait for others. A commit is one row in the organization's journal table, or,
when the table fails or hesitates, one message with the same facts on the queue `interactions`. When both fail, `record`
writes the fact to the log, as a line that `POST /api/ops/replay` takes back. `record` does so itself because the tasks
here belong to the invocation that started them, and the Functions host drops the lines of an invocation that has ended.

The assessor is told of rows through the same queue, after the hits are answered: of the first commit at once, of those
within the next `TELL_EVERY` together, with their facts while these are few. The sweep finds the rows that the queue did
not tell of.

A recipient never pays for us: a hit waits for the commit that is under way and for its own, each within `COMMIT_LIMIT`,
so `record` returns within 1.3 s whatever storage does.
"""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, TypeVar

from lib.clock import Clock, milliseconds, moment
from lib.storage import Queues, Row, StorageError
from lib.storage.batches import batches_by_size
from lib.storage.columns import columns, text_of
from lib.tracking.facts import Fact, NotAFact

log = logging.getLogger("heed.journal")

Produced = TypeVar("Produced")

QUEUE = "interactions"
FACTS_ROW = "facts"
LOG_MARK = "heed.fact "
"""Begins the part of a log line that holds a fact for replay."""

COMMIT_LIMIT = 0.6
"""Seconds that a commit may take."""

PATIENCE = 0.2
"""Seconds of `COMMIT_LIMIT` after which the queue is tried beside the table."""

TELL_EVERY = 0.02
"""Seconds between two messages that tell the assessor of rows: under load many commits share one."""

COMPANY = 0.002
"""Seconds for which the next commit waits, at most, for as many facts as there were when the last commit was done.

Under load they come soon, and a commit of thirty facts costs storage as much as a commit of one.
"""

_MOST_FACTS = 100
"""Facts of one commit."""

_MOST_COMMITS = 100
"""Commits that one queue message names."""

_MOST_BYTES = 40_000
"""Bytes of facts in one queue message, which holds 64 KiB, or 48 KiB before base64."""

_MOST_TOLD = 200
"""Facts in the commits that one queue message names, so that the assessor is not busy with one message for minutes."""

_FEW_BYTES = 8_000
"""Bytes of facts up to which they travel with their commits, so that the assessor need not read the rows."""

_COLUMN = 30_000
"""Characters of a column of the journal's row: Azure allows 32 Ki."""

_MOST_WAITING = 5_000
"""Facts of one organization that wait in memory while its storage is down. Further ones are only logged."""


class Writer(Protocol):
    """The writes that the journal needs. Both raise StorageError."""

    async def insert(self, table: str, partition: str, key: str, columns: Mapping[str, str]) -> None:
        """Put a row of text columns; a second time changes nothing."""

    async def put_message(self, queue: str, body: str) -> None:
        """Put a message on a queue."""


class RowsAndQueues:
    """A journal's writer of two parts: rows by one writer, messages to queues of another kind.

    `load_queues` gives the queues when they are first needed: no hit waits until their SDK is imported.
    """

    def __init__(self, rows: Writer, load_queues: Callable[[], Awaitable[Queues]]) -> None:
        self._rows = rows
        self._load_queues = load_queues

    async def insert(self, table: str, partition: str, key: str, columns: Mapping[str, str]) -> None:
        await self._rows.insert(table, partition, key, columns)

    async def put_message(self, queue: str, body: str) -> None:
        queues = await self._load_queues()
        await queues.send(queue, body)


@dataclass(slots=True)
class _Waiting:
    text: str
    done: asyncio.Future[bool]

    def answer(self, stored: bool) -> None:
        """Answer the caller, unless that was done or the caller has gone."""
        if not self.done.done():
            self.done.set_result(stored)


@dataclass(frozen=True, slots=True)
class _Commit:
    """A commit that the journal has stored: its key, and its facts as JSON."""

    key: str
    texts: Sequence[str]


@dataclass(slots=True)
class _Line:
    """The facts of one organization, which other organizations' storage and load do not hold up."""

    organization: str
    waiting: list[_Waiting] = field(default_factory=list)
    wanted: int = 0
    enough: asyncio.Event = field(default_factory=asyncio.Event)
    is_busy: bool = False
    is_failing: bool = False
    untold: list[_Commit] = field(default_factory=list)
    is_telling: bool = False

    def add_waiting(self, waiting: _Waiting) -> None:
        self.waiting.append(waiting)
        if len(self.waiting) >= self.wanted:
            self.enough.set()

    def answer(self, group: Sequence[_Waiting]) -> None:
        """Tell the callers that their facts are stored, and expect as many facts for the next commit."""
        self.is_failing = False
        self.wanted = len(group) + len(self.waiting)
        for waiting in group:
            waiting.answer(True)

    def give_up(self, waiting: _Waiting) -> None:
        """Leave the fact to the log. Only the invocation that answers the hit may call this, before it answers."""
        log.error('%s{"org":"%s","fact":%s}', LOG_MARK, self.organization, waiting.text)

    async def company(self) -> None:
        """Until as many facts wait as are wanted, or `COMPANY` has passed; one turn of the loop at least."""
        if len(self.waiting) >= self.wanted:
            await asyncio.sleep(0)
            return
        self.enough.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(COMPANY):
                await self.enough.wait()


class Journal:
    """Group commits of all organizations."""

    def __init__(self, writer: Writer, clock: Clock) -> None:
        self._writer = writer
        self._clock = clock
        self._lines: dict[str, _Line] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._hurry = asyncio.Event()

    async def record(self, organization: str, fact: Fact) -> bool:
        """True when the fact is stored; False when the log has it instead. Raises nothing, takes 1.3 s at most.

        When the caller is canceled meanwhile, the log has the fact, and storage may get it as well: a replay counts it
        once.
        """
        line = self._lines.get(organization)
        if line is None:
            line = self._lines[organization] = _Line(organization)
        waiting = _Waiting(fact.to_json(), asyncio.get_running_loop().create_future())
        if line.is_failing:
            return self._record_while_failing(line, waiting)
        self._enqueue(line, waiting)
        is_stored = False
        try:
            is_stored = await waiting.done
        finally:
            if not is_stored:
                line.give_up(waiting)
        return is_stored

    def _record_while_failing(self, line: _Line, waiting: _Waiting) -> bool:
        """Log the fact and answer at once, as the last commit failed; the next try takes the fact along."""
        line.give_up(waiting)
        if len(line.waiting) < _MOST_WAITING:
            self._enqueue(line, waiting)
        return False

    def _enqueue(self, line: _Line, waiting: _Waiting) -> None:
        line.add_waiting(waiting)
        if not line.is_busy:
            line.is_busy = True
            self._start(self._drain(line))

    async def _drain(self, line: _Line) -> None:
        await asyncio.sleep(0)
        while line.waiting:
            waiting, line.waiting = line.waiting, []
            groups = batches_by_size(waiting, _MOST_FACTS, _MOST_BYTES, _length)
            await asyncio.gather(*(self._commit(line, group) for group in groups))
            await line.company()
        line.is_busy = False

    async def _commit(self, line: _Line, group: list[_Waiting]) -> None:
        now = self._clock.now()
        key = f"{commit_at(now)}{secrets.token_hex(6)}"
        commit = _Commit(key, [waiting.text for waiting in group])
        columns = journal_columns(commit.texts)
        insert = self._writer.insert(f"heed{line.organization}journal", key, FACTS_ROW, columns)
        row = self._start(_succeeds(insert, COMMIT_LIMIT))
        await asyncio.wait({row}, timeout=PATIENCE)
        if row.done() and row.result():
            line.answer(group)
            self._tell_of(line, commit)
        else:
            await self._commit_by_queue(line, group, commit, row)

    async def _commit_by_queue(
        self, line: _Line, group: list[_Waiting], commit: _Commit, row: asyncio.Task[bool]
    ) -> None:
        """Try the queue beside a table that has failed or is late.

        Hits are answered when either write succeeds; the next commit waits for both.
        """
        body = queue_body(line.organization, commit.texts, [commit.key])
        message = _succeeds(self._writer.put_message(QUEUE, body), COMMIT_LIMIT - PATIENCE)
        writes, is_stored = {row, self._start(message)}, False
        while writes:
            done, writes = await asyncio.wait(writes, return_when=asyncio.FIRST_COMPLETED)
            if not is_stored and any(write.result() for write in done):
                is_stored = True
                line.answer(group)
        if not is_stored:
            line.is_failing = True
            for waiting in group:
                waiting.answer(False)

    def _tell_of(self, line: _Line, commit: _Commit) -> None:
        line.untold.append(commit)
        if not line.is_telling:
            line.is_telling = True
            self._start(self._tell(line))

    async def _tell(self, line: _Line) -> None:
        while line.untold:
            untold, line.untold = line.untold, []
            together = batches_by_size(untold, _MOST_COMMITS, _MOST_TOLD, lambda commit: len(commit.texts))
            bodies = [_body_of(line.organization, commits) for commits in together]
            await asyncio.gather(*(_succeeds(self._writer.put_message(QUEUE, body), COMMIT_LIMIT) for body in bodies))
            with suppress(TimeoutError):
                async with asyncio.timeout(TELL_EVERY):
                    await self._hurry.wait()
        line.is_telling = False

    def _start(self, work: Coroutine[Any, Any, Produced]) -> asyncio.Task[Produced]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def settle(self) -> None:
        """Wait until all writes have ended, before the process ends; no write waits for other facts meanwhile."""
        self._hurry.set()
        while self._tasks:
            await asyncio.wait(set(self._tasks))
        self._hurry.clear()


def commit_at(at: datetime) -> str:
    """Return the smallest id of a commit of that millisecond."""
    return f"{at:%Y%m%d%H}-{milliseconds(at):013d}"


def time_of_commit(key: str) -> datetime:
    """Return the time of a commit, or of what `commit_at` returns."""
    return moment(int(key.split("-")[1][:13]))


def _length(waiting: _Waiting) -> int:
    return len(waiting.text.encode())


def _body_of(organization: str, commits: Sequence[_Commit]) -> str:
    texts = [text for commit in commits for text in commit.texts]
    is_few = sum(len(text.encode()) for text in texts) <= _FEW_BYTES
    return queue_body(organization, texts if is_few else [], [commit.key for commit in commits])


def queue_body(organization: str, facts: Sequence[str], commits: Sequence[str] = ()) -> str:
    """The body of a message of the queue `interactions`: facts as JSON, and the journal's commits that hold them.

    Commits without facts are to be read.
    """
    return f'{{"v":1,"org":"{organization}","commits":{json.dumps(commits)},"facts":[{",".join(facts)}]}}'


def journal_columns(facts: Sequence[str]) -> dict[str, str]:
    """The facts as columns of the journal's row: a JSON list in pieces."""
    return columns(f"[{','.join(facts)}]", "f", _COLUMN)


def facts_of(row: Row) -> list[Fact]:
    """The inverse of `journal_columns`. Raises NotAFact."""
    try:
        raw = json.loads(text_of(row, "f"))
    except ValueError as error:
        raise NotAFact("it is no JSON") from error
    if not isinstance(raw, list):
        raise NotAFact("it is no list")
    return [Fact.from_object(each) for each in raw]


async def _succeeds(write: Coroutine[Any, Any, None], seconds: float) -> bool:
    """Whether the write succeeds in time. The write is canceled at the end of its time."""
    try:
        async with asyncio.timeout(seconds):
            await write
    except TimeoutError:
        log.warning("storage gave no answer within %.1f s", seconds)
    except StorageError as error:
        log.warning("a journal write failed: %s", error)
    except Exception:
        log.exception("a journal write failed in an unforeseen way")
    else:
        return True
    return False
