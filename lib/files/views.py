"""Views of attachments: the way from a link's token to the bytes, by a URL that is good for some minutes.

The row is read each time, so that revoking takes effect at once. While storage does not answer, the last copy of the
row that this process has seen stands in: the URL is signed without storage, and the blob may be there although the
table is not. Without such a copy the file's name is unknown, and so is whether it was revoked. The bytes lie in the
same account as the row, so a link to them would as a rule end on a page of XML: it is better to ask for another try.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta

from cachetools import LRUCache

from lib.clock import Clock
from lib.files.filenames import as_download
from lib.files.models import StoredAttachment, is_gone
from lib.files.store import Files
from lib.storage import Blobs, Grant, StorageError, Unavailable
from lib.storage import layout as tables
from lib.tokens import Claim

log = logging.getLogger("heed.attachments")

LIVES = timedelta(minutes=5)
LOOKUP_LIMIT = 0.7
SIGNING_LIMIT = 0.5
"""Seconds. Signing takes none but once a day, when a managed identity asks for the key to sign with."""

_MOST_KNOWN = 2_000


class Gone(Exception):
    """An attachment that is revoked, expired or deleted."""


class AttachmentViews:
    """Finds the attachments of links, and makes URLs to their bytes."""

    def __init__(self, files: Files, blobs: Blobs, clock: Clock) -> None:
        self._files = files
        self._blobs = blobs
        self._clock = clock
        self._known: LRUCache[tuple[str, str, int], StoredAttachment | None] = LRUCache(_MOST_KNOWN)

    async def find(self, claim: Claim) -> StoredAttachment:
        """Return a link's attachment. Raises Gone; Unavailable where storage does not answer."""
        place = claim.organization, claim.message, claim.item
        try:
            async with asyncio.timeout(LOOKUP_LIMIT):
                self._known[place] = await self._files.attachment(*place)
        except (StorageError, TimeoutError) as error:
            if place not in self._known:
                raise Unavailable("the attachment could not be looked up") from error
            log.warning("an attachment is told from memory: %s", type(error).__name__)
        found = self._known[place]
        if found is None or is_gone(found, self._clock.now()):
            raise Gone
        return found

    async def url(self, claim: Claim, attachment: StoredAttachment) -> str:
        """Return a URL that lets anyone who has it read the file, so it must get into no log. Raises StorageError."""
        until = self._clock.now() + LIVES
        if attachment.expires_at is not None:
            until = min(until, attachment.expires_at)
        grant = Grant(until, as_download(attachment.filename), attachment.content_type)
        try:
            async with asyncio.timeout(SIGNING_LIMIT):
                return await self._blobs.reading_url(tables.container(claim.organization), attachment.blob, grant)
        except TimeoutError as error:
            raise Unavailable("there is no key to sign with") from error
