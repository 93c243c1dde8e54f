"""Answers below `/outlook/`: files under `-`, and the pages and manifests of an organization under its name."""

from __future__ import annotations

from urllib.parse import urlsplit

import azure.functions as func

from functions.api.problems import problem_of
from functions.outlook.files import file_answer
from functions.outlook.manifests import Site, unified_package, xml_manifest
from functions.outlook.pages import page_of
from functions.outlook.sign_in import come_back, leave_for_provider
from lib.ids import ORGANIZATION
from lib.services import Services

_OURS = "-/"
_PAGES = {"pane": "pane.html", "launch": "launch.html"}


async def answer_request(services: Services, request: func.HttpRequest) -> func.HttpResponse:
    """Answer a request below `/outlook/`. No exception leaves this function."""
    rest = str(request.route_params.get("rest", ""))
    try:
        if rest == f"{_OURS}sign-in/back":
            return await come_back(services, request)
        if rest.startswith(_OURS):
            return file_answer(request, rest.removeprefix(_OURS))
        return await _of_organization(services, request, *rest.partition("/")[::2])
    except Exception as error:
        problem = problem_of(error, has_if_match=False)
        return _plain(problem.document.detail or problem.document.title, problem.document.status)


async def _of_organization(services: Services, request: func.HttpRequest, name: str, what: str) -> func.HttpResponse:
    found = await services.organizations.load_organization(name) if ORGANIZATION.fullmatch(name) else None
    if found is None:
        return _plain("There is no such organization, or no such page.", 404)
    organization = found[0]
    if what in _PAGES:
        return page_of(_PAGES[what], name, organization.settings.sign_in)
    if what == "sign-in":
        return await leave_for_provider(services, request, organization)
    if what not in ("manifest.xml", "manifest.zip"):
        return _plain("There is no such page.", 404)
    site = Site(services.settings.base_url, name)
    if urlsplit(site.base_url).scheme != "https":
        return _plain("Outlook takes https addresses alone, and HEED_BASE_URL is none.", 409)
    if what == "manifest.xml":
        return _download(xml_manifest(site), "application/xml", f"heed-{name}.xml")
    return _download(unified_package(site), "application/zip", f"heed-{name}.zip")


def _download(content: bytes, media_type: str, name: str) -> func.HttpResponse:
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return func.HttpResponse(content, mimetype=media_type, headers=headers)


def _plain(text: str, status: int) -> func.HttpResponse:
    return func.HttpResponse(text, status_code=status, mimetype="text/plain", headers={"Cache-Control": "no-store"})
