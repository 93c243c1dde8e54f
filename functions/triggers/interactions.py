"""The queue `interactions`, whose facts the assessor judges, and the timer that looks for facts the queue has lost."""

from __future__ import annotations

import json

import azure.functions as func

from functions.loading import LoadServices
from functions.triggers.queues import on_queue
from lib.settings import Settings
from lib.storage.layout import INTERACTIONS
from lib.tracking.queue_messages import read_interactions


def blueprint(settings: Settings, load_services: LoadServices) -> func.Blueprint:
    """Register the functions `assess` (queue) and `sweep_journal` (timer, every 5 minutes)."""
    triggers = func.Blueprint()

    @on_queue(triggers, settings, load_services, INTERACTIONS)
    async def assess(body: bytes) -> None:
        services = await load_services()
        await services.intake.assess_interactions(read_interactions(json.loads(body)))

    @triggers.function_name("sweep_journal")
    @triggers.timer_trigger("timer", "0 */5 * * * *")
    async def sweep_journal(timer: func.TimerRequest) -> None:  # noqa: ARG001
        services = await load_services()
        await services.sweep.run()

    return triggers
