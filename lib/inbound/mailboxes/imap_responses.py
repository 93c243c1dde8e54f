"""Responses of IMAP servers (RFC 3501, 7 and 9), as far as polling needs them: pure functions over their lines.

A response is a line in which every literal was replaced by `{number}` without its bytes; the literals stand beside
it.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from datetime import datetime

_STATUS_ITEMS = re.compile(rb"\(([^()]*)\)\s*$")
_CODE = re.compile(rb"(?:OK|NO|BAD|BYE|PREAUTH) \[([A-Z0-9-]+)[ \]]", re.IGNORECASE)
_FETCH = re.compile(rb"[0-9]+ FETCH \((.*)\)\s*$", re.IGNORECASE | re.DOTALL)
_FLAGS = re.compile(rb"FLAGS \(([^()]*)\)", re.IGNORECASE)
_BODY = re.compile(rb'BODY\[[A-Z]*\](?:<[0-9]+>)? (\{[0-9]+\}|NIL|"(?:[^"\\]|\\.)*")', re.IGNORECASE | re.DOTALL)
_UID = re.compile(rb"\bUID ([0-9]{1,10})\b", re.IGNORECASE)
_SIZE = re.compile(rb"\bRFC822\.SIZE ([0-9]{1,19})\b", re.IGNORECASE)
_DATE = re.compile(rb'INTERNALDATE "([^"]{1,40})"', re.IGNORECASE)
_ESCAPED = re.compile(rb"\\(.)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Response:
    """A response, tagged or not."""

    line: bytes
    """The line without its tag and line end, with `{number}` for each literal."""

    literals: tuple[bytes, ...] = ()

    @property
    def code(self) -> str | None:
        """The response code in brackets, such as `NONEXISTENT` (RFC 5530)."""
        found = _CODE.match(self.line)
        return found[1].decode("ascii").upper() if found else None


@dataclass(frozen=True, slots=True)
class Fetched:
    """The items of a FETCH response."""

    uid: int
    flags: tuple[str, ...] = ()
    """System flags such as `\\Draft`, and keywords."""

    size: int | None = None
    """Bytes."""

    arrived: datetime | None = None
    """INTERNALDATE."""

    body: bytes | None = None


def status_items(response: Response) -> dict[str, int] | None:
    """Return the numbers of a STATUS response by their names; None for another response.

    The name of the folder may itself look like an item: only the last parentheses count.
    """
    if not response.line.upper().startswith(b"STATUS "):
        return None
    found = _STATUS_ITEMS.search(response.line)
    words = found[1].split() if found else []
    pairs = zip(words[::2], words[1::2], strict=False)
    return {name.decode("ascii", "replace").upper(): int(value) for name, value in pairs if value.isdigit()}


def found_uids(response: Response) -> list[int]:
    """Return the numbers of a SEARCH response; none for another response."""
    if not response.line.upper().startswith(b"SEARCH"):
        return []
    numbers = response.line.partition(b"(")[0]  # a search by MODSEQ ends with the highest one, in parentheses
    return [int(word) for word in numbers.split()[1:] if word.isdigit()]


def fetched(response: Response) -> Fetched | None:
    """Return what a FETCH response says; None for another response, and for one without a UID."""
    found = _FETCH.match(response.line)
    if found is None:
        return None
    items, flags = found[1], _FLAGS.search(found[1])
    body = _BODY.search(items)
    # Keywords and the body may look like items.
    rest = _BODY.sub(b"", _FLAGS.sub(b"", items))
    uid, size, date = _UID.search(rest), _SIZE.search(rest), _DATE.search(rest)
    if uid is None:
        return None
    return Fetched(
        uid=int(uid[1]),
        flags=tuple(flag.decode("utf-8", "replace") for flag in flags[1].split()) if flags else (),
        size=int(size[1]) if size else None,
        arrived=_time(date[1]) if date else None,
        body=_text(body[1], response.literals) if body else None,
    )


def _text(value: bytes, literals: tuple[bytes, ...]) -> bytes:
    if value.startswith(b"{"):
        return literals[-1] if literals else b""
    return b"" if value.upper() == b"NIL" else _ESCAPED.sub(rb"\1", value[1:-1])


def _time(value: bytes) -> datetime | None:
    try:
        return datetime.strptime(value.decode("ascii").strip(), "%d-%b-%Y %H:%M:%S %z")
    except ValueError:
        return None


def encode_folder(path: str) -> bytes:
    """Encode the name of a folder in modified UTF-7 (RFC 3501, 5.1.3)."""
    out, run = bytearray(), ""
    for character in [*path, ""]:
        if character and not " " <= character <= "~":
            run += character
            continue
        if run:
            coded = base64.b64encode(run.encode("utf-16-be", "surrogatepass")).rstrip(b"=").replace(b"/", b",")
            out += b"&" + coded + b"-"
            run = ""
        out += b"&-" if character == "&" else character.encode("ascii")
    return bytes(out)


def quoted(text: bytes) -> bytes:
    """Quote a string that has no line end and no byte over 127 (RFC 3501, 4.3)."""
    return b'"' + text.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'


def can_be_quoted(text: bytes) -> bool:
    """Whether a quoted string can hold the text; else it goes as a literal."""
    return all(31 < byte < 127 for byte in text)
