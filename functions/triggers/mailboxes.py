"""The timer that polls mailboxes."""

from __future__ import annotations

import azure.functions as func

from lib.services import Services


def blueprint(services: Services) -> func.Blueprint:
    """Register the function `poll_mailboxes` (every minute)."""
    triggers = func.Blueprint()

    @triggers.function_name("poll_mailboxes")
    @triggers.timer_trigger("timer", "45 * * * * *")
    async def poll_mailboxes(timer: func.TimerRequest) -> None:  # noqa: ARG001
        await services.polling.run()

    return triggers
