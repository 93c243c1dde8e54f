"""Content types, told by a file's bytes: the word of its sender counts for nothing, and its name for little.

A file that a browser would run is never called by its type: it is a download of unknown kind.
"""

from __future__ import annotations

from codecs import getincrementaldecoder

from filetype import guess_mime

UNKNOWN = "application/octet-stream"

_LOOKED_AT = 8192
"""Bytes at the beginning that are looked at: as far as signatures reach."""

_TEXTS = {
    "csv": "text/csv",
    "ics": "text/calendar",
    "vcf": "text/vcard",
    "json": "application/json",
    "md": "text/markdown",
}
"""Kinds of plain text that only the name can tell apart, and that no program runs."""

_TEXT_CONTROLS = frozenset(b"\t\n\f\r\x1b")


def content_type(data: bytes | memoryview, filename: str) -> str:
    """Return the media type, without parameters. `filename` only tells one harmless text from another."""
    start = bytes(data[:_LOOKED_AT])
    found: str | None = guess_mime(start)
    if found is not None:
        return found
    if not _is_text(start, cut=len(data) > _LOOKED_AT) or _is_markup(start):
        return UNKNOWN
    return _TEXTS.get(filename.rpartition(".")[2].lower(), "text/plain")


def _is_text(start: bytes, *, cut: bool) -> bool:
    """Whether the bytes are text in UTF-8. The cut may go through a character."""
    if any(byte < 32 and byte not in _TEXT_CONTROLS for byte in start):
        return False
    try:
        getincrementaldecoder("utf-8")().decode(start, final=not cut)
    except UnicodeDecodeError:
        return False
    return True


def _is_markup(start: bytes) -> bool:
    """Whether it is HTML, SVG or other XML: all of it can hold scripts."""
    text = start.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    return text.startswith(b"<") or b"<script" in text or b"<svg" in text or b"<html" in text
