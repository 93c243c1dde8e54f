"""The timer that fires reminders and brings snoozed cards back."""

from __future__ import annotations

import azure.functions as func

from functions.loading import LoadServices


def blueprint(load_services: LoadServices) -> func.Blueprint:
    """Register the function `remind` (every minute)."""
    triggers = func.Blueprint()

    @triggers.function_name("remind")
    @triggers.timer_trigger("timer", "30 * * * * *")
    async def remind(timer: func.TimerRequest) -> None:  # noqa: ARG001
        services = await load_services()
        await services.overdue.report("reminders")
        await services.reminders.sweep()

    return triggers
