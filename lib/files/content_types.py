"""What a file is, by its bytes: what its sender or its name says of it is not asked.

What a browser would run is never called by its name: it is a download of unknown kind.
"""

from __future__ import annotations

from codecs import getincrementaldecoder

from filetype import guess_mime

UNKNOWN = "application/octet-stream"

_LOOKED_AT = 8192
"""Bytes: as far as signatures reach."""

_TEXTS = {
    "csv": "text/csv",
    "ics": "text/calendar",
    "vcf": "text/vcard",
    "json": "application/json",
    "md": "text/markdown",
}
"""Kinds of plain text that nothing but the name can tell apart, and that no program runs."""

_TEXT_CONTROLS = frozenset(b"\t\n\f\r\x1b")


def content_type(data: bytes | memoryview, filename: str) -> str:
    """The media type, without parameters. `filename` only tells one harmless text from another."""
    start = bytes(data[:_LOOKED_AT])
    found: str | None = guess_mime(start)
    if found is not None:
        return found
    if not _is_text(start, cut=len(data) > _LOOKED_AT) or _is_markup(start):
        return UNKNOWN
    return _TEXTS.get(filename.rpartition(".")[2].lower(), "text/plain")


def _is_text(start: bytes, *, cut: bool) -> bool:
    """In UTF-8. The cut may go through a character."""
    if any(byte < 32 and byte not in _TEXT_CONTROLS for byte in start):
        return False
    try:
        getincrementaldecoder("utf-8")().decode(start, final=not cut)
    except UnicodeDecodeError:
        return False
    return True


def _is_markup(start: bytes) -> bool:
    """HTML, SVG or other XML: all of it can hold scripts."""
    text = start.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    return text.startswith(b"<") or b"<script" in text or b"<svg" in text or b"<html" in text
