"""Places at which users work: a page of the console or the add-in that is answered to a user tells one."""

from __future__ import annotations

import azure.functions as func

from lib.organizations.registry import Organization
from lib.services import Services
from lib.tracking.requests import new_fact


def is_page_of_ours(request: func.HttpRequest) -> bool:
    """Tell whether a browser sends the request for a page of this host, as the add-in's are; a CRM's server never."""
    return bool(request.headers.get("sec-fetch-site") == "same-origin")


def note_session(services: Services, request: func.HttpRequest, organization: Organization, user: str) -> None:
    """Note beside the answer where the user works, unless the organization records nothing of who did what."""
    settings = organization.settings
    if not settings.engagement_enabled or settings.tracking in ("aggregate", "off"):
        return
    hops = services.settings.trusted_hops
    seen = new_fact("open", "", services.clock.now(), request.method, request.headers, trusted_hops=hops)
    services.session_places.note_session(organization.id, user, seen)
