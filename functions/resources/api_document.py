"""The OpenAPI document, pages that show it and the files that they load, the catalogue of errors, a text for models.

The pages load Jinja, which nothing else here needs, so that they are imported when one is asked for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import azure.functions as func

from functions.loading import LoadServices
from functions.pages.packing import packed_answer
from functions.security_headers import DOCS_POLICY, TRY_POLICY

OPENAPI, DOCS, TRY, FILES = "api/openapi.json", "api/docs", "api/docs/try", "api/docs/files/{name}"
ERRORS, LLMS = "api/errors", "api/llms.txt"
"""Routes."""

ROUTES = (OPENAPI, DOCS, TRY, FILES, ERRORS, LLMS)

_PAGE_HEADERS = {"Content-Security-Policy": DOCS_POLICY}
_TRY_HEADERS = {"Content-Security-Policy": TRY_POLICY}

LoadDocument = Callable[[], Awaitable[bytes]]


def blueprint(load_document: LoadDocument, load_services: LoadServices) -> func.Blueprint:
    """Register the functions `openapi`, `docs`, `docs_try`, `docs_files`, `errors` and `llms`."""
    triggers = func.Blueprint()

    @triggers.function_name("openapi")
    @triggers.route(OPENAPI, methods=["GET", "HEAD"], auth_level=func.AuthLevel.ANONYMOUS)
    async def openapi(req: func.HttpRequest) -> func.HttpResponse:
        return await asyncio.to_thread(packed_answer, req, await load_document(), "application/json")

    @triggers.function_name("docs")
    @triggers.route(DOCS, methods=["GET", "HEAD"], auth_level=func.AuthLevel.ANONYMOUS)
    async def docs(req: func.HttpRequest) -> func.HttpResponse:
        page = await asyncio.to_thread(_docs_page, await load_document())
        return await asyncio.to_thread(packed_answer, req, page, "text/html", _PAGE_HEADERS)

    @triggers.function_name("docs_try")
    @triggers.route(TRY, methods=["GET", "HEAD"], auth_level=func.AuthLevel.ANONYMOUS)
    async def docs_try(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001
        return func.HttpResponse(await asyncio.to_thread(_try_page), mimetype="text/html", headers=_TRY_HEADERS)

    @triggers.function_name("docs_files")
    @triggers.route(FILES, methods=["GET", "HEAD"], auth_level=func.AuthLevel.ANONYMOUS)
    async def docs_files(req: func.HttpRequest) -> func.HttpResponse:
        base_url = (await load_services()).settings.base_url
        return await asyncio.to_thread(_file, req, base_url)

    @triggers.function_name("errors")
    @triggers.route(ERRORS, methods=["GET", "HEAD"], auth_level=func.AuthLevel.ANONYMOUS)
    async def errors(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001
        page = await asyncio.to_thread(_errors_page)
        return func.HttpResponse(page, mimetype="text/html", headers=_PAGE_HEADERS)

    @triggers.function_name("llms")
    @triggers.route(LLMS, methods=["GET", "HEAD"], auth_level=func.AuthLevel.ANONYMOUS)
    async def llms(req: func.HttpRequest) -> func.HttpResponse:
        text = await asyncio.to_thread(_llms_text, await load_document())
        return await asyncio.to_thread(packed_answer, req, text, "text/plain")

    return triggers


def _docs_page(document: bytes) -> bytes:
    from functions.pages.api_docs import api_docs_page

    return api_docs_page(document).encode()


def _try_page() -> str:
    from functions.pages.render import render_page

    return render_page("api_docs_try.html")


def _errors_page() -> str:
    from functions.pages.api_errors import api_errors_page

    return api_errors_page()


def _llms_text(document: bytes) -> bytes:
    from functions.pages.llms import llms_text

    return llms_text(document).encode()


def _file(req: func.HttpRequest, base_url: str) -> func.HttpResponse:
    from functions.api.problems import Problem, problem_answer
    from functions.pages.assets import DOCS, KEPT

    name = req.route_params["name"]
    asset = DOCS.find(name)
    if asset is None:
        return problem_answer(Problem(404, "No page loads a file of this name.", code="unknown_path"), base_url)
    # Another release's page may still be shown while this one is deployed: it gets the file of this one.
    headers = {"Cache-Control": KEPT if asset.name == name else "no-cache"}
    return packed_answer(req, asset.content, asset.media_type, headers)
