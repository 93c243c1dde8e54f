"""How a function is put on a timer: an outage of storage is one line in the log, and the next tick does the work."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

import azure.functions as func

from lib.storage import Unavailable

log = logging.getLogger("heed.timers")

Handler = Callable[[], Awaitable[object]]


def on_timer(triggers: func.Blueprint, schedule: str) -> Callable[[Handler], Handler]:
    """Register the handler as a function of its own name. `schedule` is a six-field NCRONTAB expression, in UTC."""

    def register(handler: Handler) -> Handler:
        @triggers.function_name(handler.__name__)
        @triggers.timer_trigger("timer", schedule)
        async def tick(timer: func.TimerRequest) -> None:  # noqa: ARG001
            try:
                await handler()
            except Unavailable as error:
                log.warning("%s waits for storage: %s", handler.__name__, error)

        return handler

    return register
