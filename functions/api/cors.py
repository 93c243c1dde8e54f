"""Cross-origin requests: which pages of browsers may call the API (Fetch Standard, "HTTP CORS protocol").

The deployment and each organization name exact origins. Browsers send keys and tokens in a header alone, and Heed sets
no cookies, so no answer allows credentials.
"""

from __future__ import annotations

import logging

import azure.functions as func

from lib.ids import ORGANIZATION
from lib.services import Services
from lib.tracking.requests import client_address, network_of

log = logging.getLogger("heed.api")

_REQUEST_HEADERS = "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, X-Heed-User, X-Request-Id"
_ANSWER_HEADERS = (
    "ETag, Idempotency-Replayed, Link, Location, RateLimit, RateLimit-Policy, Retry-After, WWW-Authenticate, "
    "X-Request-Id"
)
_SECONDS = "600"
"""Time for which a browser remembers the answer to a preflight request."""


async def cors_headers(services: Services, request: func.HttpRequest, organization: str) -> dict[str, str]:
    """Return the headers that let a page read the answer; those of a page that may not, too, vary by origin."""
    headers = {"Vary": "Origin"}
    origin: str | None = request.headers.get("origin")
    if origin and await _is_allowed(services, request, origin, organization):
        headers |= {"Access-Control-Allow-Origin": origin, "Access-Control-Expose-Headers": _ANSWER_HEADERS}
    return headers


async def preflight_headers(
    services: Services, request: func.HttpRequest, organization: str, methods: str
) -> dict[str, str]:
    """Return the headers of the answer to a preflight request, which asks before a page's request is sent."""
    headers = await cors_headers(services, request, organization)
    if "Access-Control-Allow-Origin" not in headers or "access-control-request-method" not in request.headers:
        return headers
    del headers["Access-Control-Expose-Headers"]
    return headers | {
        "Access-Control-Allow-Methods": methods,
        "Access-Control-Allow-Headers": _REQUEST_HEADERS,
        "Access-Control-Max-Age": _SECONDS,
    }


async def _is_allowed(services: Services, request: func.HttpRequest, origin: str, organization: str) -> bool:
    if origin in services.settings.cors_origins:
        return True
    if not ORGANIZATION.fullmatch(organization):
        return False
    # Anyone may name any organization here, without a key: reads for made-up ones are bounded as wrong keys are.
    network, is_read = None, not services.organizations.has_lately_read(organization)
    if is_read:
        network = network_of(client_address(request.headers, services.settings.trusted_hops))
        if services.rate_limits.admit_unknown_key(network):
            return False
    try:
        is_allowed = origin in (await services.organizations.settings(organization)).cors_origins
        is_there = await services.organizations.made_at(organization) is not None
    except Exception as error:  # the request itself tells what is wrong
        log.warning("the origins of an organization cannot be read: %s", type(error).__name__)
        return False
    if is_read and is_there:
        services.rate_limits.forgive_network(network)
    return is_allowed
