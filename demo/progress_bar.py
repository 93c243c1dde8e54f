"""A bar that shows how far a piece of work is; lines instead where the output is no terminal."""

from __future__ import annotations

import sys
import time

_WIDTH = 30
_SECONDS_BETWEEN = 0.1
_LINES = 5
"""Lines of one piece of work where no bar can be drawn."""


class ProgressBar:
    """The progress of one piece of work. Call `show` as it goes on, and `end` once."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._is_drawn = sys.stdout.isatty()
        self._began = self._shown = time.monotonic()
        self._lines = 0

    def show(self, share: float, words: str) -> None:
        """Show a share from 0 to 1, with a few words on it."""
        now, share = time.monotonic(), min(max(share, 0.0), 1.0)
        if self._is_drawn:
            if now - self._shown >= _SECONDS_BETWEEN:
                self._shown = now
                self._draw(share, words)
        elif int(share * _LINES) > self._lines:
            self._lines = int(share * _LINES)
            print(f"{self._title}: {share:.0%}, {words}", flush=True)

    def end(self, words: str) -> None:
        """Show that the work is done."""
        seconds = time.monotonic() - self._began
        if self._is_drawn:
            self._draw(1.0, f"{words}, {seconds:.0f} s")
            print(flush=True)
        else:
            print(f"{self._title}: done, {words}, {seconds:.0f} s", flush=True)

    def _draw(self, share: float, words: str) -> None:
        full = round(share * _WIDTH)
        bar = "█" * full + "░" * (_WIDTH - full)
        print(f"\r\x1b[K{self._title:<18} {bar} {share:4.0%}  {words}", end="", flush=True)
