"""The pages of the add-in, and their policy."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

import azure.functions as func

from functions.console.static_files import STATIC
from functions.outlook.files import MSAL, static_path
from functions.outlook.rendering import filled
from lib.organizations.sign_in.settings import SignIn

OFFICE = "https://appsforoffice.microsoft.com/lib/1/hosted/office.js"
"""The one address from which Microsoft lets add-ins load Office.js."""

_OFFICE_HOST = "https://appsforoffice.microsoft.com"
_FRAMED_BY = (
    "https://outlook.office.com",
    "https://outlook.office365.com",
    "https://outlook.cloud.microsoft",
    "https://outlook.live.com",
    "https://outlook.office365.us",
    "https://partner.outlook.cn",
)
"""Hosts of Outlook on the web. Outlook's programs show the pages without a frame."""

HEADERS: Mapping[str, str] = {
    "Cache-Control": "no-store",
    # The pane hears of a dialog only while all that is shown in it, redirects too, leaves the two together.
    "Cross-Origin-Opener-Policy": "unsafe-none",
}

_MICROSOFT = ("login.microsoftonline.com", "login.microsoftonline.us", "login.partner.microsoftonline.cn")
_VERSION = "/v2.0"


def authority_of(sign_in: SignIn | None) -> str:
    """Return the provider as MSAL.js names it, where it is Microsoft's; empty for any other."""
    if sign_in is None or urlsplit(sign_in.issuer).hostname not in _MICROSOFT:
        return ""
    return sign_in.issuer.removesuffix(_VERSION)


def scope_of(sign_in: SignIn | None) -> str:
    """Return the scope by which Microsoft's provider gives a token for the API; empty for any other."""
    return f"{sign_in.audience}/.default" if sign_in and authority_of(sign_in) else ""


def page_of(template: str, organization: str, sign_in: SignIn | None) -> func.HttpResponse:
    """Show a page that asks Heed as a person of the organization."""
    authority = authority_of(sign_in)
    client = (sign_in.client_id if sign_in else None) or ""
    values = {"organization": organization, "client": client, "authority": authority, "scope": scope_of(sign_in)}
    return render(template, values, connects_to=_origin(authority))


def render(template: str, values: Mapping[str, object], status: int = 200, connects_to: str = "") -> func.HttpResponse:
    """Show a page; `connects_to` is the host that it asks beside this one."""
    files = {"looks": STATIC.address("console.css"), "files": static_path(), "msal": MSAL, "office": OFFICE}
    html = filled(template, **values, **files)
    headers = {**HEADERS, "Content-Security-Policy": policy(connects_to)}
    return func.HttpResponse(html, status_code=status, mimetype="text/html", headers=headers)


def policy(connects_to: str = "") -> str:
    """Return the policy of the add-in's pages: scripts of this host and of Office.js, frames in Outlook alone."""
    asked = f"'self' {connects_to}".strip()
    return (
        f"default-src 'none'; script-src 'self' {_OFFICE_HOST}; style-src 'self'; img-src 'self' data:; "
        f"connect-src {asked}; form-action 'none'; base-uri 'none'; "
        f"frame-ancestors {' '.join(_FRAMED_BY)}"
    )


def _origin(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}" if address else ""
