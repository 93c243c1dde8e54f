"""The timer that looks at queues: it writes metrics, and raises an alarm while there are dead letters."""

from __future__ import annotations

import azure.functions as func

from functions.loading import LoadServices


def blueprint(load_services: LoadServices) -> func.Blueprint:
    """Register the function `watch_dead_letters` (every 5 minutes)."""
    triggers = func.Blueprint()

    @triggers.function_name("watch_dead_letters")
    @triggers.timer_trigger("timer", "15 */5 * * * *")
    async def watch_dead_letters(timer: func.TimerRequest) -> None:  # noqa: ARG001
        services = await load_services()
        await services.deployment.watch()

    return triggers
