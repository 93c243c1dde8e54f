"""The queue `outbox`: each message says "look at this mail", and the sending state machine does what is due."""

from __future__ import annotations

import azure.functions as func

from lib.outbox import read_wake
from lib.services import Services
from lib.tables import OUTBOX


def blueprint(services: Services) -> func.Blueprint:
    triggers = func.Blueprint()

    @triggers.function_name("send")
    @triggers.queue_trigger("msg", OUTBOX, connection="AzureWebJobsStorage")
    async def send(msg: func.QueueMessage) -> None:
        wake = read_wake(msg.get_body())
        if await services.outbox.deliver(wake.organization, wake.message):
            await services.assessor.refresh(wake.organization, wake.message)

    return triggers
