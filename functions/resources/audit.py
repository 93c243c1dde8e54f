"""The audit log: administrative acts of an organization."""

from __future__ import annotations

from functions.api.endpoint import Answer, Call, Endpoints
from functions.api.paging import Page, PageQuery, last_key, page
from functions.api.problems import not_there
from lib.organizations.audit import AuditEntry

endpoints = Endpoints("Organizations", may=("administrator", "admin"))


@endpoints("GET", "/audit", query=PageQuery, answers={200: Page[AuditEntry]})
async def list_audit(call: Call) -> Answer:
    """List administrative acts, newest first: who did what, when, and to what. None holds a secret or an address."""
    found = await call.services.organizations.load_organization(call.org)
    if found is None:
        raise not_there("organization")
    limit = call.query.limit + 1
    listed = call.services.audit.list_entries(call.org, found[0].created_at, last_key(call), limit)
    return Answer(200, page(call, [each async for each in listed]))
