"""Text files: whether a file is text from end to end, in which character set, and the method of a calendar."""

from __future__ import annotations

import codecs
import re
from typing import NamedTuple

PIECE = 65_536
"""Bytes that are read at a time, so that a long file does not keep other threads waiting."""

_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8", "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32", "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32", "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16", "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16", "utf-16"),
)
"""The mark, the character set, and Python's name of the codec that drops the mark."""

_IN_NO_TEXT = bytes({*range(32), 0x7F} - {*b"\t\n\f\r\x1a\x1b"})
"""Control characters that no text holds. End-of-file (1A) stands at the end of texts from DOS."""

_IN_NO_WIDE_TEXT = re.compile(f"[{_IN_NO_TEXT.decode()}\ufffe\uffff]")
"""The same among characters of two or four bytes, and noncharacters."""

_FOLD = re.compile(r"(?:\r\n|\n|\r)[ \t]")
_LINE_END = re.compile(r"\r\n|\n|\r")
_METHOD = re.compile(r"[A-Z0-9-]{1,40}")


class Text(NamedTuple):
    """A file that is text."""

    charset: str | None
    """The character set, in the words of Content-Type; None for one of many with a byte a letter, which bytes do not
    tell apart."""
    start: str
    """The first 64 KB, decoded, without a byte order mark; read as Latin-1 where the character set is not known."""


def read_text(data: bytes | memoryview) -> Text | None:
    """Read a file through as text. Return None where a byte of it is in no text. Takes about a second for 100 MB."""
    for mark, charset, codec in _BYTE_ORDER_MARKS:
        if bytes(data[: len(mark)]) == mark:
            return _decoded(data, charset, codec)
    return _decoded(data, "utf-8", "utf-8") or _decoded(data, None, "latin-1")


def calendar_method(text: str) -> str | None:
    """Return the method of an iCalendar object, in upper case; None where it has none, or more than one.

    The method is a property of the calendar itself, not of an event in it; long lines are folded (RFC 5545, 3.1 and
    3.7.2).
    """
    depth, methods = 0, set[str]()
    for line in _LINE_END.split(_FOLD.sub("", text)):
        name, _, value = line.partition(":")
        name = name.partition(";")[0].strip().upper()
        depth += (name == "BEGIN") - (name == "END")
        if name == "METHOD" and depth == 1:
            methods.add(value.strip().upper())
    method = methods.pop() if len(methods) == 1 else ""
    return method if _METHOD.fullmatch(method) else None


def _decoded(data: bytes | memoryview, charset: str | None, codec: str) -> Text | None:
    decoder = codecs.getincrementaldecoder(codec)()
    is_wide = codec in ("utf-16", "utf-32")
    first: str | None = None
    for place in range(0, len(data) or 1, PIECE):
        raw = bytes(data[place : place + PIECE])
        if not is_wide and len(raw.translate(None, _IN_NO_TEXT)) < len(raw):
            return None
        try:
            piece = decoder.decode(raw, final=place + PIECE >= len(data))
        except UnicodeDecodeError:
            return None
        if is_wide and _IN_NO_WIDE_TEXT.search(piece):
            return None
        first = piece if first is None else first
    return Text(charset, first or "")
