"""The timer that tells users of new cards in their channels, and sends digests."""

from __future__ import annotations

import azure.functions as func

from functions.loading import LoadServices


def blueprint(load_services: LoadServices) -> func.Blueprint:
    """Register the function `tell_of_cards` (every minute)."""
    triggers = func.Blueprint()

    @triggers.function_name("tell_of_cards")
    @triggers.timer_trigger("timer", "45 * * * * *")
    async def tell_of_cards(timer: func.TimerRequest) -> None:  # noqa: ARG001
        services = await load_services()
        await services.telling.sweep()
        await services.digests.sweep()

    return triggers
