"""Wakes the delivery: an order for each subscription of an organization whose feed has new events."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from cachetools import LRUCache

from lib.clock import Clock
from lib.storage import Missing, Queues, StorageError, Tables
from lib.storage.layout import FEED, WEBHOOKS, table
from lib.webhooks.orders import DeliveryOrder

log = logging.getLogger("heed.webhooks")

SUBSCRIPTIONS = "webhooks"
"""Partition of the subscriptions."""

ALL = "all"
"""Key of the row that names all subscriptions."""

KNOWN_FOR = timedelta(seconds=15)
"""Time for which a process remembers which subscriptions there are."""

_MOST_REMEMBERED = 10_000


class DeliveryOrders:
    """Sends orders to the queue `webhooks`."""

    def __init__(self, tables: Tables, queues: Queues, clock: Clock) -> None:
        self._tables = tables
        self._queues = queues
        self._clock = clock
        self._known: LRUCache[str, tuple[datetime, list[str]]] = LRUCache(_MOST_REMEMBERED)

    async def list_ids(self, organization: str) -> list[str]:
        """List the ids of the subscriptions, as storage has them now. Raises StorageError."""
        row = await self._tables.read_row(table(organization, FEED), SUBSCRIPTIONS, ALL)
        return row.text("ids").split() if row else []

    async def wake_all(self, organization: str) -> None:
        """Order the delivery to every subscription. What fails is left to the timer, which looks for it."""
        try:
            for webhook in await self._ids(organization):
                await self.order(organization, webhook)
        except StorageError as error:
            log.warning("organization %s: webhooks wait for the timer: %s", organization, error)

    async def order(self, organization: str, webhook: str, delay: timedelta = timedelta(0)) -> None:
        """Order the delivery to one subscription. Raises StorageError."""
        body = DeliveryOrder(organization, webhook).to_json()
        try:
            await self._queues.send(WEBHOOKS, body, delay)
        except Missing:
            # Queues are made with an organization; those of before this queue was there have none.
            await self._queues.create(WEBHOOKS)
            await self._queues.send(WEBHOOKS, body, delay)

    async def order_soon(self, organization: str, webhook: str, delay: timedelta = timedelta(0)) -> None:
        """Order the delivery to one subscription, for a request that has changed it. The timer does what fails."""
        try:
            await self.order(organization, webhook, delay)
        except StorageError as error:
            log.warning("organization %s: a webhook waits for the timer: %s", organization, error)

    def forget(self, organization: str) -> None:
        """Forget which subscriptions there are: they have changed."""
        self._known.pop(organization, None)

    async def _ids(self, organization: str) -> list[str]:
        known, now = self._known.get(organization), self._clock.now()
        if known is None or now - known[0] > KNOWN_FOR:
            known = self._known[organization] = now, await self.list_ids(organization)
        return known[1]
