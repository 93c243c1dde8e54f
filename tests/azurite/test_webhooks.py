"""Deliveries on a real Azurite: two workers, a receiver that fails, and the rows that are left."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from lib.organizations.registry import OrganizationSpec
from lib.people.consents import RECIPIENT, ConsentSpec
from lib.services import Services
from lib.settings import load_settings
from lib.storage import Storage
from lib.webhooks.models import WebhookSpec
from lib.webhooks.orders import DeliveryOrder
from tests.support.heed import SETTINGS
from tests.support.receiver import Receiver


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    made = await Receiver().start()
    yield made
    await made.stop()


async def test_two_workers_deliver_each_event_once_in_the_order_of_its_message(
    storage: Storage, receiver: Receiver
) -> None:
    settings = load_settings({**SETTINGS, "HEED_LOOPBACK": "on"})
    one, other = Services(settings, storage=storage), Services(settings, storage=storage)
    name = f"o{uuid.uuid4().hex[:20]}"
    await one.organizations.save_organization(name, OrganizationSpec(name="x"), None)
    refused = list[str]()

    async def refuse_once(_: web.Request) -> web.Response:
        posted = receiver.posted[-1]
        if len(refused) < 2:
            refused.append(posted.id)
            return web.Response(status=503)
        return web.Response()

    try:
        await one.webhooks.save_webhook(name, "crm", WebhookSpec(url=receiver.url), None)
        for number in range(12):
            no = ConsentSpec(follow="do_not_allow")
            await one.consents.append_consent(name, f"r{number}@example.com", no, RECIPIENT)
        receiver.answer = refuse_once
        order = DeliveryOrder(name, "crm")
        await asyncio.gather(one.webhook_delivery.deliver(order), other.webhook_delivery.deliver(order))
        assert len(await one.deliveries.list_waiting(name, "crm")) == 2

        for each in await one.deliveries.list_waiting(name, "crm"):
            await other.deliveries.replay(name, "crm", each.id)
        await other.webhook_delivery.deliver(order)

        found, _ = await other.feed.read_events(name, None, 100)
        of_feed = [event.id for _, event in found]
        done = [each async for _, each in one.deliveries.list_deliveries(name, "crm", "delivered", None, 100)]
        assert [each.event for each in done] == of_feed[::-1]
        assert len(receiver.posted) == 12 + 2
        await one.webhooks.remove_webhook(name, "crm", None)
        assert await one.deliveries.load_state(name, "crm") is None
    finally:
        await one.organizations.delete_organization(name)
        await one.close()
        await other.close()
