"""The stored rows of a message's files."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, Field

from lib.fields import Moment
from lib.mime.sizes import MEGABYTE

LARGEST_FOLLOWED = 100 * MEGABYTE
"""Bytes. The Functions host takes the same size of a request's body, unless its settings say otherwise."""

LARGEST_ATTACHED = 20 * MEGABYTE
"""Bytes of all files that travel in one mail: in base64 some 27 MB, which most mail servers take."""

LARGEST_IMAGE = 5 * MEGABYTE
MOST_FILES = 50
"""Attachments and images that a message has at a time."""


class StoredFile(BaseModel):
    """A file of a message, attachment or image."""

    id: str
    number: int
    """Part of the row's key and of the links' tokens: no number is given twice within a message."""
    filename: str
    size: int
    """Bytes."""
    content_type: str
    blob: str
    """The name of the blob with the bytes."""
    message_version: str | None = Field(None, exclude=True)
    """The version of the message's row that the change of this file has made; it is not stored. None where the change
    made none, or an earlier try made it."""


class StoredAttachment(StoredFile):
    """A row `a<number>`. Links to a revoked or expired one lead to a page that says so."""

    followed: bool
    revoked: bool = False
    expires_at: Moment | None = None


class StoredImage(StoredFile):
    """A row `ai<number>`. The HTML names it as `cid:<cid>`."""

    chosen_cid: str | None = None
    """The Content-ID that the CRM chose; None where it is made of the id."""

    @property
    def cid(self) -> str:
        return self.chosen_cid or cid_of(self.id)


def cid_of(image: str) -> str:
    """Return a Content-ID (RFC 2392) for an image's id: like a Message-ID, unique everywhere."""
    return f"{image}@images.heed"


def is_gone(file: StoredAttachment, now: datetime) -> bool:
    """Whether the attachment is revoked or expired."""
    return file.revoked or (file.expires_at is not None and file.expires_at <= now)
