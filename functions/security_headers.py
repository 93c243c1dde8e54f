"""Security headers, which every answer of every HTTP function has.

The app puts them around its functions, so that a new function has them, too. A page replaces the policy of its content
(`Content-Security-Policy`) by one that lets it show what it holds. Source: OWASP, "HTTP Security Response Headers
Cheat Sheet".
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any

import azure.functions as func

POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
"""The policy of answers that show nothing."""

PAGE_POLICY = f"{POLICY}; style-src 'unsafe-inline'"
"""The policy of pages that hold their own styles, run no script and load nothing."""

DOCS_POLICY = f"{POLICY}; style-src 'self'"
"""The policy of the pages about the API, which have their styles in a file."""

TRY_POLICY = f"{DOCS_POLICY}; script-src 'self'; connect-src 'self'; img-src 'self' data:"
"""The policy of the page on which the API can be tried: Swagger UI's styles hold images."""

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
}
_ONLY_HTTPS = {"Strict-Transport-Security": "max-age=31536000"}
"""Without `includeSubDomains`: other hosts of the domain are not ours to decide about."""

HttpHandler = Callable[..., Awaitable[func.HttpResponse]]


def secured(handler: HttpHandler, base_url: str) -> HttpHandler:
    """Give every answer of a function the headers that it does not set itself."""
    headers = {**_HEADERS, **(_ONLY_HTTPS if base_url.startswith("https:") else {})}

    @wraps(handler)
    async def answer(*arguments: Any, **named: Any) -> func.HttpResponse:
        response = await handler(*arguments, **named)
        given = response.headers
        if "Permissions-Policy" not in given:  # a constant answer has them since its first time
            for name, value in headers.items():
                given.setdefault(name, value)
        return response

    return answer
