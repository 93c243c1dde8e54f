"""The stored form of a message's files, and their limits."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel

from lib.fields import Moment
from lib.mime.sizes import MEGABYTE

LARGEST_FOLLOWED = 100 * MEGABYTE
"""Bytes. It is also what the Functions host takes as a request's body, unless it is told otherwise."""

LARGEST_ATTACHED = 20 * MEGABYTE
"""Bytes of all that travels in one mail: in base64 some 27 MB, which most mail servers take."""

LARGEST_IMAGE = 5 * MEGABYTE
MOST_FILES = 50
"""Attachments and images that a message has at a time."""


class StoredFile(BaseModel):
    """`number` is in the row's key and in the links' tokens: none is given twice within a message. `size` in bytes."""

    id: str
    number: int
    filename: str
    size: int
    content_type: str
    blob: str


class StoredAttachment(StoredFile):
    """A row `a<number>`. Of a revoked one, and from `expires_at` on, links lead to a page that says so."""

    followed: bool
    revoked: bool = False
    expires_at: Moment | None = None


class StoredImage(StoredFile):
    """A row `ai<number>`. The HTML names it as `cid:<cid>`."""

    @property
    def cid(self) -> str:
        return cid_of(self.id)


def cid_of(image: str) -> str:
    """A Content-ID (RFC 2392) for an image's id: like a Message-ID, unique everywhere."""
    return f"{image}@images.heed"


def is_gone(file: StoredAttachment, now: datetime) -> bool:
    """Revoked or expired."""
    return file.revoked or (file.expires_at is not None and file.expires_at <= now)
