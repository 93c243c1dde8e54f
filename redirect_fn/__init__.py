"""`/c/{token}`: a link was clicked. The destination stands in the token, so it is reached with storage down, too."""

from __future__ import annotations

import azure.functions as func

from lib.services import Services
from lib.tokens import Purpose

_HEADERS = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}

NO_SUCH_LINK = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>This link is not complete</title>
<style>body{font:1rem/1.5 system-ui,sans-serif;max-width:32rem;margin:20vh auto;padding:0 1rem;color:#222}</style>
<h1>This link is not complete</h1>
<p>The address was cut short or changed on its way. Please go back to the mail and open the link from there,
or ask the person who sent it to you.</p>
</html>
"""


def blueprint(services: Services) -> func.Blueprint:
    triggers = func.Blueprint()

    @triggers.function_name("redirect")
    @triggers.route("c/{token}", methods=["GET", "HEAD"], auth_level=func.AuthLevel.ANONYMOUS)
    async def redirect(req: func.HttpRequest) -> func.HttpResponse:
        arrived, token = services.clock.now(), req.route_params["token"]
        hit = await services.hits.record(Purpose.CLICK, "click", token, req, arrived)
        if hit is None:
            return func.HttpResponse(NO_SUCH_LINK, status_code=404, mimetype="text/html", headers=_HEADERS)
        headers = {**_HEADERS, "Location": hit.claim.destination}
        return func.HttpResponse(status_code=302, headers=headers)

    return triggers
