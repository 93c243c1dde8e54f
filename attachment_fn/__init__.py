"""`/a/{token}/{filename}`: a followed attachment was viewed. The answer leads to its bytes for a few minutes."""

from __future__ import annotations

import asyncio

import azure.functions as func

from lib.files.views import Gone
from lib.services import Services
from lib.storage import StorageError
from lib.tokens import Purpose

ANSWER_LIMIT = 1.4
"""Seconds. A view that is not stored by then is left to the log; the recipient does not wait for it."""

_HEADERS = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex"}

_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>body{{font:1rem/1.5 system-ui,sans-serif;max-width:32rem;margin:20vh auto;padding:0 1rem;color:#222}}</style>
<h1>{title}</h1>
<p>{text}</p>
</html>
"""

NO_SUCH_LINK = _PAGE.format(
    title="This link is not complete",
    text="The address was cut short or changed on its way. Please go back to the mail and open the link from there, "
    "or ask the person who sent it to you.",
)
GONE = _PAGE.format(
    title="This file is no longer there",
    text="Whoever sent it has taken it back, or its time is over. Please ask them for it.",
)
NOT_NOW = _PAGE.format(
    title="This file cannot be reached just now",
    text="The file is not lost. Please open the link again in a minute.",
)


def blueprint(services: Services) -> func.Blueprint:
    triggers = func.Blueprint()

    @triggers.function_name("attachment")
    @triggers.route("a/{token}/{filename}", methods=["GET", "HEAD"], auth_level=func.AuthLevel.ANONYMOUS)
    async def attachment(req: func.HttpRequest) -> func.HttpResponse:
        arrived, began = services.clock.now(), asyncio.get_running_loop().time()
        token = req.route_params["token"]
        claim = services.ring.open(Purpose.ATTACHMENT, token)
        if claim is None:
            return _page(NO_SUCH_LINK, 404)
        try:
            found = await services.attachment_views.find(claim)
            url = await services.attachment_views.url(claim, found)
        except Gone:
            return _page(GONE, 410)  # nobody has viewed anything, so nothing is recorded
        except StorageError:
            return _page(NOT_NOW, 503, {"Retry-After": "60"})
        left = began + ANSWER_LIMIT - asyncio.get_running_loop().time()
        await services.hits.record_within(left, Purpose.ATTACHMENT, "attachment_view", token, req, arrived)
        return func.HttpResponse(status_code=302, headers={**_HEADERS, "Location": url})

    return triggers


def _page(html: str, status: int, headers: dict[str, str] | None = None) -> func.HttpResponse:
    return func.HttpResponse(html, status_code=status, mimetype="text/html", headers={**_HEADERS, **(headers or {})})
