"""Thinning of messages: their texts and files are removed when the organization's time for them is over."""

from __future__ import annotations

from pydantic import BaseModel

from lib.errors import Stale
from lib.messages.models import StoredMessage
from lib.messages.store import FILES, Loaded
from lib.storage import Change, Conflict, Delete, Missing, Replace, Row, Storage
from lib.storage.documents import pack, unpack
from lib.storage.layout import container, table

_BODY = "body"
_MOST_FILES = 90
"""Files whose rows go in one transaction; the next call removes the others."""


class _NamesBlob(BaseModel):
    """A row that may name the blob that goes with it."""

    blob: str | None = None


class MessageThinning:
    """Removes content of messages, and notes that in the message."""

    def __init__(self, storage: Storage) -> None:
        self._tables = storage.tables
        self._blobs = storage.blobs

    async def remove_body(self, organization: str, loaded: Loaded) -> None:
        """Remove the texts, and of a received message the excerpt and the whole mail. Raises Stale, StorageError."""
        message = loaded.message
        row = await self._tables.read_row(table(organization, "messages"), message.id, _BODY)
        thin = message.model_copy(update={"removed": [*message.removed, "body"], "excerpt": None, "raw": None})
        blobs = [message.raw] if message.raw else []
        await self._remove(organization, thin, loaded.etag, [row] if row else [], blobs)

    async def remove_files(self, organization: str, loaded: Loaded) -> None:
        """Remove attachments and images; links to them say so from then on. Raises Stale, StorageError."""
        message = loaded.message
        found = self._tables.query(table(organization, "messages"), message.id, FILES, _MOST_FILES + 1)
        rows = [row async for row in found]
        is_last = len(rows) <= _MOST_FILES
        thin = message.model_copy(update={"removed": [*message.removed, "files"]}) if is_last else message
        await self._remove(organization, thin, loaded.etag, rows[:_MOST_FILES], [])

    async def _remove(
        self, organization: str, message: StoredMessage, etag: str, rows: list[Row], blobs: list[str]
    ) -> None:
        """Delete the blobs, then their rows with the change of the message: what is left is found again."""
        for blob in [*blobs, *(unpack(_NamesBlob, row).blob for row in rows)]:
            if blob:
                await self._blobs.delete_blob(container(organization), blob)
        changes: list[Change] = [Replace(Row(message.id, "m", pack(message), etag))]
        changes += [Delete(row.partition, row.key) for row in rows]
        try:
            await self._tables.write_rows(table(organization, "messages"), changes)
        except (Conflict, Missing) as error:
            raise Stale(f"message {message.id} has changed") from error
