"""Division of a raw mail (RFC 5322, MIME) into its parts within limits: its writer may mean harm.

The bodies are cut out by searching for boundaries, not read line by line: each level of nesting is one search through
its bytes. Each number that could make this long is bounded: header lines, parts, the depth of nesting, the length of
a header.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator
from email.message import Message
from email.policy import compat32
from email.utils import collapse_rfc2231_value
from typing import NamedTuple

from lib.mime.charsets import decode_text, html_label, is_charset
from lib.mime.header_values import without_raw_bytes


class MailLimits(NamedTuple):
    """Bounds of one mail."""

    parts: int
    depth: int
    header_lines: int
    """Lines of the headers of one part."""

    longest_header: int
    """Characters of one header's value."""


_MOST_HEADER_BYTES = 1_000_000
"""Bytes of the headers of all parts together."""

_MOST_SEARCHED = 250_000_000
"""Bytes that are searched for boundaries, each once for each level of nesting."""

_MOST_NEAR_DELIMITERS = 10_000
"""Lines that begin like a boundary and go on otherwise."""

_LONGEST_CONTENT_HEADER = 4_000
"""Characters that are read of a header by which a mail is divided: such headers are parsed in the square of their
length."""

_END_OF_HEADERS = re.compile(rb"(?:\A|\n)\r?+\n")
_END_OF_DELIMITER = re.compile(rb"(--)?+[ \t]*+\r?+(?:\n|\Z)")
_HEADER = re.compile(r"^([!-9;-~]++)[ \t]*+:[ \t]*+(.*+(?:\n[ \t].*+)*+)", re.MULTILINE)
"""A header with its folded lines (RFC 5322, 2.2). A line that is none is passed over."""


_FOLD = re.compile(r"[ \t]*+\r?\n([ \t]++)")
_BLANKS_OF_SOFT_BREAK = re.compile(rb"=[ \t]++(?=\r?\n)")
"""A soft line break with blanks that servers add (RFC 2045, 6.7, rule 3)."""

_BLANK_LINE = re.compile(rb"\n[ \t]*+\r?\n")
_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/=\s]")


class BadMail(ValueError):
    """A mail that is none, or goes beyond a limit; the text says which."""


class MailTooLarge(BadMail):
    """A mail with too many bytes, in all or in its HTML or text."""


class Leaf(NamedTuple):
    """A part that holds no parts, or a multipart whose boundary is nowhere."""

    headers: Message
    start: int
    """Place of its first byte in the mail, and of the byte after its last one."""
    end: int


class PartReader:
    """Divides one mail. `root` are its own headers; `multiparts` are those of all parts that hold others."""

    def __init__(self, raw: bytes, limits: MailLimits) -> None:
        self._raw, self._limits = raw, limits
        self._parts = self._near_delimiters = self._header_bytes = self._searched = 0
        self.root = Message(policy=compat32)
        self.multiparts: list[Message] = []

    def leaves(self) -> list[Leaf]:
        """Return the leaves in order; a mail in the mail is one leaf. Raises BadMail."""
        return self._leaves(0, len(self._raw), 0)

    def _leaves(self, start: int, end: int, depth: int) -> list[Leaf]:
        self._parts += 1
        if self._parts > self._limits.parts:
            raise BadMail(f"it has more than {self._limits.parts} parts")
        if depth > self._limits.depth:
            raise BadMail(f"its parts are nested deeper than {self._limits.depth}")
        headers, body = self._headers(start, end)
        if depth == 0:
            self.root = headers
        boundary = parameter(headers, "boundary") if headers.get_content_maintype() == "multipart" else None
        if not boundary:
            return [Leaf(headers, body, end)]
        self.multiparts.append(headers)
        self._searched += end - body
        if self._searched > _MOST_SEARCHED:
            raise BadMail("its parts are nested too deep for its size")
        delimiter = self._delimiter(boundary, body, end)
        found: list[Leaf] = []
        for first, last in self._between(delimiter, body, end):
            found += self._leaves(first, last, depth + 1)
        return found or [Leaf(headers, body, end)]  # a boundary that is nowhere

    def _headers(self, start: int, end: int) -> tuple[Message, int]:
        """Return the headers of the part there, and the place of its body."""
        blank = _END_OF_HEADERS.search(self._raw, start, min(end, start + _MOST_HEADER_BYTES + 2))
        if self._raw.startswith((b"\n", b"\r\n"), start, end):
            blank = None  # it begins with the blank line, so it has none
            body = self._raw.index(b"\n", start, end) + 1
            return Message(policy=compat32), body
        body = blank.end() if blank else end
        block = self._raw[start : min(body, start + _MOST_HEADER_BYTES + 1)]
        self._header_bytes += len(block)
        if block.count(b"\n") > self._limits.header_lines or self._header_bytes > _MOST_HEADER_BYTES:
            raise BadMail(
                f"its headers are longer than {self._limits.header_lines:,} lines or {_MOST_HEADER_BYTES:,} characters"
            )
        return self._parsed(block), body

    def _parsed(self, block: bytes) -> Message:
        """Return the headers of a block: `email` ends them at the first line that is none, and loses the rest."""
        headers = Message(policy=compat32)
        for found in _HEADER.finditer(block.replace(b"\r\n", b"\n").decode("ascii", "surrogateescape")):
            name, value = found[1], found[2].replace("\x00", "")
            if len(value) > self._limits.longest_header:
                raise BadMail(f"its header {name[:40]} is longer than {self._limits.longest_header:,} characters")
            if name.lower().startswith("content-"):
                value = without_raw_bytes(value[:_LONGEST_CONTENT_HEADER])
            headers.set_raw(name, value)
        return headers

    def _delimiter(self, boundary: str, start: int, end: int) -> bytes:
        """Return the boundary as it stands in the body. IBM Notes folds it in the header, inside its quotes."""
        likely = [boundary] if "\n" not in boundary else [_FOLD.sub(by, boundary) for by in (" ", "", r"\1")]
        delimiters = [b"--" + each.encode("utf-8", "surrogateescape") for each in likely]
        return next((each for each in delimiters if self._raw.find(each, start, end) >= 0), delimiters[0])

    def _between(self, delimiter: bytes, start: int, end: int) -> Iterator[tuple[int, int]]:
        """Yield the places of parts between lines that begin with the delimiter. A part that is never closed runs to
        the end."""
        part: int | None = None
        place = start - 1  # the line end before the body is one before a first delimiter, too
        while (place := self._raw.find(b"\n" + delimiter, max(0, place), end)) >= 0:
            closing = _END_OF_DELIMITER.match(self._raw, place + 1 + len(delimiter), end)
            if closing is None:
                self._near_delimiters += 1
                if self._near_delimiters > _MOST_NEAR_DELIMITERS:
                    raise BadMail(f"it has more than {_MOST_NEAR_DELIMITERS:,} lines that begin like a boundary")
                place += 1
                continue
            if part is not None:
                yield part, max(part, place - self._raw.endswith(b"\r", part, place))
            if closing[1]:
                return
            part = closing.end()
            place = part - 1
        if part is not None:
            yield part, end

    def decoded(self, leaf: Leaf, most: int | None = None) -> bytes:
        """Return the bytes of a leaf without their transfer encoding (RFC 2045, 6); at most about `most` of them."""
        # Each byte takes up to three in quoted-printable; line ends and blanks are the rest.
        end = leaf.end if most is None else min(leaf.end, leaf.start + 4 * most)
        data = self._raw[leaf.start : end]
        encoding = transfer_encoding(leaf.headers)
        if encoding == "base64":
            data = _from_base64(data)
        elif encoding == "quoted-printable":
            data = binascii.a2b_qp(_BLANKS_OF_SOFT_BREAK.sub(b"=", data))
        return data if most is None else data[:most]

    def size(self, leaf: Leaf) -> int:
        """Return the bytes of a leaf once it is decoded; of base64 about, as it is not decoded for that."""
        size = leaf.end - leaf.start
        return size * 3 // 4 if transfer_encoding(leaf.headers) == "base64" else size


def first_value(headers: Message, name: str) -> str:
    """Return the first header of this name as it came, raw bytes as surrogates; empty where there is none."""
    name = name.lower()
    return next((str(value) for each, value in headers.raw_items() if each.lower() == name), "")


def parameter(headers: Message, name: str, header: str = "content-type") -> str | None:
    """Return a parameter of a header (RFC 2045, 5.1; RFC 2231); None where it is missing or cannot be read."""
    try:
        value = headers.get_param(name, header=header)
        return None if value is None else collapse_rfc2231_value(value).strip()
    except (TypeError, ValueError, LookupError):  # `email` fails on continuations that contradict each other
        return None


def decode_leaf(data: bytes, headers: Message) -> str:
    """Decode a leaf's text by its Content-Type; HTML may name its character set in itself."""
    label = parameter(headers, "charset")
    if not is_charset(label) and headers.get_content_type() == "text/html":
        label = html_label(data)
    return decode_text(data, label)


def transfer_encoding(headers: Message) -> str:
    """Return the transfer encoding in lower case, without what some programs put after it."""
    words = str(headers.get("content-transfer-encoding", "")).replace(";", " ").split(maxsplit=1)
    return words[0].strip("\"'").lower() if words else ""


def _from_base64(data: bytes) -> bytes:
    """Decode as much as can be decoded; return the bytes as they are where that is nothing.

    Mailing lists and virus scanners add words of their own after a blank line, without encoding them.
    """
    data = data.strip()
    blank = _BLANK_LINE.search(data)
    if blank is not None and _NOT_BASE64.search(data, blank.end()):
        data = data[: blank.start()]
    try:
        return binascii.a2b_base64(data + b"==")
    except binascii.Error:
        return data
