"""The OpenAPI document at `/api/openapi.json`, and the page `/api/docs` that shows it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import azure.functions as func

from functions.security_headers import PAGE_POLICY

OPENAPI, DOCS = "api/openapi.json", "api/docs"
"""Routes."""

_PAGE_HEADERS = {"Content-Security-Policy": PAGE_POLICY}


def blueprint(load_document: Callable[[], Awaitable[bytes]]) -> func.Blueprint:
    """Register the functions `openapi` and `docs`, which serve the document."""
    triggers = func.Blueprint()

    @triggers.function_name("openapi")
    @triggers.route(OPENAPI, methods=["GET", "HEAD"], auth_level=func.AuthLevel.ANONYMOUS)
    async def openapi(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001
        return func.HttpResponse(await load_document(), mimetype="application/json")

    @triggers.function_name("docs")
    @triggers.route(DOCS, methods=["GET", "HEAD"], auth_level=func.AuthLevel.ANONYMOUS)
    async def docs(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001
        page = await asyncio.to_thread(_page, await load_document())
        return func.HttpResponse(page, mimetype="text/html", headers=_PAGE_HEADERS)

    return triggers


def _page(document: bytes) -> str:
    from functions.pages.api_docs import api_docs_page  # loads Jinja, which only pages need

    return api_docs_page(document)
