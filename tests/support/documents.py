"""Small documents: ZIP archives as Office programs write them, and compound files as their forerunners did."""

import io
import struct
import zipfile
from collections.abc import Sequence
from uuid import UUID

NO_CLASS = UUID(int=0)

_FREE, _END, _TABLE = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD
_SECTOR = 512


def archive(*entries: str | tuple[str, str | bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A ZIP archive of names, or of names with what they hold."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", method) as file:
        for entry in entries:
            file.writestr(*((entry, "content") if isinstance(entry, str) else entry))
    return written.getvalue()


def content_types(main_part: str) -> tuple[str, str]:
    """The entry that names the types of parts, with this type for the main one."""
    return "[Content_Types].xml", (
        '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
        '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/>'
        '<Default Extension="xlsx" '
        'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"/>'
        f'<Override PartName="/main.xml" ContentType="application/{main_part}"/></Types>'
    )


def compound(*streams: str, root: UUID = NO_CLASS, embedded: Sequence[str] = (), padding: int = 0) -> bytes:
    """A compound file with empty streams at its root, and with others in a storage of it. Source: MS-CFB 2.

    `padding` is a number of unused sectors that stand before the directory.
    """
    names = [*streams, *(["ObjectPool"] if embedded else []), *embedded]
    first_embedded = len(streams) + 2
    entries = [_entry("Root Entry", 5, child=1 if names else _FREE, class_id=root)]
    for number, name in enumerate(names, start=1):
        last = number in (len(names) - len(embedded), len(names))
        child = first_embedded if name == "ObjectPool" else _FREE
        entries.append(_entry(name, 1 if child != _FREE else 2, right=_FREE if last else number + 1, child=child))
    directory = b"".join(entries)
    directory += bytes(-len(directory) % _SECTOR)
    return _file(directory, padding)


def _file(directory: bytes, padding: int) -> bytes:
    """Lay out header, tables, padding and directory. Tables beyond 109 are named in sectors of their own."""
    size, per_table = len(directory) // _SECTOR, _SECTOR // 4
    tables = further = 0
    while tables * per_table < further + tables + padding + size:
        tables += 1
        further = max(0, -(-(tables - 109) // (per_table - 1)))
    first = further + tables + padding
    following = [_TABLE - 1] * further + [_TABLE] * tables + [_FREE] * padding
    following += [*range(first + 1, first + size), _END]
    following += [_FREE] * (tables * per_table - len(following))
    table_sectors = list(range(further, further + tables))
    header = struct.pack("<8s16sHHHHH6x9I", bytes.fromhex("d0cf11e0a1b11ae1"), b"", 0x3E, 3, 0xFFFE, 9, 6, 0,
                         tables, first, 0, 4096, _END, 0, 0 if further else _END, further)  # fmt: skip
    named = [*table_sectors[:109], *[_FREE] * 109][:109]
    more = b""
    for number in range(further):
        some = table_sectors[109 + number * (per_table - 1) :][: per_table - 1]
        some += [_FREE] * (per_table - 1 - len(some))
        more += struct.pack(f"<{per_table}I", *some, number + 1 if number + 1 < further else _END)
    table = struct.pack(f"<{len(following)}I", *following)
    return header + struct.pack("<109I", *named) + more + table + bytes(padding * _SECTOR) + directory


def _entry(name: str, kind: int, *, right: int = _FREE, child: int = _FREE, class_id: UUID = NO_CLASS) -> bytes:
    encoded = name.encode("utf-16-le")
    links = struct.pack("<III", _FREE, right, child)
    rest = struct.pack("<IQQIQ", 0, 0, 0, 0 if kind == 5 else _END, 0)
    return encoded.ljust(64, b"\0") + struct.pack("<HBB", len(encoded) + 2, kind, 1) + links + class_id.bytes_le + rest
