"""`/o/{token}.gif` and `/i/{token}/{filename}`: a mail was opened.

The pixel is the same 43 bytes for a good and a bad token. It also stands in for an image that cannot be read.
"""

from __future__ import annotations

import asyncio
import base64
import logging

import azure.functions as func

from lib.recipient_services import RecipientServices
from lib.storage import StorageError
from lib.tokens import Claim, Purpose

log = logging.getLogger("heed.pixel")

PIXEL = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAICRAEAOw==")
IMAGE_LIMIT = 1.2
"""Seconds that reading an image may take; recording the hit goes on meanwhile."""

_HEADERS = {"Cache-Control": "no-store"}
_PIXEL = func.HttpResponse(PIXEL, mimetype="image/gif", headers=_HEADERS)
_IMAGE_HEADERS = {
    **_HEADERS,
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Content-Disposition": "inline",
}


def blueprint(services: RecipientServices) -> func.Blueprint:
    """Register the functions `pixel` and `image`, which answer 200 whatever the token."""
    triggers = func.Blueprint()

    @triggers.function_name("pixel")
    @triggers.route("o/{token}.gif", methods=["GET", "HEAD"], auth_level=func.AuthLevel.ANONYMOUS)
    async def pixel(req: func.HttpRequest) -> func.HttpResponse:
        arrived, hits = services.clock.now(), await services.load_hits()
        await hits.record(Purpose.OPEN, "open", req.route_params["token"], req, arrived)
        return _PIXEL

    @triggers.function_name("image")
    @triggers.route("i/{token}/{filename}", methods=["GET", "HEAD"], auth_level=func.AuthLevel.ANONYMOUS)
    async def image(req: func.HttpRequest) -> func.HttpResponse:
        """Record the open, and answer with the image or the pixel."""
        arrived, token = services.clock.now(), req.route_params["token"]
        claim = services.ring.open(Purpose.IMAGE, token) or services.ring.open(Purpose.QUOTED_IMAGE, token)
        reading = asyncio.create_task(read_image(services, claim))
        hits = await services.load_hits()
        # In this task, not in one of its own: nothing may answer before the hit is kept.
        await hits.record(Purpose.IMAGE, "open", token, req, arrived)
        found = await reading
        data, kind = found or (PIXEL, "image/gif")
        return func.HttpResponse(data, mimetype=kind, headers=_IMAGE_HEADERS)

    return triggers


async def read_image(services: RecipientServices, claim: Claim | None) -> tuple[bytes, str] | None:
    """Read an image and its content type; None where there is none, or none within the time limit."""
    if claim is None:
        return None
    try:
        async with asyncio.timeout(IMAGE_LIMIT):
            await services.load_files()
            return await services.hosted_images.read_image(claim)
    except (StorageError, TimeoutError):
        return None
    except Exception:
        log.exception("an image could not be read for an unforeseen reason")
        return None
