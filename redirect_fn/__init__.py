"""`/c/{token}`: a link was clicked. The token holds the destination, so the redirect works with storage down."""

from __future__ import annotations

import azure.functions as func

from functions.pages.link_problem import SWITCHED_OFF, dead_link_page
from functions.security_headers import PAGE_POLICY
from lib.recipient_services import RecipientServices
from lib.tokens import Purpose, leading_token

_HEADERS = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
_PAGE_HEADERS = {**_HEADERS, "Content-Security-Policy": PAGE_POLICY}


def blueprint(services: RecipientServices) -> func.Blueprint:
    """Register the function `redirect`: 302 to exactly the original URL, 404 for a token that cannot be opened, 410 for
    a link that is switched off.

    What follows the token is not a part of it: words that touched the link in a text.
    """
    triggers = func.Blueprint()

    @triggers.function_name("redirect")
    @triggers.route("c/{token}", methods=["GET", "HEAD"], auth_level=func.AuthLevel.ANONYMOUS)
    async def redirect(req: func.HttpRequest) -> func.HttpResponse:
        """Record the click, and lead to the destination."""
        arrived, token = services.clock.now(), leading_token(req.route_params["token"])
        hits = await services.load_hits()
        hit = await hits.record(Purpose.CLICK, "click", token, req, arrived)
        if hit is None:
            page = dead_link_page(services.ring, token)
            return func.HttpResponse(page, status_code=404, mimetype="text/html", headers=_PAGE_HEADERS)
        if hit.is_switched_off:
            return func.HttpResponse(SWITCHED_OFF, status_code=410, mimetype="text/html", headers=_PAGE_HEADERS)
        headers = {**_HEADERS, "Location": hit.claim.destination}
        return func.HttpResponse(status_code=302, headers=headers)

    return triggers
