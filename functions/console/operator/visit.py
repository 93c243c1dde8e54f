"""One visit of an operator's page: the session, what the address and the form say, and the API's endpoints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import azure.functions as func

from functions.api.endpoint import Endpoint
from functions.api.serving import call_endpoint
from functions.console.visit import HOME, Form, request_for
from lib.console.operator_sessions import OperatorSession
from lib.console.times import Times
from lib.services import Services

OPERATOR_HOME = f"{HOME}operator"
ZONE = "UTC"
"""The time zone of operators, who are no users."""


@dataclass(slots=True)
class OperatorVisit:
    """A request of a person who has shown the administrator's key."""

    services: Services
    endpoints: Mapping[str, Endpoint]
    request: func.HttpRequest
    session: OperatorSession
    page: str
    """The path below `operator/`; empty for the first page."""

    form: Form = field(default_factory=Form)

    @property
    def times(self) -> Times:
        """Times in words, in UTC."""
        return Times(self.services.clock.now(), ZONE)

    def query(self, name: str) -> str:
        """Return a parameter of the address; empty where there is none."""
        return str(self.request.params.get(name, "")).strip()

    async def ask(
        self,
        endpoint: str,
        path: Mapping[str, str] | None = None,
        query: Mapping[str, object] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> Any:
        """Call an endpoint of the API by its name, as the administrator; the body of its answer. Raises Problem."""
        called = self.endpoints[endpoint]
        request = request_for(called, path or {}, query, body)
        return (await call_endpoint(called, self.services, request, None, ZONE)).body
