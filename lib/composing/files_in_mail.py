"""A message's files as they go into one mail: as links and hosted images where the copy is followed, else inside it."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from datetime import datetime

from lib.composing.link_block import Link, with_links
from lib.files.filenames import filename_in_url
from lib.files.hosted_images import host_images, images_in, missing_images
from lib.files.models import LARGEST_ATTACHED, StoredAttachment, StoredFile, StoredImage, is_gone
from lib.messages.models import Body, Remark
from lib.mime.sizes import size_text
from lib.mime.write import ComposeError, Part
from lib.storage import Blobs, Missing
from lib.storage import layout as tables
from lib.tokens import Claim, KeyRing, Purpose
from lib.tracking.facts import FIRST_IMAGE
from lib.workers.places import Room


class MailFiles:
    """Revoked attachments go into no mail, neither do those that have expired before it leaves."""

    def __init__(
        self,
        organization: str,
        message: str,
        files: Sequence[StoredFile],
        ring: KeyRing,
        base_url: str,
        now: datetime,
    ) -> None:
        self._organization = organization
        self._message = message
        self._attachments = [file for file in files if isinstance(file, StoredAttachment) and not is_gone(file, now)]
        self._images = [file for file in files if isinstance(file, StoredImage)]
        self._ring = ring
        self._base_url = base_url

    def size(self) -> int:
        """Bytes that can travel in one mail of them."""
        return min(sum(file.size for file in (*self._attachments, *self._images)), LARGEST_ATTACHED)

    def remarks(self, body: Body) -> list[Remark]:
        """What the author should know."""
        return [] if body.html is None else missing_images(body.html, self._images)

    def with_links(self, body: Body, recipient: int | None) -> Body:
        """A followed copy's body, with a link for each followed attachment. `recipient` is None on one for several."""
        html, text = with_links(
            body.html, body.text, [self._link(file, recipient) for file in self._attachments if file.followed]
        )
        return Body(html=html, text=text)

    def with_hosted_images(self, body: Body, recipient: int | None) -> Body:
        """A followed copy's body: whoever loads its images is counted."""
        return self._with_images(body, lambda image: self._image_url(image, recipient))

    def with_uncounted_images(self, body: Body) -> Body:
        """Any other body: images of older mail that it quotes are shown, and tell of nobody."""
        return self._with_images(body, None)

    def _with_images(self, body: Body, url_of: Callable[[StoredImage], str] | None) -> Body:
        if body.html is None:
            return body
        html = host_images(body.html, self._images, url_of, self._uncounted)
        return body.model_copy(update={"html": html})

    def images_in(self, body: Body) -> list[StoredImage]:
        """Those that the body shows from inside the mail."""
        return images_in(body.html, self._images)

    def inside(self, images: Sequence[StoredImage], *, followed: bool) -> Sequence[StoredFile]:
        """What travels inside a copy that shows these images; of one that is not followed that is everything.

        Raises ComposeError where that is too large.
        """
        files = [file for file in self._attachments if not (followed and file.followed)]
        return _checked([*images, *files])

    def kept(self, body: Body, images: Sequence[StoredImage]) -> tuple[Body, list[StoredFile]]:
        """For the sender to keep: as much as a mail can hold, first what went out inside; what is left out is named."""
        inside: list[StoredFile] = [*images]
        room = LARGEST_ATTACHED - sum(file.size for file in inside)
        named: list[Link] = []
        for file in sorted(self._attachments, key=lambda file: file.followed):
            if file.size <= room:
                inside.append(file)
                room -= file.size
            else:
                named.append(Link(file.filename, size_text(file.size), None))
        html, text = with_links(body.html, body.text, named)
        return Body(html=html, text=text), inside

    def _link(self, file: StoredAttachment, recipient: int | None) -> Link:
        token = self._ring.mint(Purpose.ATTACHMENT, Claim(self._organization, self._message, recipient, file.number))
        url = f"{self._base_url}/a/{token}/{filename_in_url(file.filename)}"
        return Link(file.filename, size_text(file.size), url)

    def _image_url(self, image: StoredImage, recipient: int | None) -> str:
        claim = Claim(self._organization, self._message, recipient, FIRST_IMAGE + image.number, image.id)
        token = self._ring.mint(Purpose.IMAGE, claim)
        return f"{self._base_url}/i/{token}/{filename_in_url(image.filename)}"

    def _uncounted(self, token: str) -> str | None:
        """For an image of older mail that this one quotes: a token that shows it and tells nobody."""
        claim = self._ring.open(Purpose.IMAGE, token)
        if claim is None or (claim.organization, claim.message) == (self._organization, self._message):
            return None
        return self._ring.mint(Purpose.QUOTED_IMAGE, claim)


class FileBytes:
    """The bytes of a mail's files: fetched when the first copy needs them, and kept for the others.

    They wait until there is room for `size` bytes, which is taken for as long as this object lives: while the mail is
    written and handed over.
    """

    def __init__(self, organization: str, blobs: Blobs, room: Room, size: int) -> None:
        self._organization = organization
        self._blobs = blobs
        self._room = room
        self._size = size
        self._has_room = False
        self._parts: dict[str, Part] = {}

    async def parts(self, files: Sequence[StoredFile]) -> list[Part]:
        """The files, as they go into a mail. Raises ComposeError, StorageError."""
        if files and not self._has_room:
            self._has_room = True
            weakref.finalize(self, self._room.give_back, await self._room.take_bytes(self._size))
        return [await self._part(file) for file in files]

    async def _part(self, file: StoredFile) -> Part:
        if file.id not in self._parts:
            try:
                data = await self._blobs.read_blob(tables.container(self._organization), file.blob)
            except Missing:
                # No later try would find it.
                raise ComposeError(f"the bytes of {file.filename} are not in storage any more") from None
            cid = file.cid if isinstance(file, StoredImage) else None
            self._parts[file.id] = Part(file.filename, file.content_type, data, cid)
        return self._parts[file.id]


def _checked(files: Sequence[StoredFile]) -> Sequence[StoredFile]:
    """Raises ComposeError."""
    size = sum(file.size for file in files)
    if size > LARGEST_ATTACHED:
        largest = max(files, key=lambda file: file.size)
        raise ComposeError(
            f"the files in it have {size:,} bytes, and a mail holds at most {LARGEST_ATTACHED:,}; the largest is "
            f"{largest.filename} with {largest.size:,}. In a mail that is not followed, no file can be a link"
        )
    return files
