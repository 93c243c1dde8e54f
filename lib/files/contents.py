"""The bytes of a mail's files, read from storage."""

from __future__ import annotations

import weakref
from collections.abc import Sequence

from lib.files.models import StoredFile, StoredImage
from lib.mime.parts import FilePart
from lib.storage import Blobs, Missing
from lib.storage import layout as tables
from lib.workers.places import Room


class BytesMissing(Exception):
    """Storage no longer holds the bytes of a file, and no later try would find them. The text names the file."""


class FileContents:
    """The files of one mail: read when the first copy needs them, and kept for the other copies.

    Reading waits until there is room for `size` bytes. The room stays taken for as long as this object lives, that is
    while the mail is written and handed over.
    """

    def __init__(self, organization: str, blobs: Blobs, room: Room, size: int) -> None:
        self._organization = organization
        self._blobs = blobs
        self._room = room
        self._size = size
        self._has_room = False
        self._parts: dict[str, FilePart] = {}

    async def read_parts(self, files: Sequence[StoredFile]) -> list[FilePart]:
        """Return the files as a mail holds them. Raises BytesMissing, StorageError."""
        if files and not self._has_room:
            self._has_room = True
            weakref.finalize(self, self._room.give_back, await self._room.take_bytes(self._size))
        return [await self._read_part(file) for file in files]

    async def _read_part(self, file: StoredFile) -> FilePart:
        if file.id not in self._parts:
            try:
                data = await self._blobs.read_blob(tables.container(self._organization), file.blob)
            except Missing:
                raise BytesMissing(f"the bytes of {file.filename} are not in storage any more") from None
            cid = file.cid if isinstance(file, StoredImage) else None
            self._parts[file.id] = FilePart(file.filename, file.content_type, data, cid)
        return self._parts[file.id]
