"""The timer that removes what an organization's time is over for."""

from __future__ import annotations

import azure.functions as func

from lib.services import Services


def blueprint(services: Services) -> func.Blueprint:
    """Register the function `remove_old_data` (every hour)."""
    triggers = func.Blueprint()

    @triggers.function_name("remove_old_data")
    @triggers.timer_trigger("timer", "0 40 * * * *")
    async def remove_old_data(timer: func.TimerRequest) -> None:  # noqa: ARG001
        await services.retention.run()

    return triggers
