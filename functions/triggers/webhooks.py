"""The queue `webhooks`, whose messages have events delivered, and the timer that looks for what has no message."""

from __future__ import annotations

import azure.functions as func

from functions.loading import LoadServices
from functions.triggers.queues import on_queue
from lib.settings import Settings
from lib.storage.layout import WEBHOOKS
from lib.webhooks.orders import read_delivery_order


def blueprint(settings: Settings, load_services: LoadServices) -> func.Blueprint:
    """Register the functions `deliver_events` (queue) and `sweep_webhooks` (timer, every 5 minutes)."""
    triggers = func.Blueprint()

    @on_queue(triggers, settings, load_services, WEBHOOKS)
    async def deliver_events(body: bytes) -> None:
        services = await load_services()
        await services.webhook_delivery.deliver(read_delivery_order(body))

    @triggers.function_name("sweep_webhooks")
    @triggers.timer_trigger("timer", "45 */5 * * * *")
    async def sweep_webhooks(timer: func.TimerRequest) -> None:  # noqa: ARG001
        services = await load_services()
        await services.webhook_delivery.sweep()

    return triggers
