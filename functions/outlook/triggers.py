"""The function `outlook`, which answers every path below `/outlook/`."""

from __future__ import annotations

import asyncio
from importlib import import_module

import azure.functions as func

from functions.loading import LoadServices

_ANSWERS = "functions.outlook.answers"


def blueprint(load_services: LoadServices) -> func.Blueprint:
    """Register the function. What it needs is imported when it is first asked for, in a thread."""
    triggers = func.Blueprint()

    @triggers.function_name("outlook")
    @triggers.route("outlook/{*rest}", methods=["GET", "HEAD"], auth_level=func.AuthLevel.ANONYMOUS)
    async def outlook(req: func.HttpRequest) -> func.HttpResponse:
        """Show a page of the add-in, or give a file of it."""
        services = await load_services()
        await asyncio.to_thread(import_module, _ANSWERS)
        from functions.outlook.answers import answer_request

        return await answer_request(services, req)

    return triggers
