"""The timer that removes records from the list of engaged ones when their engagement has faded."""

from __future__ import annotations

import azure.functions as func

from functions.loading import LoadServices


def blueprint(load_services: LoadServices) -> func.Blueprint:
    """Register the function `tidy_engaged_records` (every hour)."""
    triggers = func.Blueprint()

    @triggers.function_name("tidy_engaged_records")
    @triggers.timer_trigger("timer", "0 20 * * * *")
    async def tidy_engaged_records(timer: func.TimerRequest) -> None:  # noqa: ARG001
        services = await load_services()
        await services.engagements.engaged.tidy()

    return triggers
