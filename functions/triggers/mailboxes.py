"""The timer that polls mailboxes."""

from __future__ import annotations

import azure.functions as func

from functions.loading import LoadServices


def blueprint(load_services: LoadServices) -> func.Blueprint:
    """Register the function `poll_mailboxes` (every minute)."""
    triggers = func.Blueprint()

    @triggers.function_name("poll_mailboxes")
    @triggers.timer_trigger("timer", "45 * * * * *")
    async def poll_mailboxes(timer: func.TimerRequest) -> None:  # noqa: ARG001
        services = await load_services()
        await services.polling.run()

    return triggers
