"""Registers functions on queues, whichever backend the queues have: Azure Storage or Service Bus."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta

import azure.functions as func

from functions.loading import LoadServices
from lib.settings import Settings
from lib.storage import Unavailable

MessageHandler = Callable[[bytes], Awaitable[None]]
"""Handles a message's body. Any error makes the message come again; ValueError means that it is no message of ours."""

log = logging.getLogger("heed.queues")

AFTER_AN_OUTAGE = timedelta(seconds=30)
_LONGEST_PAUSE = 10.0
"""Seconds."""


def on_queue(
    triggers: func.Blueprint, settings: Settings, load_services: LoadServices, queue: str
) -> Callable[[MessageHandler], MessageHandler]:
    """Register the decorated handler as a function of its own name. No retry policy: the host would ignore it."""

    def register(handler: MessageHandler) -> MessageHandler:
        """Register the handler with the trigger of the queues' backend."""

        async def patiently(body: bytes) -> None:
            """Handle a message; send it again for later while storage is down."""
            try:
                await handler(body)
            except Unavailable as error:
                # Tables can be down while queues are not: an outage must not use up the message's tries.
                log.warning("%s waits for storage: %s", handler.__name__, error)
                services = await load_services()
                await services.storage.queues.send(queue, body.decode(), AFTER_AN_OUTAGE)

        make = _on_service_bus if settings.queues == "servicebus" else _on_storage
        make(triggers, handler.__name__, queue, patiently)
        return handler

    return register


def _on_storage(triggers: func.Blueprint, name: str, queue: str, handler: MessageHandler) -> None:
    @triggers.function_name(name)
    @triggers.queue_trigger("msg", queue, connection="AzureWebJobsStorage")
    async def receive(msg: func.QueueMessage) -> None:
        await handler(msg.get_body())


def _on_service_bus(triggers: func.Blueprint, name: str, queue: str, handler: MessageHandler) -> None:
    @triggers.function_name(name)
    @triggers.service_bus_queue_trigger("msg", connection="HEED_SERVICEBUS", queue_name=queue)
    async def receive(msg: func.ServiceBusMessage) -> None:
        """Handle a message; pause after a failure."""
        try:
            await handler(msg.get_body())
        except ValueError:
            raise
        except Exception:
            # Service Bus gives an abandoned message out again at once: all its tries would be used up within the
            # first second of an outage.
            await asyncio.sleep(pause_after(msg.delivery_count or 1))
            raise


def pause_after(tries: int) -> float:
    """Return the pause before the next try, in seconds: half a second, then twice as long each time, at most 10."""
    return min(_LONGEST_PAUSE, 0.5 * 2.0 ** (min(tries, 10) - 1))
