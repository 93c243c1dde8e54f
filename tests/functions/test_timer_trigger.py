"""The functions on timers."""

from __future__ import annotations

import azure.functions as func
import pytest

from functions.timer_trigger import on_timer
from infra.local.application import list_functions
from lib.storage import Unavailable


async def test_an_outage_of_storage_is_a_line_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    app, triggers = func.FunctionApp(), func.Blueprint()

    @on_timer(triggers, "0 * * * * *")
    async def sweep() -> None:
        raise Unavailable("storage answers 503")

    app.register_functions(triggers)
    [function] = list_functions(app)
    await function.handler(timer=None)

    assert (function.name, function.trigger.schedule) == ("sweep", "0 * * * * *")
    assert "sweep waits for storage: storage answers 503" in caplog.text
    assert "Traceback" not in caplog.text
