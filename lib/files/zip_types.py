"""Documents that are ZIP archives: Office Open XML, OpenDocument and EPUB, told by what is written in them.

An Office document names the types of its parts in `[Content_Types].xml`, and the type of its main part says which
document it is (ECMA-376, part 2, 7.2.3). OpenDocument and EPUB have an entry `mimetype` (OpenDocument 1.3, part 2, 3.3;
EPUB OCF 3.3, 4.3). Both are looked up in the archive's directory, wherever they stand, as programs do that open it.

The archive may lie, and may be made to cost much: a bounded number of entries is read, and of an entry bounded bytes.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator
from typing import NamedTuple

ZIP = "application/zip"
SIGNATURES = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
"""The beginnings of an archive: an entry, the end of an empty one, and a volume of several."""

_MOST_ENTRIES = 10_000
_LONGEST_ENTRY = 1_000_000
"""Bytes of an entry, compressed and not. A presentation of 1,000 slides has content types of some 300 KB."""

_LONGEST_COMMENT = 65_535
_WRITTEN_ELSEWHERE = 0xFFFFFFFF
_STORED, _DEFLATED = 0, 8

_OFFICE = (
    (
        re.compile(
            r"application/vnd\.ms-(word\.(?:document|template)|excel\.(?:sheet|template|addin|sheet\.binary)"
            r"|powerpoint\.(?:presentation|template|slideshow|addin))\.macroEnabled(?:Template)?\.main(?:\+xml)?",
            re.IGNORECASE,
        ),
        "application/vnd.ms-{}.macroEnabled.12",
    ),
    (
        re.compile(
            r"application/vnd\.openxmlformats-officedocument\.(wordprocessingml\.(?:document|template)"
            r"|spreadsheetml\.(?:sheet|template)|presentationml\.(?:presentation|template|slideshow))\.main\+xml",
            re.IGNORECASE,
        ),
        "application/vnd.openxmlformats-officedocument.{}",
    ),
)
"""Types of main parts, and of the documents that have one. Documents that may hold macros come first."""

_CONTENT_TYPE = re.compile(r"""\bContentType\s*=\s*(?:"([^"]{1,200})"|'([^']{1,200})')""")
_MIMETYPE = re.compile(
    r"application/(?:epub\+zip|vnd\.oasis\.opendocument\.(?:text-web|text-master(?:-template)?|base|database"
    r"|(?:text|graphics|presentation|spreadsheet|chart|image|formula)(?:-template)?))"
)


class _Entry(NamedTuple):
    name: bytes
    method: int
    compressed: int
    """Bytes."""
    place: int
    """Of the entry's own header, from the archive's beginning."""


def zip_type(data: bytes | memoryview) -> str:
    """Return an archive's media type; `application/zip` for other archives. Takes some tens of ms at most."""
    try:
        entries = _named(data, (b"[content_types].xml", b"mimetype"))
        types, kind = (_content(data, entry) for entry in entries)
    except (struct.error, zlib.error, ValueError, OverflowError):
        return ZIP
    mimetype = kind.decode("latin-1").strip()
    return _office_type(types) or (mimetype if _MIMETYPE.fullmatch(mimetype) else ZIP)


def _named(data: bytes | memoryview, names: tuple[bytes, ...]) -> list[_Entry | None]:
    """Return the first entry of each name (in lower case), where there is one."""
    found: dict[bytes, _Entry] = {}
    for entry in _entries(data):
        if (name := entry.name.lower()) in names:
            found.setdefault(name, entry)
            if len(found) == len(names):
                break
    return [found.get(name) for name in names]


def _entries(data: bytes | memoryview) -> Iterator[_Entry]:
    """Yield the entries of the directory at the end. Source: PKWARE APPNOTE 6.3.10, 4.3.12 to 4.3.16."""
    directory, first = _directory(data)
    place = directory
    for _ in range(_MOST_ENTRIES):
        if bytes(data[place : place + 4]) != b"PK\x01\x02":
            return
        (method,) = struct.unpack_from("<H", data, place + 10)
        compressed, _, name, extra, comment = struct.unpack_from("<IIHHH", data, place + 20)
        (own,) = struct.unpack_from("<I", data, place + 42)
        yield _Entry(bytes(data[place + 46 : place + 46 + name]), method, compressed, first + own)
        place += 46 + name + extra + comment


def _directory(data: bytes | memoryview) -> tuple[int, int]:
    """Return the places of the directory, and of what its own offsets count from. Raises ValueError."""
    tail = max(0, len(data) - _LONGEST_COMMENT - 22)
    end = tail + bytes(data[tail:]).rindex(b"PK\x05\x06")
    size, offset = struct.unpack_from("<II", data, end + 12)
    if _WRITTEN_ELSEWHERE in (size, offset) and bytes(data[max(0, end - 20) : end - 16]) == b"PK\x06\x07":
        (end,) = struct.unpack_from("<Q", data, end - 12)
        size, offset = struct.unpack_from("<QQ", data, end + 40)
    directory = end - size
    if not 0 <= offset <= directory:
        raise ValueError("the directory is not where the archive says")
    return directory, directory - offset


def _content(data: bytes | memoryview, entry: _Entry | None) -> bytes:
    """Return the beginning of what an entry holds; nothing where it is missing, encrypted or packed another way."""
    if entry is None or bytes(data[entry.place : entry.place + 4]) != b"PK\x03\x04":
        return b""
    name, extra = struct.unpack_from("<HH", data, entry.place + 26)
    start = entry.place + 30 + name + extra
    packed = bytes(data[start : start + min(entry.compressed, _LONGEST_ENTRY)])
    if entry.method == _DEFLATED:
        return zlib.decompressobj(-zlib.MAX_WBITS).decompress(packed, _LONGEST_ENTRY)
    return packed if entry.method == _STORED else b""


def _office_type(types: bytes) -> str | None:
    utf16 = types[:2] in (b"\xff\xfe", b"\xfe\xff")
    text = types.decode("utf-16" if utf16 else "utf-8", "replace")
    named = [double or single for double, single in _CONTENT_TYPE.findall(text)]
    for main_part, document in _OFFICE:
        for name in named:
            if found := main_part.fullmatch(name.strip()):
                return document.format(found[1])
    return None
