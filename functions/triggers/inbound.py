"""The queue `inbound`, whose mails are taken in."""

from __future__ import annotations

import azure.functions as func

from functions.loading import LoadServices
from functions.triggers.queues import on_queue
from lib.inbound.orders import read_inbound_order
from lib.settings import Settings
from lib.storage.layout import INBOUND


def blueprint(settings: Settings, load_services: LoadServices) -> func.Blueprint:
    """Register the function `take_in_mail` (queue)."""
    triggers = func.Blueprint()

    @on_queue(triggers, settings, load_services, INBOUND)
    async def take_in_mail(body: bytes) -> None:
        services = await load_services()
        await services.mail_intake.run_order(read_inbound_order(body))

    return triggers
