"""Recipients as people type them: `Ada Lovett <ada@example.com>`, one a line or with commas or semicolons between."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

_NEEDS_QUOTES = re.compile(r'[,;<>"]')
_SEPARATORS = ",;\n"


class Typed(NamedTuple):
    """A recipient as typed. The address is not checked."""

    email: str
    name: str = ""


def read_recipients(text: str) -> list[Typed]:
    """Read typed recipients. `Lovett, Ada <ada@example.com>` is one of them, as mail programs write it."""
    found, waiting = list[Typed](), ""
    for part, separator in _parts(text):
        whole = ", ".join(each for each in (waiting, part) if each)
        waiting = ""
        # A comma after words without an address stands within a name.
        if separator == "," and part and "@" not in part and '"' not in part:
            waiting = whole
        elif whole:
            found.append(_typed(whole))
    return found + ([_typed(waiting)] if waiting else [])


def write_recipients(recipients: Sequence[Typed]) -> str:
    """Write recipients one a line, as `read_recipients` reads them."""
    return "\n".join(f"{_quoted(each.name)} <{each.email}>" if each.name else each.email for each in recipients)


def _typed(part: str) -> Typed:
    name, opened, email = part.rpartition("<")
    if not opened or not part.endswith(">"):
        return Typed(part)
    return Typed(email[:-1].strip(), _unquoted(name.strip()))


def _parts(text: str) -> list[tuple[str, str]]:
    """Split at separators outside of quotes and of angle brackets; each part with the separator that ends it."""
    parts, part, closing = list[tuple[str, str]](), "", ""
    for sign in text.replace("\r\n", "\n").replace("\r", "\n"):
        if closing and sign not in (closing, "\n"):
            part += sign
        elif sign in _SEPARATORS:
            parts.append((part.strip(), sign))
            part, closing = "", ""
        else:
            closing = "" if closing else {'"': '"', "<": ">"}.get(sign, "")
            part += sign
    return [*parts, (part.strip(), "\n")]


def _quoted(name: str) -> str:
    return f'"{name.replace(chr(34), chr(39))}"' if _NEEDS_QUOTES.search(name) else name


def _unquoted(name: str) -> str:
    return name[1:-1] if len(name) > 1 and name[0] == name[-1] == '"' else name
