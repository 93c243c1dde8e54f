"""The timer that raises an alarm while there are dead letters."""

from __future__ import annotations

import azure.functions as func

from lib.operations.dead_letters import raise_alarm
from lib.services import Services


def blueprint(services: Services) -> func.Blueprint:
    """Register the function `watch_dead_letters` (every 5 minutes)."""
    triggers = func.Blueprint()

    @triggers.function_name("watch_dead_letters")
    @triggers.timer_trigger("timer", "15 */5 * * * *")
    async def watch_dead_letters(timer: func.TimerRequest) -> None:  # noqa: ARG001
        await raise_alarm(services.storage.queues.dead_letters)

    return triggers
