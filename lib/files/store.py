"""A message's files in storage.

A change to files that will be sent goes into one transaction with the message's own row, so that nothing changes in a
mail that is on its way. The bytes are stored before the row that names them, and removed after it.

A `version` is the etag in `If-Match`: that of the message for which the change is made. With a version, the message's
row changes in any state, so that of many changes for one version only one is made.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from lib.clock import Clock
from lib.errors import NotAllowed, NotFound, Stale, TooLarge
from lib.fields import Moment
from lib.files.content_types import UNKNOWN, FileKind, read_kind
from lib.files.contents import FileContents
from lib.files.filenames import clean_filename
from lib.files.image_formats import image_type
from lib.files.models import (
    LARGEST_ATTACHED,
    StoredAttachment,
    StoredFile,
    StoredImage,
    is_gone,
)
from lib.files.permitted import (
    UNSENT,
    AttachmentChange,
    SizeCheck,
    check_change,
    check_number,
    check_replacement,
    check_size,
    check_unsent,
)
from lib.ids import new_id
from lib.messages.models import StoredMessage
from lib.messages.store import FILES, Loaded, MessageStore
from lib.storage import Change, Conflict, Delete, Insert, Missing, Replace, Row, Storage
from lib.storage import layout as tables
from lib.storage.documents import pack, unpack
from lib.storage.retry import retry_on_conflict
from lib.storage.versions import IfMatch
from lib.workers.places import Room
from lib.workers.pool import OffLoop

log = logging.getLogger("heed.files")

ROOM = 2 * LARGEST_ATTACHED
"""Bytes of files in mails that are written or handed over at the same time; in memory they take five times as much."""

Data = bytes | memoryview


class Files:
    """Reads and changes the files of messages."""

    def __init__(self, storage: Storage, store: MessageStore, clock: Clock, off_loop: OffLoop) -> None:
        self._off_loop = off_loop
        self._tables = storage.tables
        self._blobs = storage.blobs
        self._store = store
        self._clock = clock
        self._room = Room(ROOM)

    async def list_for_mail(self, organization: str, message: StoredMessage) -> list[StoredFile]:
        """List the files that go into a mail: none that is revoked, and none that has expired.

        A message that never had a file costs no request.
        """
        rows = await self._rows(organization, message.id) if message.files_made else []
        files, now = [_file(row) for row in rows], self._clock.now()
        return [file for file in files if not (isinstance(file, StoredAttachment) and is_gone(file, now))]

    def contents_of_mail(self, organization: str, size: int) -> FileContents:
        """Return a reader of one mail's files; `size` is how many bytes they have together."""
        return FileContents(organization, self._blobs, self._room, size)

    async def attachments(self, organization: str, message: StoredMessage) -> list[StoredAttachment]:
        """List the message's attachments."""
        rows = await self._rows(organization, message.id) if message.files_made else []
        return [file for row in rows if isinstance(file := _file(row), StoredAttachment)]

    async def file_names(self, organization: str, message: StoredMessage) -> dict[int, str]:
        """The names of the message's attachments, by their numbers."""
        return {file.number: file.filename for file in await self.attachments(organization, message)}

    async def attachment(self, organization: str, message: str, number: int) -> StoredAttachment | None:
        """Read the attachment that a link's token names."""
        row = await self._tables.read_row(tables.table(organization, "messages"), message, attachment_key(number))
        return None if row is None else unpack(StoredAttachment, row)

    async def add_file(
        self,
        organization: str,
        message: str,
        attachment: str,
        filename: str,
        data: Data,
        *,
        followed: bool,
        version: IfMatch | None = None,
    ) -> StoredAttachment:
        """Add an attachment to a message that was not sent. Return the one with this id if an earlier try has added it.

        Raises NotAllowed, TooLarge, Stale.
        """
        kind = await asyncio.to_thread(read_kind, data)
        file = _described(attachment, message, filename, len(data), kind, followed)
        stored = await self._add(
            organization, message, file, data, lambda others: check_size(len(data), followed, others), version
        )
        assert isinstance(stored, StoredAttachment)
        return stored

    async def add_image(
        self,
        organization: str,
        message: str,
        image: str,
        filename: str,
        data: Data,
        *,
        cid: str | None = None,
        version: IfMatch | None = None,
    ) -> StoredImage:
        """Add an image of the body, with the Content-ID `cid` or one of its own.

        Raises BrokenImage, NotAllowed, TooLarge, Stale.
        """
        kind = await self._off_loop.run(organization, len(data), image_type, bytes(data))
        name, blob = clean_filename(filename), image_blob(message, image)
        file = StoredImage(
            id=image, number=0, filename=name, size=len(data), content_type=kind, blob=blob, chosen_cid=cid
        )
        stored = await self._add(organization, message, file, data, lambda _: None, version)
        assert isinstance(stored, StoredImage)
        return stored

    async def _add(
        self, organization: str, message: str, file: StoredFile, data: Data, check: SizeCheck, version: IfMatch | None
    ) -> StoredFile:
        """Store the bytes and the row, with the next number. `check` refuses the file beside the others."""
        there = await self._addable(organization, message, file.id, check, version)
        if isinstance(there, StoredFile):
            return there
        await self._blobs.put_blob(tables.container(organization), file.blob, data, UNKNOWN)
        try:
            stored = await self._enter(organization, message, there, file, check, version)
        except (NotFound, NotAllowed, TooLarge, Stale):
            await self._blobs.delete_blob(tables.container(organization), file.blob)
            raise
        if stored.blob != file.blob:
            await self._blobs.delete_blob(tables.container(organization), file.blob)
        return stored

    async def _enter(
        self,
        organization: str,
        message: str,
        there: Loaded | StoredFile,
        file: StoredFile,
        check: SizeCheck,
        version: IfMatch | None,
    ) -> StoredFile:
        """Write the row, with the number that is next."""
        known: Loaded | StoredFile | None = there

        async def enter() -> StoredFile:
            nonlocal known
            there, known = known or await self._addable(organization, message, file.id, check, version), None
            if isinstance(there, StoredFile):
                return there
            number = there.message.files_made
            numbered = file.model_copy(update={"number": number})
            counted = there.message.model_copy(update={"files_made": number + 1})
            row = Row(message, _key(numbered), pack(numbered))
            version_made = await self._change_message(organization, counted, there.etag, Insert(row))
            return numbered.model_copy(update={"message_version": version_made})

        return await retry_on_conflict(f"message {message}", enter)

    async def _addable(
        self, organization: str, message: str, file: str, check: SizeCheck, version: IfMatch | None
    ) -> Loaded | StoredFile:
        """Return the message as it is now, if it can take one more file; the file, if an earlier try has added it."""
        loaded = await self._loaded(organization, message)
        rows = await self._rows(organization, message) if loaded.message.files_made else []
        others = [_file(row) for row in rows]
        if there := next((each for each in others if each.id == file), None):
            return there
        check_change(loaded, version)
        check_unsent(loaded.message, "files can be added")
        check_number(loaded.message, others)
        check(others)
        return loaded

    async def replace_attachment(
        self,
        organization: str,
        message: str,
        attachment: str,
        filename: str | None,
        data: Data,
        version: IfMatch | None = None,
    ) -> StoredAttachment:
        """Put other bytes under the same links, and another name if one is given.

        A followed attachment can be replaced after the mail has gone out, too. Raises NotFound, NotAllowed, TooLarge,
        Stale.
        """
        blob = _new_blob(message, attachment)
        kind = await asyncio.to_thread(read_kind, data)
        old_blob = ""

        def changed(loaded: Loaded, file: StoredAttachment, others: Sequence[StoredFile]) -> StoredAttachment:
            nonlocal old_blob
            check_replacement(loaded.message, file)
            check_size(len(data), file.followed, others)
            old_blob = file.blob
            name = file.filename if filename is None else clean_filename(filename)
            return file.model_copy(
                update={
                    "filename": name,
                    "size": len(data),
                    "content_type": kind.content_type(name),
                    "blob": blob,
                }
            )

        await self._found(organization, message, attachment, changed, version)
        await self._blobs.put_blob(tables.container(organization), blob, data, UNKNOWN)
        try:
            file = await self._change(organization, message, attachment, changed, version)
        except (NotFound, NotAllowed, TooLarge, Stale):
            await self._blobs.delete_blob(tables.container(organization), blob)
            raise
        await self._blobs.delete_blob(tables.container(organization), old_blob)
        return file

    async def change_attachment(
        self,
        organization: str,
        message: str,
        attachment: str,
        *,
        followed: bool | None = None,
        revoked: bool | None = None,
        expires: tuple[Moment | None] | None = None,
        version: IfMatch | None = None,
    ) -> StoredAttachment:
        """Change the values that are given. Raises NotFound, NotAllowed, TooLarge, Stale."""

        def changed(loaded: Loaded, file: StoredAttachment, others: Sequence[StoredFile]) -> StoredAttachment:
            changes: dict[str, object] = {}
            if followed is not None:
                check_unsent(loaded.message, "following can be changed")
                check_size(file.size, followed, others)
                changes["followed"] = followed
            if revoked is not None:
                changes["revoked"] = revoked
            if expires is not None:
                changes["expires_at"] = expires[0]
            return file.model_copy(update=changes)

        return await self._change(organization, message, attachment, changed, version)

    async def remove_attachment(
        self, organization: str, message: str, attachment: str, version: IfMatch | None = None
    ) -> None:
        """Remove an attachment; its links in a prepared mail then lead to a page that says so.

        Raises NotFound, NotAllowed, Stale.
        """

        async def delete_row() -> Row:
            loaded = await self._loaded(organization, message)
            check_change(loaded, version)
            row = await self._row(organization, loaded.message, attachment)
            check_unsent(loaded.message, "attachments can be deleted")
            await self._change_message(organization, loaded.message, loaded.etag, Delete(message, row.key, row.etag))
            return row

        row = await retry_on_conflict(f"message {message}", delete_row)
        await self._blobs.delete_blob(tables.container(organization), unpack(StoredAttachment, row).blob)

    async def _change(
        self, organization: str, message: str, attachment: str, changed: AttachmentChange, version: IfMatch | None
    ) -> StoredAttachment:
        async def change_row() -> StoredAttachment:
            loaded, row, file = await self._found(organization, message, attachment, changed, version)
            change: Change = Replace(Row(message, row.key, pack(file), row.etag))
            if loaded.message.state in UNSENT or version is not None:
                # Also where the row alone changes: a worker that is about to send it must see this, or be seen.
                made = await self._change_message(organization, loaded.message, loaded.etag, change)
                return file.model_copy(update={"message_version": made})
            await self._tables.write_rows(tables.table(organization, "messages"), [change])
            return file

        return await retry_on_conflict(f"attachment {attachment}", change_row, on=(Conflict, Missing))

    async def _change_message(self, organization: str, message: StoredMessage, etag: str, also: Change) -> str:
        """Write the message and one row of its files, and return the message's new version.

        Raises Conflict, for another try, where it has changed.
        """
        try:
            return await self._store.change(organization, message, etag, also=[also])
        except Stale as error:
            raise Conflict("the message has changed") from error

    async def _found(
        self, organization: str, message: str, attachment: str, changed: AttachmentChange, version: IfMatch | None
    ) -> tuple[Loaded, Row, StoredAttachment]:
        """Return the message, the attachment's row, and the attachment as it is to be."""
        loaded = await self._loaded(organization, message)
        check_change(loaded, version)
        row = await self._row(organization, loaded.message, attachment)
        files = [_file(each) for each in await self._rows(organization, message)]
        others = [each for each in files if each.id != attachment]
        return loaded, row, changed(loaded, unpack(StoredAttachment, row), others)

    async def _loaded(self, organization: str, message: str) -> Loaded:
        loaded = await self._store.load(organization, message)
        if loaded is None:
            raise NotFound("message")
        return loaded

    async def _row(self, organization: str, message: StoredMessage, attachment: str) -> Row:
        for row in await self._rows(organization, message.id):
            file = _file(row)
            if isinstance(file, StoredAttachment) and file.id == attachment:
                return row
        raise NotFound("attachment")

    async def _rows(self, organization: str, message: str) -> list[Row]:
        return [row async for row in self._tables.query(tables.table(organization, "messages"), message, FILES)]


def attachment_key(number: int) -> str:
    """Return the key of an attachment's row."""
    return f"a{number:04d}"


def image_blob(message: str, image: str) -> str:
    """Return the name of the blob with an image of a message."""
    return f"images/{message}/{image}"


def _new_blob(message: str, attachment: str) -> str:
    """Return a new name for each version of the bytes, so that a row always names the bytes that it describes."""
    return f"attachments/{message}/{attachment}/{new_id()}"


def _key(file: StoredFile) -> str:
    return f"ai{file.number:04d}" if isinstance(file, StoredImage) else attachment_key(file.number)


def _file(row: Row) -> StoredFile:
    return unpack(StoredImage if row.key.startswith("ai") else StoredAttachment, row)


def _described(
    attachment: str, message: str, filename: str, size: int, kind: FileKind, followed: bool
) -> StoredAttachment:
    name = clean_filename(filename)
    return StoredAttachment(
        id=attachment,
        number=0,
        filename=name,
        size=size,
        content_type=kind.content_type(name),
        blob=_new_blob(message, attachment),
        followed=followed,
    )
