"""The child process of `lib.workers.pool`, which takes jobs from its standard input until that ends."""

from __future__ import annotations

import os
import pickle
import signal
import sys
import traceback
from contextlib import suppress
from typing import Any, BinaryIO

_NICENESS = 10
"""The loop's process comes first wherever both want the same core."""


def main() -> None:
    """Take jobs from standard input at a low priority, and answer them on standard output."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Ctrl-C is for the parent, with whom this ends
    os.nice(_NICENESS)
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # a job that prints does not get between the answers
    work(sys.stdin.buffer, answers)


def work(jobs: BinaryIO, answers: BinaryIO) -> None:
    """Answer each pickled job with (went well, result or exception, kilobytes of memory at the peak)."""
    while True:
        try:
            job, arguments = pickle.load(jobs)  # noqa: S301 - the parent's
        except EOFError:
            return
        good, value = _done(job, arguments)
        del job, arguments
        pickle.dump((good, value, _peak()), answers, protocol=5)
        answers.flush()
        del value


def _peak() -> int:
    """Kilobytes of memory at the peak so far; `getrusage` would count the parent's as well."""
    with suppress(OSError), open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM:"))
    return 0  # no Linux, so not Azure


def _done(job: Any, arguments: Any) -> tuple[bool, Any]:
    try:
        return True, job(*arguments)
    except Exception as error:
        error.add_note("".join(traceback.format_tb(error.__traceback__)))
        return False, _sendable(error)


def _sendable(error: Exception) -> Exception:
    """The error, if it comes out of a pickle as it went in."""
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301
    except Exception:
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error
