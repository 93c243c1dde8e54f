"""The timer that removes what an organization's time is over for."""

from __future__ import annotations

import azure.functions as func

from functions.loading import LoadServices


def blueprint(load_services: LoadServices) -> func.Blueprint:
    """Register the function `remove_old_data` (every hour)."""
    triggers = func.Blueprint()

    @triggers.function_name("remove_old_data")
    @triggers.timer_trigger("timer", "0 50 * * * *")
    async def remove_old_data(timer: func.TimerRequest) -> None:  # noqa: ARG001
        services = await load_services()
        await services.retention.run()

    return triggers
