"""`/o/{token}.gif` and `/i/{token}/{filename}`: a mail was opened.

The pixel is the same 43 bytes, whatever the token is worth; and it stands in for an image that cannot be had.
"""

from __future__ import annotations

import asyncio
import base64
import logging

import azure.functions as func

from lib.services import Services
from lib.storage import StorageError
from lib.tokens import Claim, Purpose

log = logging.getLogger("heed.pixel")

PIXEL = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAICRAEAOw==")
IMAGE_LIMIT = 1.2
"""Seconds that an image may take, beside what the hit's recording takes at the worst."""

_HEADERS = {"Cache-Control": "no-store"}
_PIXEL = func.HttpResponse(PIXEL, mimetype="image/gif", headers=_HEADERS)
_IMAGE_HEADERS = {
    **_HEADERS,
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Content-Disposition": "inline",
}


def blueprint(services: Services) -> func.Blueprint:
    triggers = func.Blueprint()

    @triggers.function_name("pixel")
    @triggers.route("o/{token}.gif", methods=["GET", "HEAD"], auth_level=func.AuthLevel.ANONYMOUS)
    async def pixel(req: func.HttpRequest) -> func.HttpResponse:
        arrived = services.clock.now()
        await services.hits.record(Purpose.OPEN, "open", req.route_params["token"], req, arrived)
        return _PIXEL

    @triggers.function_name("image")
    @triggers.route("i/{token}/{filename}", methods=["GET", "HEAD"], auth_level=func.AuthLevel.ANONYMOUS)
    async def image(req: func.HttpRequest) -> func.HttpResponse:
        arrived, token = services.clock.now(), req.route_params["token"]
        claim = services.ring.open(Purpose.IMAGE, token) or services.ring.open(Purpose.QUOTED_IMAGE, token)
        looking = asyncio.create_task(image_of(services, claim))
        # In this task, not in one of its own: nothing may answer before the hit is kept.
        await services.hits.record(Purpose.IMAGE, "open", token, req, arrived)
        found = await looking
        data, kind = found or (PIXEL, "image/gif")
        return func.HttpResponse(data, mimetype=kind, headers=_IMAGE_HEADERS)

    return triggers


async def image_of(services: Services, claim: Claim | None) -> tuple[bytes, str] | None:
    """None where there is none, or none to be had in time."""
    if claim is None:
        return None
    try:
        async with asyncio.timeout(IMAGE_LIMIT):
            return await services.hosted_images.read_image(claim)
    except (StorageError, TimeoutError):
        return None
    except Exception:
        log.exception("an image could not be had in an unforeseen way")
        return None
