"""The OpenAPI document at `/api/openapi.json`, the page `/api/docs` that shows it, and the catalogue of errors."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import azure.functions as func

from functions.security_headers import DOCS_POLICY

OPENAPI, DOCS, STYLE, ERRORS = "api/openapi.json", "api/docs", "api/docs/style.css", "api/errors"
"""Routes."""

ROUTES = (OPENAPI, DOCS, STYLE, ERRORS)

_PAGE_HEADERS = {"Content-Security-Policy": DOCS_POLICY}
_STYLE_HEADERS = {"Cache-Control": "public, max-age=300"}


def blueprint(load_document: Callable[[], Awaitable[bytes]]) -> func.Blueprint:
    """Register the functions `openapi`, `docs`, `docs_style` and `errors`."""
    triggers = func.Blueprint()

    @triggers.function_name("openapi")
    @triggers.route(OPENAPI, methods=["GET", "HEAD"], auth_level=func.AuthLevel.ANONYMOUS)
    async def openapi(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001
        return func.HttpResponse(await load_document(), mimetype="application/json")

    @triggers.function_name("docs")
    @triggers.route(DOCS, methods=["GET", "HEAD"], auth_level=func.AuthLevel.ANONYMOUS)
    async def docs(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001
        page = await asyncio.to_thread(_docs_page, await load_document())
        return func.HttpResponse(page, mimetype="text/html", headers=_PAGE_HEADERS)

    @triggers.function_name("docs_style")
    @triggers.route(STYLE, methods=["GET", "HEAD"], auth_level=func.AuthLevel.ANONYMOUS)
    async def docs_style(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001
        return func.HttpResponse(await asyncio.to_thread(_style), mimetype="text/css", headers=_STYLE_HEADERS)

    @triggers.function_name("errors")
    @triggers.route(ERRORS, methods=["GET", "HEAD"], auth_level=func.AuthLevel.ANONYMOUS)
    async def errors(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001
        page = await asyncio.to_thread(_errors_page)
        return func.HttpResponse(page, mimetype="text/html", headers=_PAGE_HEADERS)

    return triggers


# The pages load Jinja, which nothing else here needs.


def _docs_page(document: bytes) -> str:
    from functions.pages.api_docs import api_docs_page

    return api_docs_page(document)


def _errors_page() -> str:
    from functions.pages.api_errors import api_errors_page

    return api_errors_page()


def _style() -> str:
    from functions.pages.api_docs import STYLE_SHEET

    return STYLE_SHEET.read_text(encoding="utf-8")
