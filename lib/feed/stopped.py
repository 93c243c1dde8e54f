"""Recipients who said no, as the feed tells of them: once for each entry of the address's history."""

from __future__ import annotations

from datetime import datetime

from lib.clock import Clock, milliseconds
from lib.feed.models import Batch, FeedEvent
from lib.feed.store import Feed
from lib.ids import short_hash
from lib.organizations.registry import Organizations
from lib.people.address_hashes import AddressHashes
from lib.storage import Row, Tables, Upsert
from lib.storage.layout import FEED, table

TOLD_STOPS = "stopped"
"""Partition of the rows that name the last no that the feed was told; the keys are hashes of addresses."""


class StoppedRecipients:
    """Tells the feed who said no."""

    def __init__(
        self, feed: Feed, tables: Tables, hashes: AddressHashes, organizations: Organizations, clock: Clock
    ) -> None:
        self._feed = feed
        self._tables = tables
        self._hashes = hashes
        self._organizations = organizations
        self._clock = clock

    async def tell_stop(self, organization: str, email: str, at: datetime) -> None:
        """Tell of a no of that time, unless it was told. Raises StorageError, Stale.

        A process that dies after the event and before its row leaves a second event of the same id to the next request
        that says the same, if the feed has come to another page by then.
        """
        hashed, time = await self._hashes.hash_address(organization, email), milliseconds(at)
        name = table(organization, FEED)
        row = await self._tables.read_row(name, TOLD_STOPS, hashed)
        if row is not None and row.values["at"] == time:
            return
        settings = await self._organizations.settings(organization)
        named = email if settings.tracking != "aggregate" else None
        event_id = short_hash("stopped", hashed, str(time))
        event = FeedEvent(id=event_id, type="recipient.stopped", at=at, recipient=named)
        since = max(0, await self._feed.find_page(organization) - 1)
        batch = Batch(id=event_id, planned_at=milliseconds(self._clock.now()), since=since, events=[event])
        await self._feed.append_batch(organization, batch)
        await self._tables.write_rows(name, [Upsert(Row(TOLD_STOPS, hashed, {"v": 1, "at": time}))])
