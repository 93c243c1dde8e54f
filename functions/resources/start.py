"""The start page `/`, which needs no key. On Azure the app setting `AzureWebJobsDisableHomepage` makes room for it."""

from __future__ import annotations

import asyncio

import azure.functions as func

from functions.security_headers import PAGE_POLICY

_HEADERS = {
    "Cache-Control": "public, max-age=3600",
    "Content-Security-Policy": PAGE_POLICY,
    "Vary": "Accept",
}


def blueprint() -> func.Blueprint:
    """Register the function `start`: HTML for browsers, text for other clients."""
    triggers = func.Blueprint()

    @triggers.function_name("start")
    @triggers.route("/", methods=["GET", "HEAD"], auth_level=func.AuthLevel.ANONYMOUS)
    async def start(req: func.HttpRequest) -> func.HttpResponse:
        kind = "text/html" if "text/html" in req.headers.get("accept", "") else "text/plain"
        return func.HttpResponse(await asyncio.to_thread(_page, kind), mimetype=kind, headers=_HEADERS)

    return triggers


def _page(kind: str) -> str:
    from functions.pages.start import start_page, start_text  # loads Jinja, which only pages need

    return start_page() if kind == "text/html" else start_text()
