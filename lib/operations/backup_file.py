"""The file of a backup: a ZIP archive with the rows of each table as JSON lines, and the blobs.

The archive ends with `manifest.json`, which names every other member with its SHA-256. A file without it was cut off.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
import tempfile
import zipfile
import zlib
from collections.abc import AsyncIterable, Iterator
from pathlib import Path
from typing import IO, Any, Self

from pydantic import BaseModel

from lib.fields import STORED, Moment
from lib.ids import ORGANIZATION
from lib.organizations.settings import OrganizationSettings
from lib.storage import Row, Upsert
from lib.storage.layout import KINDS
from lib.storage.protocols import LARGEST_PIECE, check_changes

FORMAT = 1
_MANIFEST = "manifest.json"
_BLOCK = 1024 * 1024
"""Bytes that are read at a time."""

_OPEN_TO_OWNER = 0o600

_LONGEST_LINE = 8 * 1024 * 1024
"""Bytes of a row: Azure takes 1 MiB, and JSON may write a character in six."""

_LARGEST_NUMBER = 2**63
_COLUMN = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,254}")
_OF_STORAGE = frozenset({"PartitionKey", "RowKey", "Timestamp"})
"""Columns that storage has itself: values of these names would put a row into another place."""

_LONGEST_TEXT, _LARGEST_ROW = 2**16, 2**20
"""Bytes of a column in UTF-16, and of all columns together, that Azure takes."""

_MANIFEST_BASE, _MANIFEST_OF_MEMBER = 16 * 1024 * 1024, 8 * 1024
"""Bytes of a manifest at most: of its own, and for each member its name, in which JSON may write a character in six."""

_BLOB = re.compile(r"[A-Za-z0-9._/@:{}=|-]{1,1024}")
"""Names of blobs are made of ids."""

_UNREADABLE = (zipfile.BadZipFile, zlib.error, EOFError, OSError, KeyError, ValueError, RuntimeError)
"""Raised by archives that are cut off, damaged, encrypted, or of another kind."""


class BrokenBackup(ValueError):
    """The file is no backup, or not a whole one."""


class Manifest(BaseModel):
    """The last member of the archive."""

    format: int = FORMAT
    id: str
    """The id of the backup."""

    organization: str
    name: str
    created_at: Moment
    """The time when the organization was made."""

    settings: OrganizationSettings
    started_at: Moment
    """The time from which on rows were read."""

    secret_mark: str | None
    """A mark of the secret by which the organization's addresses are hashed; None where it has none."""

    erasing: list[str] = []
    """Hashes of addresses whose erasure was under way."""

    rows: dict[str, int] = {}
    """Numbers of rows by kind of table."""

    blobs: list[str] = []
    """Names of the blobs, in the order of their members."""

    sums: dict[str, str] = {}
    """SHA-256 by member."""


def secret_mark(secret: str) -> str:
    """Return a text that tells two secrets apart and gives none away: they have 256 random bits."""
    return hashlib.blake2b(bytes.fromhex(secret), digest_size=8, person=b"heed-backup").hexdigest()


class BackupWriter:
    """Writes a backup. The file gets its name when it is whole; a shorter one stays as `<name>.part`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._part = path.with_name(f"{path.name}.part")
        self._archive: zipfile.ZipFile | None = None
        self.sums: dict[str, str] = {}
        self.blobs: list[str] = []

    def __enter__(self) -> Self:
        self._part.unlink(missing_ok=True)
        descriptor = os.open(self._part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OPEN_TO_OWNER)
        self._file = os.fdopen(descriptor, "wb")
        self._archive = zipfile.ZipFile(self._file, "w", zipfile.ZIP_DEFLATED)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        assert self._archive is not None
        self._archive.close()  # after an error, too, as it would try by itself later
        if kind is None:
            self._file.flush()
            os.fsync(self._file.fileno())
        self._file.close()
        if kind is None:
            self._part.replace(self._path)

    def open_table(self, kind: str) -> TableWriter:
        """Begin the member of a table."""
        assert self._archive is not None
        return TableWriter(self, self._archive.open(_table_member(kind), "w", force_zip64=True), _table_member(kind))

    async def write_blob(self, name: str, pieces: AsyncIterable[bytes]) -> None:
        """Write a blob. Raises what `pieces` raises, and writes nothing of it then."""
        # Nothing can be taken back from an archive: a blob that can be read no further must not have begun there.
        with tempfile.SpooledTemporaryFile(LARGEST_PIECE, dir=str(self._path.parent)) as whole:
            async for piece in pieces:
                whole.write(piece)
            whole.seek(0)
            self._write_member(_blob_member(len(self.blobs)), whole)
        self.blobs.append(name)

    def _write_member(self, member: str, file: IO[bytes]) -> None:
        assert self._archive is not None
        found = hashlib.sha256()
        with self._archive.open(member, "w", force_zip64=True) as written:
            while block := file.read(_BLOCK):
                found.update(block)
                written.write(block)
        self.sums[member] = found.hexdigest()

    def write_manifest(self, manifest: Manifest) -> None:
        """Write the end of the archive."""
        assert self._archive is not None
        whole = manifest.model_copy(update={"sums": self.sums, "blobs": self.blobs})
        self._archive.writestr(_MANIFEST, whole.model_dump_json(indent=1))


class TableWriter:
    """Writes the rows of one table."""

    def __init__(self, backup: BackupWriter, file: IO[bytes], member: str) -> None:
        self._backup = backup
        self._file = file
        self._member = member
        self._sum = hashlib.sha256()
        self.rows = 0

    def write_row(self, row: Row) -> None:
        """Write a row, without its version."""
        fields = {"p": row.partition, "k": row.key, "v": dict(row.values)}
        line = json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
        self._sum.update(line)
        self._file.write(line)
        self.rows += 1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """End the member."""
        self._file.close()
        self._backup.sums[self._member] = self._sum.hexdigest()


class BackupFile:
    """A backup that is read. Opening it raises BrokenBackup."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._archive = zipfile.ZipFile(path)
            self._check_size()
            manifest = self._archive.read(_MANIFEST)
            self._check_format(manifest)
            self.manifest = Manifest.model_validate_json(manifest, context=STORED, extra="ignore")
        except BrokenBackup:
            raise
        except _UNREADABLE as error:
            raise BrokenBackup(f"{path} is no whole backup: {type(error).__name__}") from None

    def _check_size(self) -> None:
        """Raises BrokenBackup where the manifest would fill the memory: a small file can unpack to any size."""
        largest = _MANIFEST_BASE + _MANIFEST_OF_MEMBER * len(self._archive.infolist())
        if self._archive.getinfo(_MANIFEST).file_size > largest:
            raise BrokenBackup(f"{self._path} is no whole backup: its list of parts is too large")

    def _check_format(self, manifest: bytes) -> None:
        fields = json.loads(manifest)
        found = fields.get("format") if isinstance(fields, dict) else None
        if isinstance(found, int) and found != FORMAT:
            raise BrokenBackup(f"{self._path} is a backup of format {found}, and this release reads {FORMAT}")

    def close(self) -> None:
        """Close the file."""
        self._archive.close()

    def check_whole(self) -> None:
        """Read everything once. Raises BrokenBackup where it is not as it was written, or cannot be restored."""
        manifest = self.manifest
        blobs = [_blob_member(number) for number in range(len(manifest.blobs))]
        members = {_MANIFEST, *(map(_table_member, manifest.rows)), *blobs}
        names = self._archive.namelist()
        if len(names) != len(members) or set(names) != members or set(manifest.sums) != members - {_MANIFEST}:
            raise BrokenBackup("the backup lacks parts, or has other ones than it names")
        if ORGANIZATION.fullmatch(manifest.organization) is None or manifest.rows.keys() - set(KINDS):
            raise BrokenBackup("the backup's list of its parts is not as it was written")
        if len(set(manifest.blobs)) != len(blobs) or not all(map(_is_name_of_blob, manifest.blobs)):
            raise BrokenBackup("the backup names a blob twice, or as none is called")
        for member in manifest.sums:
            self._check_sum(member)
        for kind, number in manifest.rows.items():
            self._check_rows(kind, number)

    def _check_sum(self, member: str) -> None:
        found = hashlib.sha256()
        try:
            with self._archive.open(member) as file:
                while block := file.read(_BLOCK):
                    found.update(block)
        except _UNREADABLE:
            raise BrokenBackup(f"{member} of the backup cannot be read") from None
        if found.hexdigest() != self.manifest.sums[member]:
            raise BrokenBackup(f"{member} of the backup is not as it was written")

    def _check_rows(self, kind: str, number: int) -> None:
        """Raises BrokenBackup where the rows of a table are not as many as they should be, or not in order."""
        count, last = 0, ("", "")
        try:
            for row in self.read_rows(kind):
                check_changes([Upsert(row)])
                if count and (row.partition, row.key) <= last:
                    raise ValueError("rows are not in order")
                count, last = count + 1, (row.partition, row.key)
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
            raise BrokenBackup(f"row {count + 1} of {kind} in the backup cannot be restored") from None
        if count != number:
            raise BrokenBackup(f"{_table_member(kind)} of the backup has {count} rows instead of {number}")

    def read_rows(self, kind: str) -> Iterator[Row]:
        """Read the rows of a table, in order; none of a kind that the backup does not have."""
        member = _table_member(kind)
        if member not in self.manifest.sums:
            return
        with self._archive.open(member) as file:
            while line := file.readline(_LONGEST_LINE):
                yield _row_of(line)

    def read_blob(self, number: int) -> Iterator[bytes]:
        """Read a blob by its number in the manifest, in pieces of up to 1 MiB."""
        with self._archive.open(_blob_member(number)) as file:
            while block := file.read(_BLOCK):
                yield block


def _row_of(line: bytes) -> Row:
    """Raises ValueError, KeyError, TypeError, AttributeError, RecursionError for a line that is no row."""
    fields = json.loads(line)
    row = Row(fields["p"], fields["k"], fields["v"])
    for key in (row.partition, row.key):
        key.encode()  # JSON can hold what no text in UTF-8 can
    if not isinstance(row.values, dict) or sum(map(_size_of_column, row.values.items())) > _LARGEST_ROW:
        raise ValueError("not the columns of a row")
    return row


def _size_of_column(column: tuple[str, Any]) -> int:
    """Bytes of a column. Raises ValueError for what is none."""
    name, value = column
    size = len(value.encode("utf-16-le")) if isinstance(value, str) else 8
    is_number = isinstance(value, int | float) and math.isfinite(value) and -_LARGEST_NUMBER <= value < _LARGEST_NUMBER
    is_name = _COLUMN.fullmatch(name) is not None and name not in _OF_STORAGE
    if not is_name or size > _LONGEST_TEXT or not (isinstance(value, str) or is_number):
        raise ValueError("not a column")
    return size


def _is_name_of_blob(name: str) -> bool:
    return _BLOB.fullmatch(name) is not None and not {"", ".", ".."} & set(name.split("/"))


def _table_member(kind: str) -> str:
    return f"tables/{kind}.jsonl"


def _blob_member(number: int) -> str:
    return f"blobs/{number:08d}"
