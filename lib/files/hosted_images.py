"""Hosted images: served from memory where they were asked for before, else from storage.

An image in memory outlives its row, its blob and its organization. So the organizations whose images are in memory are
looked up in the registry once a minute, when an image is asked for, and images of a deleted one are dropped. While
storage does not answer, they are served as they were.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from datetime import datetime, timedelta

from cachetools import LRUCache

from lib.clock import Clock
from lib.files.image_formats import BrokenImage, known_image_type
from lib.files.models import LARGEST_IMAGE
from lib.organizations.registry import Organizations
from lib.storage import Blobs, Missing, StorageError
from lib.storage import layout as tables
from lib.storage.batches import batches_of
from lib.tokens import Claim

log = logging.getLogger("heed.images")

LOOKUP_EVERY = timedelta(minutes=1)
LOOKUP_LIMIT = 0.25
"""Seconds that an image waits for the registry; it has 1.2 in all."""

_AT_ONCE = 16
"""Organizations that are looked up at the same time."""

_Image = tuple[bytes, str]


class HostedImages:
    """Images by the names of their blobs, which never change. At most `most_bytes` of them stay in memory."""

    def __init__(
        self, blobs: Blobs, organizations: Organizations, clock: Clock, most_bytes: int = 4 * LARGEST_IMAGE
    ) -> None:
        self._blobs = blobs
        self._organizations = organizations
        self._clock = clock
        self._kept: LRUCache[tuple[str, str], _Image] = LRUCache(most_bytes, lambda kept: len(kept[0]))
        self._made: dict[str, datetime] = {}
        """When each organization whose images may be in memory was made: another of its name has another time."""
        self._looked_up = clock.now()

    async def read_image(self, claim: Claim) -> _Image | None:
        """Return the bytes and their media type; None where the image is gone. Raises StorageError."""
        name = claim.organization, f"images/{claim.message}/{claim.destination}"
        await self._drop_deleted()
        if name in self._kept:
            return self._kept[name]
        reading = self._blobs.read_blob(tables.container(name[0]), name[1])
        try:
            made, data = await asyncio.gather(self._made_at(claim.organization), reading)
            found = data, known_image_type(data)
        except (Missing, BrokenImage):
            return None
        # Not where it was deleted meanwhile, or made anew.
        if made is not None and self._made.setdefault(claim.organization, made) == made:
            with suppress(ValueError):  # it is larger than all that may stay
                self._kept[name] = found
        return found

    async def _made_at(self, organization: str) -> datetime | None:
        """When the organization was made; None where that is not known, and nothing of it may stay in memory."""
        if organization in self._made:
            return self._made[organization]
        try:
            async with asyncio.timeout(LOOKUP_LIMIT):
                found = await self._organizations.load_organization(organization)
        except (StorageError, TimeoutError):
            return None
        return found[0].created_at if found else None

    async def _drop_deleted(self) -> None:
        """Drop what is in memory of organizations that are gone, if a minute has passed since the last look."""
        if self._clock.now() - self._looked_up < LOOKUP_EVERY:
            return
        # Before the look: requests that come meanwhile need not look as well.
        self._looked_up = self._clock.now()
        kept = {organization for organization, _ in self._kept}
        self._made = {organization: made for organization, made in self._made.items() if organization in kept}
        try:
            async with asyncio.timeout(LOOKUP_LIMIT):
                for some in batches_of(sorted(kept), _AT_ONCE):
                    await asyncio.gather(*map(self._drop_if_deleted, some))
        except (StorageError, TimeoutError) as error:
            log.warning("images are served from memory without a look at the registry: %s", type(error).__name__)

    async def _drop_if_deleted(self, organization: str) -> None:
        found = await self._organizations.load_organization(organization)
        if found is not None and found[0].created_at == self._made.get(organization):
            return
        self._made.pop(organization, None)
        for name in [name for name in self._kept if name[0] == organization]:
            self._kept.pop(name, None)
