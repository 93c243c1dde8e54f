"""The file of a backup: a ZIP archive with the rows of each table as JSON lines, and the blobs.

The archive ends with `manifest.json`, which names every other member with its SHA-256. A file without it was cut off.
"""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Self

from pydantic import BaseModel, ValidationError

from lib.fields import Moment
from lib.organizations.settings import OrganizationSettings
from lib.storage import Row

FORMAT = 1
_MANIFEST = "manifest.json"
_BLOCK = 1024 * 1024
"""Bytes that are read at a time."""

_OPEN_TO_OWNER = 0o600


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

    def write_blob(self, name: str, data: bytes) -> None:
        """Write a blob."""
        assert self._archive is not None
        member = _blob_member(len(self.blobs))
        self._archive.writestr(member, data)
        self.sums[member] = hashlib.sha256(data).hexdigest()
        self.blobs.append(name)

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
        try:
            self._archive = zipfile.ZipFile(path)
            self.manifest = Manifest.model_validate_json(self._archive.read(_MANIFEST))
        except (zipfile.BadZipFile, KeyError, ValidationError, OSError) as error:
            raise BrokenBackup(f"{path} is no whole backup: {type(error).__name__}") from None
        if self.manifest.format != FORMAT:
            raise BrokenBackup(f"{path} is a backup of format {self.manifest.format}, and this release reads {FORMAT}")

    def close(self) -> None:
        """Close the file."""
        self._archive.close()

    def check_sums(self) -> None:
        """Read everything once. Raises BrokenBackup for a member that is not as it was written."""
        for member, expected in self.manifest.sums.items():
            found = hashlib.sha256()
            try:
                with self._archive.open(member) as file:
                    while block := file.read(_BLOCK):
                        found.update(block)
            except (zipfile.BadZipFile, KeyError, OSError):
                raise BrokenBackup(f"{member} of the backup cannot be read") from None
            if found.hexdigest() != expected:
                raise BrokenBackup(f"{member} of the backup is not as it was written")

    def read_rows(self, kind: str) -> Iterator[Row]:
        """Read the rows of a table, in order; none of a kind that the backup does not have."""
        member = _table_member(kind)
        if member not in self.manifest.sums:
            return
        with self._archive.open(member) as file:
            for line in file:
                fields = json.loads(line)
                yield Row(fields["p"], fields["k"], fields["v"])

    def read_blobs(self) -> Iterator[tuple[str, bytes]]:
        """Read the blobs: (name, bytes)."""
        for number, name in enumerate(self.manifest.blobs):
            yield name, self._archive.read(_blob_member(number))


def _table_member(kind: str) -> str:
    return f"tables/{kind}.jsonl"


def _blob_member(number: int) -> str:
    return f"blobs/{number:08d}"
