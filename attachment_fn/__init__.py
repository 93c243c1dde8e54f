"""`/a/{token}/{filename}`: a followed attachment was viewed. The answer leads to its bytes for a few minutes."""

from __future__ import annotations

import asyncio

import azure.functions as func

from functions.pages.link_problem import FILE_GONE, FILE_UNREACHABLE, SWITCHED_OFF, dead_link_page
from functions.security_headers import PAGE_POLICY
from lib.recipient_services import RecipientServices
from lib.storage import StorageError
from lib.tokens import Purpose

ANSWER_LIMIT = 1.4
"""Seconds. A view that is not stored by then is left to the log, and the recipient is answered."""

_HEADERS = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex"}


def blueprint(services: RecipientServices) -> func.Blueprint:
    """Register the function `attachment`: 302 to the bytes, or a page with 404, 410 or 503."""
    triggers = func.Blueprint()

    @triggers.function_name("attachment")
    @triggers.route("a/{token}/{filename}", methods=["GET", "HEAD"], auth_level=func.AuthLevel.ANONYMOUS)
    async def attachment(req: func.HttpRequest) -> func.HttpResponse:
        """Find the file, record the view, and lead to the file's bytes."""
        arrived, began = services.clock.now(), asyncio.get_running_loop().time()
        token = req.route_params["token"]
        claim = services.ring.open(Purpose.ATTACHMENT, token)
        if claim is None:
            return _page(dead_link_page(services.ring, token), 404)
        if services.find_stops(claim.organization).is_switched_off(claim.message):
            return _page(SWITCHED_OFF, 410)
        await services.load_files()
        from lib.files.views import Gone  # imported by now

        try:
            found = await services.attachment_views.find(claim)
            url = await services.attachment_views.url(claim, found)
        except Gone:
            return _page(FILE_GONE, 410)  # no one has seen the file, so no view is recorded
        except StorageError:
            return _page(FILE_UNREACHABLE, 503, {"Retry-After": "60"})
        hits = await services.load_hits()
        left = began + ANSWER_LIMIT - asyncio.get_running_loop().time()
        await hits.record_within(left, Purpose.ATTACHMENT, "attachment_view", token, req, arrived)
        return func.HttpResponse(status_code=302, headers={**_HEADERS, "Location": url})

    return triggers


def _page(html: str, status: int, headers: dict[str, str] | None = None) -> func.HttpResponse:
    policy = {"Content-Security-Policy": PAGE_POLICY}
    named = {**_HEADERS, **policy, **(headers or {})}
    return func.HttpResponse(html, status_code=status, mimetype="text/html", headers=named)
