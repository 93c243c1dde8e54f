"""Work off the event loop: long work runs in processes of its own, so that pixels and links never wait for it.

Threads do not help: regular expressions, turbohtml, base64, JSON and pydantic hold the interpreter's lock for as long
as one call takes, which hostile input stretches to a second (docs/decisions/0017).

A worker is a plain child process that is given pickled jobs through a pipe. It starts with the first job, runs at a low
priority, ends with this process, and is replaced when it dies or has grown. A job is a pure function at the top level
of a module: one whose worker died is done again.

Jobs of one organization take turns with those of the others, and never take the last worker. `run` waits for its turn;
how many may wait is bounded where requests come in (`lib.workers.places`), and by the queues' batch size.
"""

from __future__ import annotations

import asyncio
import json
import pickle
import subprocess
import sys
import threading
import weakref
from collections import Counter, OrderedDict, deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

INLINE = 64 * 1024
"""Bytes of input up to which work stays on the loop: an ordinary mail of this size takes some 5 ms in all."""

WORKERS = 2
"""Processes, unless the caller asks for another number."""

_LONGEST_JOB = 120.0
"""Seconds after which a worker is taken for stuck."""

_GROWN = 160_000
"""Kilobytes of memory at its peak with which a worker is replaced after its job."""

_COMMAND = "import sys, json; sys.path[:] = json.loads(sys.argv[1]); from lib.workers.process import main; main()"

JobResult = TypeVar("JobResult")


class JobLost(Exception):
    """The job was not done: its workers were lost over it, or were ended before it."""


class WorkerLost(JobLost):
    """The worker died or was stuck twice over the same job: doing it once more would end a third one."""


class _Died(Exception):
    """The worker has not answered."""


class OffLoop:
    """The workers, and the jobs that wait for them. Belongs to one event loop."""

    def __init__(self, workers: int = WORKERS) -> None:
        self._most_of_one = max(1, workers - 1)
        self._idle = deque(_Worker() for _ in range(workers))
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="off-loop")
        self._waiting: OrderedDict[str, deque[asyncio.Future[_Worker]]] = OrderedDict()
        self._running: Counter[str] = Counter()
        self._is_closed = False

    async def run(self, organization: str, size: int, job: Callable[..., JobResult], *arguments: Any) -> JobResult:
        """Run the job, and return or raise what the job does. Raises JobLost, and of it WorkerLost.

        `size` is that of the job's input, in bytes or characters.
        """
        if size <= INLINE:
            return job(*arguments)
        if self._is_closed:
            raise _ended()
        worker = await self._turn(organization)
        if self._is_closed:
            raise _ended()
        doing = asyncio.get_running_loop().run_in_executor(self._threads, worker.do, job, arguments)
        # The worker is free when the job has ended, also after its caller has gone.
        doing.add_done_callback(partial(self._done, organization, worker))
        good, value = await asyncio.shield(doing)
        if not good:
            raise value
        result: JobResult = value
        return result

    async def _turn(self, organization: str) -> _Worker:
        turn: asyncio.Future[_Worker] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(organization, deque()).append(turn)
        self._hand_out()
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                self._free(organization, turn.result())
            raise

    def _hand_out(self) -> None:
        """Give idle workers to jobs that wait: organizations in turn, each its oldest job."""
        for organization in list(self._waiting):
            if not self._idle:
                return
            turns = self._waiting[organization]
            while turns and turns[0].done():  # cancelled
                turns.popleft()
            if turns and self._running[organization] < self._most_of_one:
                self._running[organization] += 1
                turns.popleft().set_result(self._idle.popleft())
                self._waiting.move_to_end(organization)
            if not turns:
                del self._waiting[organization]

    def _done(self, organization: str, worker: _Worker, doing: asyncio.Future[Any]) -> None:
        if not doing.cancelled():
            doing.exception()  # the caller, if still there, gets it
        self._free(organization, worker)

    def _free(self, organization: str, worker: _Worker) -> None:
        self._running[organization] -= 1
        if not self._running[organization]:
            del self._running[organization]
        self._idle.appendleft(worker)  # one that runs already before one that would have to be started
        self._hand_out()

    def close(self) -> None:
        """End the workers that are idle; one that still works ends with this process. Jobs that wait are lost."""
        self._is_closed = True
        self._threads.shutdown(wait=False, cancel_futures=True)
        for turn in [turn for turns in self._waiting.values() for turn in turns if not turn.done()]:
            turn.set_exception(_ended())
        self._waiting.clear()
        for worker in self._idle:
            worker.end()


def _ended() -> JobLost:
    return JobLost("the workers have been ended")


class _Worker:
    """A child process, as one thread at a time uses it."""

    def __init__(self) -> None:
        self.process: subprocess.Popen[bytes] | None = None

    def do(self, job: Callable[..., Any], arguments: tuple[Any, ...]) -> tuple[bool, Any]:
        """Whether the job went well, with its result or its exception. Raises WorkerLost."""
        for _ in range(2):
            with suppress(_Died):
                return self._ask(job, arguments)
        raise WorkerLost(f"the worker for {job.__name__} died twice")

    def _ask(self, job: Callable[..., Any], arguments: tuple[Any, ...]) -> tuple[bool, Any]:
        process = self.process or self._start()
        assert process.stdin is not None
        assert process.stdout is not None
        stuck = threading.Timer(_LONGEST_JOB, process.kill)
        stuck.daemon = True
        stuck.start()
        try:
            # Large bytes and texts go from and into their own memory, without the interpreter's lock.
            pickle.dump((job, arguments), process.stdin, protocol=5)
            process.stdin.flush()
            good, value, kilobytes = pickle.load(process.stdout)  # noqa: S301 - our own child's
        except (OSError, EOFError, pickle.UnpicklingError):
            self.end()
            raise _Died from None
        except BaseException:
            self.end()  # a job that cannot be pickled leaves half of itself in the pipe
            raise
        finally:
            stuck.cancel()
        if kilobytes > _GROWN:
            self.end()
        return good, value

    def _start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-c", _COMMAND, json.dumps(sys.path)]
        # Its errors go where ours go.
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # noqa: S603
        weakref.finalize(self, _end, self.process)
        return self.process

    def end(self) -> None:
        if self.process is not None:
            _end(self.process)
            self.process = None


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill the process: it holds nothing that is not ours."""
    process.kill()
    for pipe in (process.stdin, process.stdout):
        with suppress(OSError):
            if pipe is not None:
                pipe.close()
    process.wait()
