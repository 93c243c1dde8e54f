"""Compound files (OLE): old Office documents, Outlook messages and Windows installers, told by what is in them.

Such a file is a file system of its own: sectors, a table of their order, and a directory. Its root may carry the class
of the program that wrote the file; programs that open it look for a stream of a fixed name. Source: MS-CFB 2.2 to 2.6.

The file may lie, and its sectors may form circles: a bounded number of sectors and of entries is read.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple
from uuid import UUID

SIGNATURE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"

_INSTALLER = "application/x-msi"
_WORD = "application/msword"
_EXCEL = "application/vnd.ms-excel"
_POWERPOINT = "application/vnd.ms-powerpoint"
_OUTLOOK = "application/vnd.ms-outlook"
_VISIO = "application/vnd.visio"
_PROJECT = "application/vnd.ms-project"
_PUBLISHER = "application/x-mspublisher"

_INSTALLER_CLASSES = frozenset(UUID(f"000c108{digit}-0000-0000-c000-000000000046") for digit in "246")
"""Installers, transforms and patches of Windows Installer, which go by the class alone."""

_STREAMS = {
    "worddocument": _WORD,
    "workbook": _EXCEL,
    "book": _EXCEL,
    "powerpoint document": _POWERPOINT,
    "visiodocument": _VISIO,
    "__properties_version1.0": _OUTLOOK,
}
"""Names of streams, in lower case, that the programs open. Sources: MS-DOC, MS-XLS, MS-PPT, MS-OXMSG, each 2.1."""

_CLASSES = {
    UUID("00020900-0000-0000-c000-000000000046"): _WORD,
    UUID("00020906-0000-0000-c000-000000000046"): _WORD,
    UUID("00020810-0000-0000-c000-000000000046"): _EXCEL,
    UUID("00020820-0000-0000-c000-000000000046"): _EXCEL,
    UUID("64818d10-4f9b-11cf-86ea-00aa00b929e8"): _POWERPOINT,
    UUID("ea7bae70-fb3b-11cd-a903-00aa00510ea3"): _POWERPOINT,
    UUID("00020d0b-0000-0000-c000-000000000046"): _OUTLOOK,
    UUID("00021a14-0000-0000-c000-000000000046"): _VISIO,
    UUID("74b78f3a-c8c8-11d1-be11-00c04fb6faf1"): _PROJECT,
    UUID("00021201-0000-0000-00c0-000000000046"): _PUBLISHER,
}
"""Classes that programs register for their documents."""

_MOST_SECTORS = 1_024
_MOST_ENTRIES = 4_096
_ENTRY = 128
"""Bytes of an entry of the directory."""

_IN_HEADER = 109
"""Sectors of the table of sectors that the header names itself."""

_MOST_JUMPS = 16
"""Sectors that name further sectors of the table. One is enough for 8 MB."""

_LAST_SECTOR = 0xFFFFFFFA
_LAST_ENTRY = 0xFFFFFFFA


class _Entry(NamedTuple):
    name: str
    left: int
    right: int
    child: int
    class_id: UUID


def compound_type(data: bytes | memoryview) -> str | None:
    """Return the media type of a compound file; None for other kinds and broken files. Takes some ms."""
    try:
        return _type(_Sectors(data))
    except (struct.error, ValueError):
        return None


def _type(sectors: _Sectors) -> str | None:
    directory = b"".join(sectors.read_chain(sectors.directory))
    root = _entry(directory, 0)
    if root.class_id in _INSTALLER_CLASSES:
        return _INSTALLER
    for entry in _children(directory, root):
        if found := _STREAMS.get(entry.name.lower()):
            return found
    return _CLASSES.get(root.class_id)


class _Sectors:
    """The sectors of a file. Reading raises struct.error beyond the file's end."""

    def __init__(self, data: bytes | memoryview) -> None:
        self._data = data
        (shift,) = struct.unpack_from("<H", data, 30)
        if shift not in (9, 12):
            raise ValueError("sectors have 512 or 4,096 bytes")
        self._size = 1 << shift
        (self.directory,) = struct.unpack_from("<I", data, 48)
        (self._more,) = struct.unpack_from("<I", data, 68)

    def read_chain(self, sector: int) -> Iterator[bytes]:
        """Yield the sectors from one on, at most `_MOST_SECTORS`."""
        for _ in range(_MOST_SECTORS):
            if sector >= _LAST_SECTOR:
                return
            yield self._read(sector)
            sector = self._next(sector)

    def _read(self, sector: int) -> bytes:
        start = (sector + 1) * self._size
        return bytes(self._data[start : start + self._size])

    def _next(self, sector: int) -> int:
        index, within = divmod(sector, self._size // 4)
        (following,) = struct.unpack_from("<I", self._read(self._table_sector(index)), 4 * within)
        return int(following)

    def _table_sector(self, index: int) -> int:
        """Return the sector with a part of the table: named in the header, or in one of a chain of sectors."""
        if index < _IN_HEADER:
            return int(struct.unpack_from("<I", self._data, 76 + 4 * index)[0])
        jumps, within = divmod(index - _IN_HEADER, self._size // 4 - 1)
        if jumps > _MOST_JUMPS:
            raise ValueError("the table of sectors is longer than that of any file that is taken")
        names = self._read(self._more)
        for _ in range(jumps):
            names = self._read(struct.unpack_from("<I", names, self._size - 4)[0])
        return int(struct.unpack_from("<I", names, 4 * within)[0])


def _entry(directory: bytes, number: int) -> _Entry:
    """Read an entry. Raises struct.error."""
    place = number * _ENTRY
    (length,) = struct.unpack_from("<H", directory, place + 64)
    left, right, child = struct.unpack_from("<III", directory, place + 68)
    name = directory[place : place + max(0, min(length, 64) - 2)].decode("utf-16-le", "replace")
    return _Entry(name, left, right, child, UUID(bytes_le=directory[place + 80 : place + 96]))


def _children(directory: bytes, root: _Entry) -> Iterator[_Entry]:
    """Yield the entries of the root alone: embedded documents stand deeper. They form a binary tree."""
    waiting, seen = [root.child], set[int]()
    while waiting and len(seen) < _MOST_ENTRIES:
        number = waiting.pop()
        if number < _LAST_ENTRY and number not in seen and (number + 1) * _ENTRY <= len(directory):
            seen.add(number)
            entry = _entry(directory, number)
            yield entry
            waiting += (entry.left, entry.right)
