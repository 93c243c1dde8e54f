"""The timer that fires reminders, and brings snoozed cards back."""

from __future__ import annotations

import azure.functions as func

from functions.timer_trigger import on_timer
from lib.services import Services


def blueprint(services: Services) -> func.Blueprint:
    triggers = func.Blueprint()

    @on_timer(triggers, "30 * * * * *")
    async def remind() -> None:
        await services.reminders.sweep()

    return triggers
