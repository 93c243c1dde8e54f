"""`/o/{token}.gif`: a mail was opened. The answer is the same 43 bytes, whatever the token is worth."""

from __future__ import annotations

import base64

import azure.functions as func

from lib.hits import record_hit
from lib.services import Services
from lib.tokens import Purpose

PIXEL = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAICRAEAOw==")
_HEADERS = {"Cache-Control": "no-store"}


def blueprint(services: Services) -> func.Blueprint:
    triggers = func.Blueprint()

    @triggers.function_name("pixel")
    @triggers.route("o/{token}.gif", methods=["GET", "HEAD"], auth_level=func.AuthLevel.ANONYMOUS)
    async def pixel(req: func.HttpRequest) -> func.HttpResponse:
        await record_hit(services, Purpose.OPEN, "open", req.route_params["token"], req.method, req.headers)
        return func.HttpResponse(PIXEL, mimetype="image/gif", headers=_HEADERS)

    return triggers
