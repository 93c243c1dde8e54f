"""Data subjects: how what is held about an address is recognized, and what stands in its place once it is erased.

A text is about the subject where it holds the whole address, in whatever case: as it is, escaped for a URL, HTML, JSON
or quoted-printable, or within the address of a mailing list or a Message-ID (`bounces+ada=example.com@…`,
`<bounce-ada@example.com@…>`). The part before the `@` counts by itself only where it is unmistakable: six characters at
least, and one among them that stands in no name. Names such as `ada` or `o'connor` are words, and other people's.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.entities import html5
from typing import Any

from lib.people.addresses import same_mailbox
from lib.people.erased_addresses import stand_in_for
from lib.storage import Row, Value
from lib.storage.columns import columns, text_of

GONE = "[erased]"
"""Stands in a text in place of the address."""

_SHORTEST_LOCAL_PART = 6
_BEFORE = (
    r"(?:(?<![A-Za-z0-9._+\-])"
    r"|(?<=%[0-9A-Fa-f]{2})|(?<=%25[0-9A-Fa-f]{2})"  # as in a URL, or in a URL in a URL
    r"|(?<![\\][\\][nrtbf])(?<=[\\][nrtbf])|(?<=[\\]u00[0-9A-Fa-f]{2}))"  # as in JSON, of a line break and the like
)
_AFTER = r"(?![A-Za-z0-9\-])(?!\.[A-Za-z0-9])"
_SOFT_BREAK = r"(?:=\r?\n)?"
"""A line break that quoted-printable puts anywhere."""

_HIDES_LETTERS = re.compile(r"&#|=\r?\n")
_IN_NAMES = re.compile(r"['\u2019\-]")
_AFTER_LOCAL_PART = r"(?![A-Za-z0-9_+\-])(?!\.[A-Za-z0-9])"


@dataclass(frozen=True, slots=True)
class Subject:
    """The owner of an address."""

    email: str
    address_hash: str
    """The hash of the address, 32 hexadecimal digits."""

    person_hash: str = ""
    """The hash by which rows of smart matching name the person, 16 hexadecimal digits."""

    pattern: re.Pattern[str] = field(init=False, repr=False)
    core: str = field(init=False, repr=False)
    """The longest part of the address that stands in a text as it is, unless the text hides letters."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "pattern", _pattern(self.email))
        runs = re.findall(r"[a-z0-9]+", self.email.rpartition("@")[0].lower())
        object.__setattr__(self, "core", max(runs, key=len, default=""))

    @property
    def stand_in(self) -> str:
        """The address that stands in place of the subject's."""
        return stand_in_for(self.address_hash)

    def has_address(self, email: str) -> bool:
        """Whether this is the subject's address."""
        return same_mailbox(email) == same_mailbox(self.email)

    def is_in(self, text: str) -> bool:
        """Whether the text names the address."""
        return self._may_be_in(text) and self.pattern.search(text) is not None

    def is_in_row(self, row: Row) -> bool:
        """Whether a row names the address, in a column or in a document that stands in several."""
        text = text_of(row) or text_of(row, "f")
        others = [value for value in row.values.values() if isinstance(value, str)]
        return self.is_in(text) or any(map(self.is_in, others)) or self.is_in(f"{row.partition} {row.key}")

    def redact_text(self, text: str) -> str:
        """Return the text without the address."""
        return self.pattern.sub(GONE, text) if self._may_be_in(text) else text

    def _may_be_in(self, text: str) -> bool:
        """Whether the text is worth the pattern, which takes a second for a million characters."""
        return self.core in text.lower() or _HIDES_LETTERS.search(text) is not None

    def redact(self, value: Any) -> Any:
        """Return a JSON value without the address, and without the name that stands beside it."""
        if isinstance(value, str):
            return self.stand_in if self.has_address(value) else self.redact_text(value)
        if isinstance(value, list):
            return [self.redact(each) for each in value]
        if isinstance(value, dict):
            redacted = {self.redact_text(name): self.redact(each) for name, each in value.items()}
            if isinstance(value.get("email"), str) and self.has_address(value["email"]) and "name" in value:
                redacted["name"] = ""
            return redacted
        return value

    def redact_columns(self, row: Row) -> dict[str, Value]:
        """Return the columns of a row without the address."""
        document, kept = text_of(row), dict(row.values)
        if document:
            for name in columns(document):
                kept.pop(name, None)
            kept = {name: value for name, value in kept.items() if not re.fullmatch(r"d[0-9]+", name)}
        others = {name: self.redact_text(value) if isinstance(value, str) else value for name, value in kept.items()}
        return {**others, **columns(self._redact_document(document))}

    def _redact_document(self, document: str) -> str:
        try:
            value = json.loads(document) if document else None
        except ValueError:
            return self.redact_text(document)
        return json.dumps(self.redact(value), ensure_ascii=False, separators=(",", ":")) if document else ""


def _pattern(email: str) -> re.Pattern[str]:
    local, _, domain = email.rpartition("@")
    domains = dict.fromkeys([domain, _as_shown(domain)])
    forms = [f"{local}{at}{each}" for each in domains for at in "@="]
    whole = "|".join(map(_spelled, forms))
    found = rf"{_BEFORE}(?:{whole}){_AFTER}|(?:{whole})(?=@)"
    if len(local) >= _SHORTEST_LOCAL_PART and not _IN_NAMES.sub("", local).isalpha():
        found += rf"|{_BEFORE}{_spelled(local)}{_AFTER_LOCAL_PART}"
    return re.compile(found, re.IGNORECASE)


def _spelled(text: str) -> str:
    """Return a pattern for the text in all of its spellings."""
    return _SOFT_BREAK.join(f"(?:{'|'.join(_spellings(character))})" for character in text)


def _spellings(character: str) -> Iterator[str]:
    """Yield patterns for a character: as it is, in URLs, in HTML, in JSON, and in quoted-printable."""
    code, encoded = ord(character), character.encode()
    yield re.escape(character)
    yield rf"&#0*{code};|&#x0*{code:x};"
    if character.isascii() and character.isalnum():
        return  # only those who hide addresses from robots write it otherwise
    yield "".join(f"%(?:25)*{byte:02x}" for byte in encoded)
    yield from (rf"&{name}" for name, value in html5.items() if value == character and name.endswith(";"))
    yield rf"\\u{code:04x}"
    if character in '"\\/':
        yield re.escape(f"\\{character}")
    yield "".join(f"={byte:02x}" for byte in encoded)


def _as_shown(domain: str) -> str:
    """Return the domain as it is written in its own script."""
    try:
        return domain.encode("ascii").decode("idna")
    except UnicodeError:
        return domain
