"""The composition root: every part of Heed, built from the settings in one place.

`build` checks what can be checked without a network. Parts that hold a connection are made when they are first used,
inside the event loop that the Functions worker runs; `Services.close` closes them.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from lib.services.operating import Operating
from lib.settings import Settings

if TYPE_CHECKING:
    from lib.console.operator_sessions import OperatorSessions
    from lib.console.sessions import Sessions
    from lib.readiness.report import Readiness


class Services(Operating):
    """Everything, each part made once."""

    @cached_property
    def sessions(self) -> Sessions:
        """Sessions of the console."""
        from lib.console.sessions import Sessions

        return Sessions(self.ring, self.api_keys, self.organizations, self.people, self.clock)

    @cached_property
    def operator_sessions(self) -> OperatorSessions:
        """Sessions of the deployment's operator."""
        from lib.console.operator_sessions import OperatorSessions

        return OperatorSessions(self.ring, self.settings.admin_key, self.clock)

    @cached_property
    def readiness(self) -> Readiness:
        """Reports on whether an organization is ready to send."""
        from lib.readiness.dns_records import AskDns, DnsRecords
        from lib.readiness.logins import check_login
        from lib.readiness.report import Readiness
        from lib.storage.azure.service_time import storage_time

        settings = self.settings
        dns = DnsRecords(AskDns() if settings.mx_lookup == "on" else None, self.clock)
        return Readiness(
            self.people,
            self.lists,
            self.mailboxes,
            self.storage,
            dns,
            lambda: check_login(self.transport),
            lambda: storage_time(settings.account()),
            self.clock,
            base_url=settings.base_url,
            transport=settings.transport,
            maps=settings.maps_key is not None,
            networks_as_of=self.catalogues.systems.as_of,
        )


def build(settings: Settings) -> Services:
    """Everything that the triggers need."""
    return Services(settings)
