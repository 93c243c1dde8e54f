"""A look at every line of the log and every span that tests make: none may hold an address, a key, a token or a secret.

Lines are looked at as they are deployed, from INFO up, whatever level a test has chosen. The handler and the spans'
processor note what they find; `raise_leaks` fails the test that is under way.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from pathlib import Path

from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider

from lib.operations.logs import quiet_libraries
from lib.tracing import use_tracing
from tests.support.heed import ADMIN_KEY, TOKEN_KEYS

_EVERY_LINE = logging.INFO - 1
"""The level of the root logger: one that no test sets, so that it is told from one that a test has set."""

_OF_TESTS = ("aiohttp", "aiosmtpd", "httpcore", "httpx", "mail", "uvicorn", "playwright")
"""First parts of the names of loggers that belong to servers, browsers and CRMs which only tests start."""

_ADDRESS = r"[\w.+-]+(?:@|%40|&#64;)[\w-]+(?:\.[\w-]+)+"
_KEY = r"[a-z][a-z0-9]{2,31}\.[0-9a-f]{32}\.[\w-]{43}"
_SECRETS = r"AccountKey=|SharedKey|Bearer |whsec_|\bsig=|hooks\.slack\.com/services/."
_LEAK = re.compile("|".join((_ADDRESS, _KEY, _SECRETS, re.escape(ADMIN_KEY), re.escape(TOKEN_KEYS[3:]))))

_LONG_WORD = re.compile(r"[\w-]{54,}")
"""A token has 54 characters at least. Hashes in hexadecimal digits are as long, and have no upper case."""

_SHOWN = 300
"""Characters of a line that a failure shows."""

_LOG_FILES = frozenset({"log", "heed.log"})
"""Names of the files with what processes of Heed write that tests start."""

_found: list[str] = []


def leaks_in(text: str) -> list[str]:
    """What the text holds that no log may hold."""
    words = (each for each in _LONG_WORD.findall(text) if each != each.lower() and each != each.upper())
    return [match[0] for match in _LEAK.finditer(text)] + list(words)


def _look(source: str, text: str) -> None:
    if leaks := leaks_in(text):
        _found.append(f"{source} holds {leaks}: {text[:_SHOWN]}")


class LogLook(logging.Handler):
    """Looks at lines of the log, with the text of their errors."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.setFormatter(logging.Formatter("%(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        if record.name.partition(".")[0] not in _OF_TESTS:
            _look(f"a line of {record.name}", self.format(record))


class SpanLook(SpanProcessor):
    """Looks at spans."""

    def on_end(self, span: ReadableSpan) -> None:
        events = " ".join(f"{event.name} {event.attributes}" for event in span.events)
        _look("a span", f"{span.name} {dict(span.attributes or {})} {span.status.description} {events}")


def _was_wanted(record: logging.LogRecord) -> bool:
    """Whether there would be this line without the look at all lines."""
    return record.levelno >= logging.WARNING or logging.getLogger(record.name).getEffectiveLevel() != _EVERY_LINE


def watch_log(*others: logging.Handler) -> None:
    """Look at all lines from now on; `others` go on to get those alone that they would get without it."""
    quiet_libraries()
    root = logging.getLogger()
    root.setLevel(_EVERY_LINE)
    root.addHandler(LogLook())
    for each in others:
        each.addFilter(_was_wanted)


def watch_spans() -> None:
    """Make spans from now on, and look at them."""
    provider = TracerProvider()
    provider.add_span_processor(SpanLook())
    use_tracing(provider)


def raise_leaks() -> None:
    """Raise AssertionError where something was found since the last time."""
    found = list(_found)
    _found.clear()
    assert not found, "\n".join(found)


def look_at_files(folder: Path) -> None:
    """Look at what processes of Heed have written into files of the folder."""
    for path in folder.rglob("*"):
        if path.name in _LOG_FILES and path.is_file():
            for line in _lines_of_heed(path):
                _look(f"{path}", line)


def _lines_of_heed(path: Path) -> Iterator[str]:
    """Lines but for those that tell a developer the key of a Heed on one machine."""
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        if not line.startswith("Admin key:"):
            yield line
