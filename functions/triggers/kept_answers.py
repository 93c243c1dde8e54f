"""The timer that deletes answers kept under Idempotency-Keys when their day is over."""

from __future__ import annotations

import azure.functions as func

from functions.loading import LoadServices


def blueprint(load_services: LoadServices) -> func.Blueprint:
    """Register the function `delete_kept_answers` (every hour)."""
    triggers = func.Blueprint()

    @triggers.function_name("delete_kept_answers")
    @triggers.timer_trigger("timer", "0 10 * * * *")
    async def delete_kept_answers(timer: func.TimerRequest) -> None:  # noqa: ARG001
        services = await load_services()
        await services.kept_answers.delete_expired()

    return triggers
