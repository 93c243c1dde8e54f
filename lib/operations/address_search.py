"""Search of a backup for erased addresses: only their hashes are known.

An address ends where no rule of its grammar tells: it stands in JSON, in a URL, in quotes, in a sentence. So every end
of what stands before an @, with every beginning of what stands behind it, is hashed.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterable, Iterator
from urllib.parse import unquote

from lib.mime.texts import texts_of_mail
from lib.storage import Row
from lib.storage.columns import text_of
from lib.storage.layout import MAILS

_LONGEST_LOCAL_PART = 64
_LONGEST_DOMAIN = 253
_NOT_IN_LOCAL_PART = r"\s\"<>(),;:@\\\[\]\x00-\x1f"
_LOCAL_PART = re.compile(rf"[^{_NOT_IN_LOCAL_PART}]+\Z")
_SIGN = re.compile(rf"(?<=[^{_NOT_IN_LOCAL_PART}])@(?=[^\W_])")
_DOMAIN = re.compile(r"(?:[^\W_]|[.-])+")
_DOMAIN_ENDS = re.compile(r"(?<=[^\W_])(?!-|[^\W_])")
_LONGEST_ENCODED = 8 * 1024
"""Bytes of the longest address in the most wasteful encoding, with some to spare."""

_LARGEST_MAIL = 32 * 1024 * 1024
"""Bytes of a raw mail that are read at once: more than any that is taken in."""

_MOST_REMEMBERED = 100_000


class AddressSearch:
    """Finds the addresses of these hashes; `hash_address` gives the hash of one."""

    def __init__(self, hash_address: Callable[[str], str], hashes: set[str]) -> None:
        self._hash = hash_address
        self._hashes = hashes
        self._looked_at: set[tuple[str, str]] = set()
        self.found: set[str] = set()

    def look_at_row(self, row: Row) -> None:
        """Find those that a row names, in a column or in a document that stands in several."""
        if self._hashes:
            texts = [text_of(row), text_of(row, "f"), *(each for each in row.values.values() if isinstance(each, str))]
            for text in texts:
                self._look_at(text)

    def look_at_blob(self, name: str, pieces: Iterable[bytes]) -> None:
        """Find those that a blob names, which comes in pieces. A large raw mail takes a second."""
        if self._hashes:
            for text in _texts_of(iter(pieces), is_mail=name.startswith(MAILS)):
                self._look_at(text)

    def _look_at(self, text: str) -> None:
        for each in _readings(text):
            for local, domain in _around_signs(each):
                if (local, domain) in self._looked_at:
                    continue
                if len(self._looked_at) >= _MOST_REMEMBERED:
                    self._looked_at.clear()
                self._looked_at.add((local, domain))
                candidates = _candidates(local, domain)
                self.found.update(address for address in candidates if self._hash(address) in self._hashes)


def _texts_of(pieces: Iterator[bytes], *, is_mail: bool) -> Iterator[str]:
    """The pieces as texts, each with the end of the one before it; a mail, as far as mails go, without encodings."""
    end = b""
    if is_mail:
        mail = bytearray()
        while len(mail) < _LARGEST_MAIL and (piece := next(pieces, b"")):
            mail += piece
        yield from texts_of_mail(bytes(mail))
        end = bytes(mail[-_LONGEST_ENCODED:])
    for piece in pieces:
        yield (end + piece).decode("utf-8", "replace")
        end = (end + piece)[-_LONGEST_ENCODED:]


def _readings(text: str) -> Iterator[str]:
    """The text as it is, and without the encodings that hide an @ or a letter."""
    yield text
    if "%" in text:
        yield unquote(text)
    if "&" in text:
        yield html.unescape(text)
    if "\\u" in text:
        yield re.sub(r"\\u([0-9a-fA-F]{4})", lambda found: chr(int(found[1], 16)), text)


def _around_signs(text: str) -> Iterator[tuple[str, str]]:
    """Yield what stands before and behind each @, in lower case."""
    for sign in _SIGN.finditer(text):
        at, behind = sign.start(), sign.end()
        local = _LOCAL_PART.search(text[max(0, at - _LONGEST_LOCAL_PART) : at])
        domain = _DOMAIN.match(text, behind, behind + _LONGEST_DOMAIN)
        if local and domain:
            yield local[0].lower(), domain[0].lower()


def _candidates(local: str, domain: str) -> Iterator[str]:
    """Every address that may be meant, long ones first."""
    ends = [found.start() for found in _DOMAIN_ENDS.finditer(domain)]
    for end in reversed(ends):
        for start in range(len(local)):
            yield f"{local[start:]}@{domain[:end]}"
