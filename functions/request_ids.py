"""Ids of requests: each answer of the API has one in `X-Request-Id`, and so has each line of the log about it.

Answers to recipients have none: their requests are no business of anyone who could ask about one.
"""

from __future__ import annotations

import re
from functools import wraps

import azure.functions as func

from functions.security_headers import HttpHandler
from lib.ids import new_id
from lib.operations.logs import REQUEST_ID

HEADER = "X-Request-Id"

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
"""The form of an id that a caller may choose. Others could forge lines of the log."""


def identified(handler: HttpHandler) -> HttpHandler:
    """Give every answer of a function the id of its request: the caller's own where that is a plain short one."""

    @wraps(handler)
    async def answer(req: func.HttpRequest) -> func.HttpResponse:
        given = req.headers.get(HEADER.lower(), "")
        request = given if _PLAIN.fullmatch(given) else new_id()
        outside = REQUEST_ID.set(request)
        try:
            response = await handler(req)
        finally:
            REQUEST_ID.reset(outside)
        response.headers[HEADER] = request
        return response

    return answer
