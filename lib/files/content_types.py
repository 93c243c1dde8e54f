"""Content types, told by a file's bytes: the word of its sender counts for nothing, and its name for little.

Text comes first. Many signatures are two or three letters that a text may begin with, such as BM, MZ or ID3: they count
for binary data only. A file that a browser would run is never called by its type: it is a download of unknown kind.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from filetype import guess_mime

from lib.files import compound_files, zip_types
from lib.files.texts import Text, calendar_method, read_text

UNKNOWN = "application/octet-stream"

_LOOKED_AT = 8192
"""Bytes or characters at the beginning that are looked at: as far as signatures reach."""

_TEXTS = {
    "csv": "text/csv",
    "tsv": "text/tab-separated-values",
    "ics": "text/calendar",
    "vcf": "text/vcard",
    "json": "application/json",
    "md": "text/markdown",
}
"""Kinds of plain text that only the name can tell apart, and that no program runs."""

_WRITTEN_FORMATS = (
    (re.compile(r"%PDF-[0-9]"), "application/pdf"),
    (re.compile(r"%!PS-Adobe-[0-9]"), "application/postscript"),
    (re.compile(r"\{\\rtf[0-9]"), "application/rtf"),
)
"""Formats whose files may be text from end to end. Their signatures are too long for chance."""

_CALENDAR = re.compile(r"\s*BEGIN:VCALENDAR\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class FileKind:
    """The kind of a file, as its bytes tell it."""

    media_type: str | None = None
    """None for a plain text."""
    charset: str | None = None
    """The character set of a plain text, where it is known."""
    calendar: bool = False
    """Whether the text is an iCalendar object (RFC 5545)."""
    method: str | None = None
    """The method of a calendar."""

    def content_type(self, filename: str) -> str:
        """Return the media type with its parameters. `filename` only tells one harmless text from another."""
        if self.media_type is not None:
            return self.media_type
        kind = _TEXTS.get(filename.rpartition(".")[2].lower(), "text/plain")
        if kind == "application/json" and self.charset == "utf-8":
            return kind  # it is always in UTF-8, and has no parameters (RFC 8259, 11)
        if kind == "application/json" or (kind == "text/calendar" and not self.calendar):
            kind = "text/plain"
        method = f"; method={self.method}" if self.method and kind == "text/calendar" else ""
        return f"{kind}{method}" + (f"; charset={self.charset}" if self.charset else "")


def read_kind(data: bytes | memoryview) -> FileKind:
    """Find a file's kind. A text is read through, which takes about a second for 100 MB: call it in a thread."""
    start = bytes(data[:_LOOKED_AT])
    if start.startswith(zip_types.SIGNATURES):
        return FileKind(zip_types.zip_type(data))
    if start.startswith(compound_files.SIGNATURE):
        return FileKind(compound_files.compound_type(data) or UNKNOWN)
    text = read_text(data)
    if text is not None and (text.charset or start[:4].isascii()):
        return _kind_of_text(text)
    found: str | None = guess_mime(start)
    if found is None and text is not None:
        return _kind_of_text(text)
    return FileKind(found or UNKNOWN)


def _kind_of_text(text: Text) -> FileKind:
    start = text.start[:_LOOKED_AT]
    for beginning, media_type in _WRITTEN_FORMATS:
        if beginning.match(start):
            return FileKind(media_type)
    if _is_markup(start):
        return FileKind(UNKNOWN)
    calendar = _CALENDAR.match(start) is not None
    return FileKind(None, text.charset, calendar, calendar_method(text.start) if calendar else None)


def _is_markup(start: str) -> bool:
    """Whether it is HTML, SVG or other XML: all of it can hold scripts."""
    text = start.lstrip().lower()
    return text.startswith("<") or "<script" in text or "<svg" in text or "<html" in text
