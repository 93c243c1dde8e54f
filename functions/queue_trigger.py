"""How a function is put on a queue, whichever backend the queues have: storage, or Service Bus."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta

import azure.functions as func

from lib.services import Services
from lib.storage import Unavailable

Handler = Callable[[bytes], Awaitable[None]]
"""Takes a message's body. ValueError means that it is no message of ours; any failure has it come again."""

log = logging.getLogger("heed.queues")

AFTER_AN_OUTAGE = timedelta(seconds=30)
_LONGEST_PAUSE = 10.0


def on_queue(triggers: func.Blueprint, services: Services, queue: str) -> Callable[[Handler], Handler]:
    """Register the handler as a function of its own name. It gets no retry policy: the host would ignore it."""

    def register(handler: Handler) -> Handler:
        async def patiently(body: bytes) -> None:
            try:
                await handler(body)
            except Unavailable as error:
                # Tables can be down while queues are not: an outage must not use up the message's tries.
                log.warning("%s waits for storage: %s", handler.__name__, error)
                await services.storage.queues.send(queue, body.decode(), AFTER_AN_OUTAGE)

        make = _on_service_bus if services.settings.queues == "servicebus" else _on_storage
        make(triggers, handler.__name__, queue, patiently)
        return handler

    return register


def _on_storage(triggers: func.Blueprint, name: str, queue: str, handler: Handler) -> None:
    @triggers.function_name(name)
    @triggers.queue_trigger("msg", queue, connection="AzureWebJobsStorage")
    async def receive(msg: func.QueueMessage) -> None:
        await handler(msg.get_body())


def _on_service_bus(triggers: func.Blueprint, name: str, queue: str, handler: Handler) -> None:
    @triggers.function_name(name)
    @triggers.service_bus_queue_trigger("msg", connection="HEED_SERVICEBUS", queue_name=queue)
    async def receive(msg: func.ServiceBusMessage) -> None:
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
    """Seconds to let go by before the next try: half a second, then twice as long each time."""
    return min(_LONGEST_PAUSE, 0.5 * 2.0 ** (min(tries, 10) - 1))
