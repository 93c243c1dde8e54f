"""The queue `inbound`, whose mails are taken in."""

from __future__ import annotations

import azure.functions as func

from functions.triggers.queues import on_queue
from lib.inbound.orders import read_inbound_order
from lib.services import Services
from lib.storage.layout import INBOUND


def blueprint(services: Services) -> func.Blueprint:
    """Register the function `take_in_mail` (queue)."""
    triggers = func.Blueprint()

    @on_queue(triggers, services, INBOUND)
    async def take_in_mail(body: bytes) -> None:
        await services.mail_intake.run_order(read_inbound_order(body))

    return triggers
