"""The start page `/`, which needs no key. On Azure the app setting `AzureWebJobsDisableHomepage` makes room for it."""

from __future__ import annotations

import azure.functions as func

from functions.api.security_headers import PAGE_POLICY

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
        from functions.pages.start import start_page, start_text  # loads Jinja, which only pages need

        if "text/html" in req.headers.get("accept", ""):
            return func.HttpResponse(start_page(), mimetype="text/html", headers=_HEADERS)
        return func.HttpResponse(start_text(), mimetype="text/plain", headers=_HEADERS)

    return triggers
