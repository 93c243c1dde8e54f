"""The timer that brings lists of an older release to the form of today's."""

from __future__ import annotations

import azure.functions as func

from functions.loading import LoadServices


def blueprint(load_services: LoadServices) -> func.Blueprint:
    """Register the function `move_old_lists` (every hour)."""
    triggers = func.Blueprint()

    @triggers.function_name("move_old_lists")
    @triggers.timer_trigger("timer", "0 40 * * * *")
    async def move_old_lists(timer: func.TimerRequest) -> None:  # noqa: ARG001
        services = await load_services()
        await services.old_lists.move()
        await services.filter_rows_of_before.list_again()

    return triggers
