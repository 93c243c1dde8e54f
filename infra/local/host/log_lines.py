"""Drops the log lines that the Functions host drops.

The Python worker sends each line with the id of an invocation. A coroutine's lines carry the id of its task, and a task
has the id of the task that made it (`ContextEnabledTask` in the worker's dispatcher.py); a plain function's lines carry
the id that is kept for its thread. The Functions host ignores a line whose invocation has ended, and one without an
invocation, such as a line of a callback or of `asyncio.to_thread` (azure-functions-host#9570 and #10796,
`GrpcWorkerChannel.Log`).

One thing is stricter here. In the worker, a line of no task carries the id that the newest invocation left on the event
loop's thread, so it may be kept by chance.
"""

import asyncio
import logging
import threading
from collections import Counter
from collections.abc import Callable
from contextvars import ContextVar
from typing import TypeVar

Returned = TypeVar("Returned")

HOSTS_LOGGERS = frozenset(("asyncio", "azure", "uvicorn"))
"""First parts of the names of the local host's own loggers, beside `heed.host`."""


class Invocation:
    """One run of a function."""

    __slots__ = ("has_ended",)

    def __init__(self) -> None:
        self.has_ended = False


_of_context: ContextVar[Invocation | None] = ContextVar("invocation", default=None)
"""Tasks copy it from the task that makes them."""

_of_thread = threading.local()


def enter(invocation: Invocation | None) -> Invocation | None:
    """Make lines of the current task, and of tasks that it makes, the invocation's. Returns the previous one."""
    before = _of_context.get()
    _of_context.set(invocation)
    return before


def call_under(invocation: Invocation, function: Callable[[], Returned]) -> Returned:
    """Call a plain function; log lines of its thread meanwhile belong to the invocation."""
    _of_thread.invocation = invocation
    try:
        return function()
    finally:
        _of_thread.invocation = None


def current_invocation() -> Invocation | None:
    """Return the invocation to which a line that is written now belongs."""
    try:
        task = asyncio.current_task()
    except RuntimeError:  # no event loop runs in this thread
        invocation: Invocation | None = getattr(_of_thread, "invocation", None)
        return invocation
    return None if task is None else _of_context.get()


class LateLines(logging.Filter):
    """A filter that keeps lines that the Functions host would keep, and the local host's own."""

    def __init__(self) -> None:
        super().__init__()
        self.dropped: Counter[str] = Counter()
        """Counts of dropped lines, by logger."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the line is kept."""
        if record.name == "heed.host" or record.name.partition(".")[0] in HOSTS_LOGGERS:
            return True
        invocation = current_invocation()
        if invocation is not None and not invocation.has_ended:
            return True
        # Several handlers may ask about one line.
        if not getattr(record, "is_late", False):
            record.is_late = True
            self.dropped[record.name] += 1
        return False
