"""Delivery: carries the feed's events to the address of a subscription, in rounds that the queue `webhooks` orders.

One worker at a time has a subscription, by a lease. A round makes deliveries of new events, tries what is due, and
orders the next round. A worker that dies leaves a lease that ends; a delivery whose answer was not noted is tried
again, with the same id. So events arrive at least once.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from lib.clock import Clock, milliseconds, moment
from lib.errors import NoLongerKept, NotAllowed, Stale
from lib.feed.models import FeedEvent, FeedPlace
from lib.feed.reading import shown_event
from lib.feed.store import Feed
from lib.organizations.registry import Organizations
from lib.outside import NotOutside
from lib.outside.http import HttpReply, RequestFailed, post_body
from lib.storage import StorageError
from lib.storage.documents import UnreadableRow
from lib.storage.protocols import MOST_CHANGES
from lib.webhooks.deliveries import LEASE, MOST_WAITING, Deliveries
from lib.webhooks.models import EventDelivery, FeedProgress, StoredWebhook
from lib.webhooks.orders import DeliveryOrder
from lib.webhooks.rounds import GIVEN_UP_AFTER, is_ahead, may_go_at, next_round, pause_after, queues_of
from lib.webhooks.signing import cloud_event, signed_headers
from lib.webhooks.store import Webhooks
from lib.webhooks.waking import DeliveryOrders

log = logging.getLogger("heed.webhooks")

LONGEST_ROUND = timedelta(seconds=45)
"""Time after which a round begins no more tries."""

TEST_TYPE = "webhook.test"
"""The type of the event that a test delivers."""

_AT_ONCE = 8
"""Messages whose events are delivered at the same time."""

_MOST_FAILURES = 5
"""Tries that fail one after the other until a round is broken off."""

_FIRST_PAUSE, _LONGEST_PAUSE = timedelta(seconds=15), timedelta(minutes=10)
"""Pauses after rounds that were broken off: the first one, then twice as long each time."""

_READ_AT_ONCE = MOST_CHANGES - 1
_MOST_DELAY = timedelta(days=6)
"""Storage queues keep a message for a week."""

_GONE = 410
_SECRET_LOST = (
    "The secret cannot be opened any more, as its token key is gone: make a new one, and switch the webhook on."  # noqa: S105 - no password
)


@dataclass(slots=True)
class _Round:
    """A round of one subscription."""

    organization: str
    webhook: StoredWebhook
    etag: str
    keys: Sequence[str]
    ends_at: datetime
    turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_AT_ONCE))
    failed_in_a_row: int = 0
    has_arrived: bool = False
    is_gone: bool = False
    """Whether the receiver has said that it wants no more."""

    @property
    def is_broken_off(self) -> bool:
        return self.is_gone or self.failed_in_a_row >= _MOST_FAILURES


class WebhookDelivery:
    """Delivers events to subscriptions."""

    def __init__(
        self,
        webhooks: Webhooks,
        deliveries: Deliveries,
        feed: Feed,
        organizations: Organizations,
        wake: DeliveryOrders,
        clock: Clock,
        base_url: str,
        *,
        loopback: bool = False,
    ) -> None:
        self._webhooks = webhooks
        self._deliveries = deliveries
        self._feed = feed
        self._organizations = organizations
        self._wake = wake
        self._clock = clock
        self._base_url = base_url
        self._loopback = loopback

    async def deliver(self, order: DeliveryOrder) -> None:
        """Do a round of a subscription, unless another worker has it, or it is to wait. Raises StorageError."""
        organization = order.organization
        found = await self._webhooks.load_webhook(organization, order.webhook)
        loaded = await self._deliveries.load_state(organization, order.webhook)
        if found is None or loaded is None or not found[0].enabled:
            return
        state, etag = loaded
        now = self._clock.now()
        if self._deliveries.is_leased(state) or is_ahead(moment(state.resume_at), now, _LONGEST_PAUSE):
            return
        keys = self._webhooks.secrets_of(organization, found[0])
        try:
            if not keys:
                await self._webhooks.disable(organization, *found, _SECRET_LOST)
                return
            state.lease_until = milliseconds(now + LEASE)
            etag = await self._deliveries.save_state(organization, order.webhook, state, etag)
            running = _Round(organization, *found, keys, now + LONGEST_ROUND)
            await self._do_round(running, state, etag)
        except Stale as stale:
            log.info("organization %s: %s", organization, stale)

    async def _do_round(self, running: _Round, state: FeedProgress, etag: str) -> None:
        organization, webhook = running.organization, running.webhook.id
        waiting, etag = await self._make_deliveries(running, state, etag)
        groups = (self._deliver_in_order(running, group) for group in queues_of(waiting))
        results = await asyncio.gather(*groups, return_exceptions=True)
        now = self._clock.now()
        if running.is_gone:
            because = "The receiver has answered with 410: it wants no more."
            await self._webhooks.disable(organization, running.webhook, running.etag, because)
        if running.has_arrived:
            state.failures, state.resume_at = 0, 0
        elif running.is_broken_off:
            pause = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** min(state.failures, 10))
            state.failures, state.resume_at = state.failures + 1, milliseconds(now + pause)
        state.lease_until = 0
        await self._deliveries.save_state(organization, webhook, state, etag)
        for result in results:
            if isinstance(result, BaseException):
                raise result
        if not running.is_gone:
            await self._order_next(organization, webhook, state, now)

    async def _order_next(self, organization: str, webhook: str, state: FeedProgress, now: datetime) -> None:
        """Order the next round. It looks after the lease has ended: orders that came meanwhile have found the lease."""
        waiting = await self._deliveries.list_waiting(organization, webhook)
        at = next_round(waiting)
        if len(waiting) < MOST_WAITING and await self._feed.find_end(organization) != (state.page, state.number):
            at = now
        if at is not None:
            resume_at = moment(state.resume_at)
            at = max(at, resume_at) if is_ahead(resume_at, now, _LONGEST_PAUSE) else at
            await self._wake.order(organization, webhook, min(_MOST_DELAY, max(timedelta(0), at - now)))

    async def _make_deliveries(
        self, running: _Round, state: FeedProgress, etag: str
    ) -> tuple[list[EventDelivery], str]:
        """Make deliveries of what is new in the feed; return all that wait, and the etag of the state. Raises Stale."""
        organization, webhook = running.organization, running.webhook
        waiting = await self._deliveries.list_waiting(organization, webhook.id)
        while len(waiting) < MOST_WAITING and self._clock.now() < running.ends_at:
            place = FeedPlace(state.page, state.number)
            try:
                found, end = await self._feed.read_events(organization, place, _READ_AT_ONCE)
            except NoLongerKept:
                log.warning("organization %s: events of a webhook are too old to be delivered", organization)
                found, end = await self._feed.read_events(organization, None, _READ_AT_ONCE)
            if end == place:
                break
            state.page, state.number = end
            wanted = [(behind, event) for behind, event in found if webhook.wants(event)]
            made, etag = await self._deliveries.add_events(organization, webhook.id, state, etag, wanted)
            waiting += made
        return waiting[:MOST_WAITING], etag

    async def _deliver_in_order(self, running: _Round, group: Sequence[EventDelivery]) -> None:
        """Try the events of one message, in their order."""
        is_held = False
        for delivery in group:
            now = self._clock.now()
            if now - delivery.made_at >= GIVEN_UP_AFTER:
                await self._give_up(running, delivery)
                continue
            if may_go_at(delivery, is_held) > now:
                is_held = True
                continue
            async with running.turns:
                if running.is_broken_off or self._clock.now() >= running.ends_at:
                    return
                is_held = not await self._try(running, delivery) or is_held

    async def _try(self, running: _Round, delivery: EventDelivery) -> bool:
        """Try a delivery, and note what became of it; return whether it has come to rest."""
        organization, webhook = running.organization, running.webhook
        tried = delivery.model_copy(update={"attempts": delivery.attempts + 1, "status": None, "error": None})
        event = await self._feed.read_event(organization, delivery.page, delivery.number)
        if event is None:
            await self._give_up(running, tried.model_copy(update={"error": "The event is not kept any more."}))
            return True
        retry_after: str | None = None
        try:
            reply = await self._post(running, event)
        except RequestFailed as failure:
            tried.error = f"There was no answer: {failure}."
        except NotOutside as refusal:
            tried.error = f"{refusal}"
        else:
            tried.status, retry_after = reply.status, reply.retry_after
            if 200 <= reply.status < 300:
                running.failed_in_a_row, running.has_arrived = 0, True
                await self._deliveries.end(organization, webhook.id, tried, "delivered")
                return True
            running.is_gone = running.is_gone or reply.status == _GONE
        running.failed_in_a_row += 1
        tried.next_at = self._clock.now() + pause_after(tried.attempts, retry_after)
        if tried.next_at - tried.made_at >= GIVEN_UP_AFTER:
            await self._give_up(running, tried)
            return True
        await self._deliveries.try_later(organization, webhook.id, tried)
        return False

    async def _give_up(self, running: _Round, delivery: EventDelivery) -> None:
        log.warning("organization %s: an event was not delivered to a webhook within a day", running.organization)
        await self._deliveries.end(running.organization, running.webhook.id, delivery, "dead")

    async def _post(self, running: _Round, event: FeedEvent) -> HttpReply:
        """Raises RequestFailed, NotOutside, StorageError."""
        organization = running.organization
        shown = shown_event(event, await self._organizations.settings(organization))
        data = shown.model_dump(mode="json")
        body = cloud_event(self._source(organization), event.id, event.type, event.message, event.at, data)
        headers = signed_headers(running.keys, event.id, body, self._clock.now())
        return await post_body(running.webhook.url, body, headers, loopback=self._loopback)

    async def test(self, organization: str, webhook: StoredWebhook, event_id: str) -> HttpReply:
        """Deliver a test event at once. Raises RequestFailed, NotOutside; NotAllowed where nothing can be signed."""
        keys = self._webhooks.secrets_of(organization, webhook)
        if not keys:
            raise NotAllowed(_SECRET_LOST)
        now, data = self._clock.now(), {"webhook": webhook.id}
        body = cloud_event(self._source(organization), event_id, TEST_TYPE, None, now, data)
        headers = signed_headers(keys, event_id, body, now)
        return await post_body(webhook.url, body, headers, loopback=self._loopback)

    def _source(self, organization: str) -> str:
        return f"{self._base_url}/api/orgs/{organization}"

    async def sweep(self) -> None:
        """Order what no order has come for, for a timer. An organization that fails is left for the next time."""
        async for organization in self._organizations.list_organizations():
            try:
                for webhook in await self._wake.list_ids(organization):
                    await self._sweep_webhook(organization, webhook)
            except (StorageError, UnreadableRow) as error:
                log.error("webhooks of organization %s are left for the next time: %s", organization, error)

    async def _sweep_webhook(self, organization: str, webhook: str) -> None:
        loaded = await self._deliveries.load_state(organization, webhook)
        if loaded is None or self._deliveries.is_leased(loaded[0]):
            return
        state, now = loaded[0], self._clock.now()
        at = next_round(await self._deliveries.list_waiting(organization, webhook))
        is_due = at is not None and at <= now
        if is_due or await self._feed.find_end(organization) != (state.page, state.number):
            await self._wake.order(organization, webhook)

    async def delete_old(self, organization: str) -> None:
        """Delete deliveries of events that are not kept any more. Raises StorageError."""
        first = await self._feed.find_beginning(organization)
        for webhook in await self._wake.list_ids(organization):
            await self._deliveries.delete_old(organization, webhook, first)
