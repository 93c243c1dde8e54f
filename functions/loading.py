"""Services of CRM and work that are imported and made when they are first needed, in a thread.

Importing them takes a second, which the event loop belongs to recipients.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from lib.recipient_services import RecipientServices

if TYPE_CHECKING:
    from lib.services import Services

LoadServices = Callable[[], Awaitable["Services"]]
"""Gives the services; the first call waits until they are imported, and the event loop does not."""


class LateServices:
    """The services of an app: those of its recipients' functions, and the others when they are asked for.

    Tests hand in services that are made already.
    """

    def __init__(self, recipients: RecipientServices, services: Services | None = None) -> None:
        self.recipients = recipients
        self._services = services
        self._is_ready = services is not None
        self._lock = threading.Lock()

    async def load(self) -> Services:
        """Return the services, once they are imported and made."""
        if not self._is_ready:
            await asyncio.to_thread(self.make)
        assert self._services is not None
        return self._services

    def make(self) -> None:
        """Import and make the services, in a thread; two threads make one of them."""
        with self._lock:
            if self._services is None:
                from lib.services import Services

                self._services = Services(self.recipients.settings, recipients=self.recipients)
                self._services.import_libraries()
                self._start_telemetry()
            self._is_ready = True

    def _start_telemetry(self) -> None:
        """Have traces started where there is somewhere to send them to, in a thread: no request waits for it."""
        settings = self.recipients.settings
        if settings.insights_connection_string is not None:
            from lib.operations.telemetry import start_telemetry

            threading.Thread(target=start_telemetry, args=(settings,), name="telemetry", daemon=True).start()

    async def close(self) -> None:
        """Close all that the services have opened."""
        if self._services is not None:
            await self._services.close()
        await self.recipients.close()
