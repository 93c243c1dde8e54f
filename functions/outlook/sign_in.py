"""Signing in by a dialog of Outlook: to the organization's provider and back, with a token for the pane.

The pane gives a number used once, which comes back with the token. The token is the provider's, for the API; the page
hands it to a page of this host alone.
"""

from __future__ import annotations

import re

import azure.functions as func

from functions.console.cookies import read_cookie, write_cookie
from functions.outlook.pages import HEADERS, render, scope_of
from lib.organizations.registry import Organization
from lib.organizations.sign_in.code_flow import LASTS, Attempt
from lib.organizations.sign_in.refusals import BadToken, NotEntitled, ProviderDown
from lib.services import Services

_COOKIE = "heed-outlook"
_BACK = "/outlook/-/sign-in/back"
_NONCE = re.compile(r"[A-Za-z0-9_-]{16,64}")


async def leave_for_provider(
    services: Services, request: func.HttpRequest, organization: Organization
) -> func.HttpResponse:
    """Send the person to the organization's provider."""
    nonce = str(request.params.get("nonce", ""))
    if not _NONCE.fullmatch(nonce):
        return _said("This page is opened by the pane of Outlook.", 400)
    try:
        scope = scope_of(organization.settings.sign_in)
        attempt, address = await services.code_flow.begin(organization, _way_back(services), nonce, scope)
    except (NotEntitled, ProviderDown) as refusal:
        return _refused(refusal)
    cookie = write_cookie(services, _COOKIE, attempt.seal(services.ring), int(LASTS.total_seconds()))
    return func.HttpResponse(status_code=303, headers={**HEADERS, "Location": address, **cookie})


async def come_back(services: Services, request: func.HttpRequest) -> func.HttpResponse:
    """Give the pane the token of the person who comes back from the provider."""
    attempt = Attempt.unseal(services.ring, read_cookie(services, request, _COOKIE))
    found = await services.organizations.load_organization(attempt.organization) if attempt else None
    if attempt is None or found is None:
        return _said("This sign-in is over, or was begun in another browser. Close this window and begin again.", 400)
    try:
        signed_in = await services.code_flow.complete(found[0], attempt, dict(request.params), _way_back(services))
        if signed_in.access_token is None:
            raise NotEntitled("The identity provider has given no token for Heed's API.")
    except (BadToken, NotEntitled, ProviderDown) as refusal:
        if not isinstance(refusal, ProviderDown):
            await services.audit.note_refusal(found[0].id, f"{refusal}")
        return _refused(refusal)
    values = {"token": signed_in.access_token, "seconds": signed_in.seconds, "nonce": attempt.next, "wrong": ""}
    page = render("signed_in.html", values)
    page.headers.update(write_cookie(services, _COOKIE, "", 0))
    return page


def _way_back(services: Services) -> str:
    return f"{services.settings.base_url}{_BACK}"


def _refused(refusal: Exception) -> func.HttpResponse:
    return _said(f"{refusal}", 503 if isinstance(refusal, ProviderDown) else 403)


def _said(wrong: str, status: int) -> func.HttpResponse:
    return render("signed_in.html", {"wrong": wrong, "token": "", "seconds": 0, "nonce": ""}, status)
