"""The function `console`, which answers every path below `/console/`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING

import azure.functions as func

from functions.loading import LoadServices

if TYPE_CHECKING:
    from functions.api.endpoint import Endpoint

_ANSWERS = "functions.console.answers"


def blueprint(
    load_services: LoadServices, load_endpoints: Callable[[], Awaitable[Mapping[str, Endpoint]]]
) -> func.Blueprint:
    """Register the function. What it needs is imported when it is first asked for, in a thread."""
    triggers = func.Blueprint()

    @triggers.function_name("console")
    @triggers.route("console/{*rest}", methods=["GET", "HEAD", "POST"], auth_level=func.AuthLevel.ANONYMOUS)
    async def console(req: func.HttpRequest) -> func.HttpResponse:
        """Show a page, or carry out what a form asks for."""
        endpoints, services = await load_endpoints(), await load_services()
        await asyncio.to_thread(import_module, _ANSWERS)
        from functions.console.answers import answer_request

        return await answer_request(services, endpoints, req)

    return triggers
