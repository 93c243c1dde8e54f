"""Sending: the timer that finds mail that is due, and the queue `outbox`; its messages each name a mail to look at."""

from __future__ import annotations

import azure.functions as func

from functions.loading import LoadServices
from functions.triggers.queues import on_queue
from lib.sending.orders import AskedByRecipient, Discard, read_order
from lib.settings import Settings
from lib.storage.layout import OUTBOX


def blueprint(settings: Settings, load_services: LoadServices) -> func.Blueprint:
    """Register the functions `send` (queue) and `sweep_due` (timer, every minute)."""
    triggers = func.Blueprint()

    @on_queue(triggers, settings, load_services, OUTBOX)
    async def send(body: bytes) -> None:
        """Look at the mail that the message names, and send what is due of it."""
        services = await load_services()
        order = read_order(body)
        if isinstance(order, Discard):
            await services.outbox.discard(order)
            return
        if isinstance(order, AskedByRecipient):
            await services.recipient_decisions.carry_out(order.organization, order.sealed)
            return
        look = await services.outbox.deliver(order.organization, order.message, order.seen)
        await services.schedule.settle(order, look.message if look else None)
        # A worker that changed the message may have died before it told lists and cards of that.
        if look is None:
            return
        lists = services.lists_follower
        if look.has_changed or not await services.assessor.has_told(order.organization, look.message, lists):
            await services.assessor.refresh(order.organization, order.message)

    @triggers.function_name("sweep_due")
    @triggers.timer_trigger("timer", "0 * * * * *")
    async def sweep_due(timer: func.TimerRequest) -> None:  # noqa: ARG001
        services = await load_services()
        await services.overdue.report("mail")
        await services.schedule.sweep()

    return triggers
