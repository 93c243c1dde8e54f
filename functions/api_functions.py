"""The functions of the part `crm`: the API, its document, the start page, and the answer for unknown paths.

They are registered from the table of endpoints. The endpoints themselves are imported at the first request, in a
thread, unless that was done ahead.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import azure.functions as func

from functions.api.table import TableRow, methods_of, read_table
from functions.loading import LateServices
from functions.resources import api_document, start, unknown_paths

if TYPE_CHECKING:
    from functions.api.endpoint import Endpoint


class ApiFunctions:
    """The API, over services that are made when they are first needed."""

    def __init__(self, services: LateServices) -> None:
        self._services = services
        self._endpoints: Mapping[str, Endpoint] | None = None
        self._document: bytes | None = None

    def blueprints(self) -> list[func.Blueprint]:
        """Register every function of the part."""
        rows = read_table()
        return [
            self._endpoint_functions(rows),
            api_document.blueprint(self.load_document, self._services.load),
            start.blueprint(),
            unknown_paths.blueprint(rows, self.load_endpoints, self._services.load),
        ]

    def _endpoint_functions(self, rows: Sequence[TableRow]) -> func.Blueprint:
        triggers = func.Blueprint()
        for row in rows:
            self._register(triggers, row)
        return triggers

    def _register(self, triggers: func.Blueprint, row: TableRow) -> None:
        @triggers.function_name(row.name)
        @triggers.route(row.route, methods=methods_of(row.method), auth_level=func.AuthLevel.ANONYMOUS)
        async def answer(req: func.HttpRequest) -> func.HttpResponse:
            """Hand the request to the endpoint."""
            endpoints, services = await self.load_endpoints(), await self._services.load()
            from functions.api.serving import serve  # imported by now

            return await serve(endpoints[row.name], services, req)

    async def load_endpoints(self) -> Mapping[str, Endpoint]:
        """Return every endpoint by its name, once they are imported."""
        if self._endpoints is None:
            await asyncio.to_thread(self.import_endpoints)
        assert self._endpoints is not None
        return self._endpoints

    def import_endpoints(self) -> None:
        """Import the endpoints and what serves them, in a thread."""
        from functions.api import serving  # noqa: F401
        from functions.endpoints import ENDPOINTS

        self._endpoints = ENDPOINTS

    async def load_document(self) -> bytes:
        """Return the OpenAPI document, which is made when it is first asked for."""
        if self._document is None:
            await self.load_endpoints()
            from functions.endpoints import document

            self._document = await asyncio.to_thread(document, self._services.recipients.settings.base_url)
        return self._document
