"""The assessor's triggers: the queue `interactions`, and the timer that looks for what the queue has lost."""

from __future__ import annotations

import json

import azure.functions as func

from functions.queue_trigger import on_queue
from lib.facts import read_interactions
from lib.services import Services
from lib.tables import INTERACTIONS


def blueprint(services: Services) -> func.Blueprint:
    triggers = func.Blueprint()

    @on_queue(triggers, services, INTERACTIONS)
    async def assess(body: bytes) -> None:
        await services.sweep.take(read_interactions(json.loads(body)))

    @triggers.function_name("sweep_journal")
    @triggers.timer_trigger("timer", "0 */5 * * * *")
    async def sweep_journal(timer: func.TimerRequest) -> None:  # noqa: ARG001
        await services.sweep.run()

    return triggers
