"""Hosted images: served from memory where they were asked for before, else from storage."""

from __future__ import annotations

from contextlib import suppress

from cachetools import LRUCache

from lib.files.image_formats import BrokenImage, known_image_type
from lib.files.models import LARGEST_IMAGE
from lib.storage import Blobs, Missing
from lib.storage import layout as tables
from lib.tokens import Claim


class HostedImages:
    """Images by the names of their blobs, which never change. At most `most_bytes` of them stay in memory."""

    def __init__(self, blobs: Blobs, most_bytes: int = 4 * LARGEST_IMAGE) -> None:
        self._blobs = blobs
        self._kept: LRUCache[tuple[str, str], tuple[bytes, str]] = LRUCache(most_bytes, lambda kept: len(kept[0]))

    async def read_image(self, claim: Claim) -> tuple[bytes, str] | None:
        """Return the bytes and their media type; None where the image is gone. Raises StorageError."""
        name = claim.organization, f"images/{claim.message}/{claim.destination}"
        if name in self._kept:
            return self._kept[name]
        try:
            data = await self._blobs.read_blob(tables.container(name[0]), name[1])
            found = data, known_image_type(data)
        except (Missing, BrokenImage):
            return None
        with suppress(ValueError):  # it is larger than all that may stay
            self._kept[name] = found
        return found
