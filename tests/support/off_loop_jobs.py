"""Jobs for tests of `lib.workers.pool`: they go to another process by their names."""

from __future__ import annotations

import os
import time
from pathlib import Path

from lib.inbound.reading import InboundMail, read_inbound
from lib.workers.pool import INLINE


def where() -> int:
    """The process that does it."""
    return os.getpid()


def hold(path: Path) -> int:
    """Says that it has begun, and lasts until the file is gone."""
    begun_file(path).touch()
    while path.exists():
        time.sleep(0.005)
    return os.getpid()


def begun_file(path: Path) -> Path:
    return path.with_suffix(".begun")


def refuse() -> None:
    raise LookupError("there is no such thing")


def die_once(path: Path) -> str:
    if path.exists():
        path.unlink()
        os._exit(1)
    return "done"


def die() -> None:
    os._exit(1)


def die_over_large_mail(raw: bytes) -> InboundMail:
    """Reads a mail, and ends its process where that is large."""
    if len(raw) > INLINE:
        os._exit(1)
    return read_inbound(raw)
