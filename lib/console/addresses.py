"""Recipients as people type them: `Ada Lovett <ada@example.com>`, one a line or with commas or semicolons between."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import NamedTuple

_NEEDS_QUOTES = re.compile(r'[,;<>"]')
_SEPARATORS = ",;\n"
_SCHEME = "mailto:"


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
            found += _typed(whole)
    found += _typed(waiting) if waiting else []
    return [each for each in found if any(each)]


def write_recipients(recipients: Sequence[Typed]) -> str:
    """Write recipients one a line, as `read_recipients` reads them."""
    return "\n".join(f"{_quoted(each.name)} <{each.email}>" if each.name else each.email for each in recipients)


def _typed(part: str) -> list[Typed]:
    """Read what stands between separators: one recipient, or several addresses with blanks between."""
    name, opened, email = part.rpartition("<")
    if opened and part.endswith(">"):
        return [Typed(_address(email[:-1]), _unquoted(name.strip()))]
    *before, last = part.split()
    if all("@" in word for word in (*before, last)):
        return [Typed(_address(word)) for word in (*before, last)]
    if "@" in last and "@" not in "".join(before):
        return [Typed(_address(last.strip("()[]")), _unquoted(" ".join(before)))]
    return [Typed(_address(part))]


def _address(text: str) -> str:
    """Return an address without what is copied along: the scheme of a link, and signs that nobody sees."""
    seen = "".join(sign for sign in text if unicodedata.category(sign) != "Cf").strip()
    return seen[len(_SCHEME) :] if seen.lower().startswith(_SCHEME) else seen


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
