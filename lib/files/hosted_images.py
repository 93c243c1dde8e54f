"""Hosted images: served from memory where they were asked for before, else from storage."""

from __future__ import annotations

from collections import OrderedDict

from lib.files.image_formats import BrokenImage, known_image_type
from lib.files.models import LARGEST_IMAGE
from lib.storage import Blobs, Missing
from lib.storage import layout as tables
from lib.tokens import Claim


class HostedImages:
    """Images by the names of their blobs, which never change. At most `most_bytes` of them stay in memory."""

    def __init__(self, blobs: Blobs, most_bytes: int = 4 * LARGEST_IMAGE) -> None:
        self._blobs = blobs
        self._most_bytes = most_bytes
        self._kept: OrderedDict[tuple[str, str], tuple[bytes, str]] = OrderedDict()
        self._size = 0

    async def read_image(self, claim: Claim) -> tuple[bytes, str] | None:
        """Return the bytes and their media type; None where the image is gone. Raises StorageError."""
        name = claim.organization, f"images/{claim.message}/{claim.destination}"
        if name in self._kept:
            self._kept.move_to_end(name)
            return self._kept[name]
        try:
            data = await self._blobs.read_blob(tables.container(name[0]), name[1])
            found = data, known_image_type(data)
        except (Missing, BrokenImage):
            return None
        self._keep(name, found)
        return found

    def _keep(self, name: tuple[str, str], found: tuple[bytes, str]) -> None:
        if name in self._kept:
            return
        self._kept[name] = found
        self._size += len(found[0])
        while self._size > self._most_bytes:
            _, (data, _) = self._kept.popitem(last=False)
            self._size -= len(data)
