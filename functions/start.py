"""The start of an app's process, as short as it can be: a recipient may be waiting for it."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from functions.app import HeedApp


def start() -> HeedApp:
    """Read the settings, and make the app of the part that they name. Raises SettingsError."""
    # Hardly anything of what is imported is garbage: looking for some would take a tenth of the start.
    gc.disable()
    try:
        from functions.app import make_app
        from lib.operations.logs import name_requests, quiet_libraries
        from lib.recipient_services import RecipientServices
        from lib.settings import load_settings

        quiet_libraries()
        name_requests()
        app = make_app(RecipientServices(load_settings()))
    finally:
        gc.enable()
    # What is loaded by now stays for good: the collector need not look at it again and again. That makes a tenth more
    # hits a second.
    gc.freeze()
    gc.set_threshold(20_000, 20, 100)
    app.imports_ahead = app.tells_of_itself = True
    return app
