"""Find code that holds the event loop for long in one piece: a thread samples its stack.

Only the loop's own CPU time counts, not the time that a busy machine takes from the process. A call that holds
the interpreter's lock stops this thread, too; it then sees the line that has made the call.
"""

from __future__ import annotations

import asyncio
import sys
import threading
import time
import traceback

STALL = "computed in one piece for "
LONG = 0.030
"""Seconds that are worth telling."""

_TURN = 0.002
_FRAMES = 7


class Watch:
    """Prints a line for each long turn of the running loop."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._loop_thread = threading.get_ident()
        self._clock = time.pthread_getcpuclockid(self._loop_thread)
        self._turned = time.thread_time()
        self._turn()
        threading.Thread(target=self._look, daemon=True).start()

    def _turn(self) -> None:
        self._turned = time.thread_time()
        self._loop.call_later(_TURN, self._turn)

    def _look(self) -> None:
        while True:
            time.sleep(_TURN)
            turned = self._turned
            if time.clock_gettime(self._clock) - turned < LONG:
                continue
            frame = sys._current_frames().get(self._loop_thread)
            stack = [each for each in traceback.extract_stack(frame) if "importlib" not in each.filename][-_FRAMES:]
            while self._turned == turned:
                time.sleep(_TURN)
            milliseconds = (self._turned - turned) * 1000
            where = " < ".join(f"{each.filename.rpartition('/')[2]}:{each.lineno} {each.name}" for each in stack[::-1])
            print(f"{STALL}{milliseconds:.0f} ms: {where}", flush=True)
