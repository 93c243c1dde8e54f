"""`/p/{token}`: the page on which a recipient decides. Opening it changes nothing; its buttons do."""

from __future__ import annotations

import asyncio
from importlib import import_module

import azure.functions as func

from functions.loading import LoadServices

_PAGE = "functions.pages.recipient.visit"


def blueprint(load_services: LoadServices) -> func.Blueprint:
    """Register the function `recipient_page`. What it needs is imported when it is first asked for, in a thread."""
    triggers = func.Blueprint()

    @triggers.function_name("recipient_page")
    @triggers.route("p/{token}", methods=["GET", "HEAD", "POST"], auth_level=func.AuthLevel.ANONYMOUS)
    async def recipient_page(req: func.HttpRequest) -> func.HttpResponse:
        """Show the page, or carry out what a button asks for."""
        services = await load_services()
        await asyncio.to_thread(import_module, _PAGE)
        from functions.pages.recipient.visit import answer_visit

        return await answer_visit(services, req)

    return triggers
