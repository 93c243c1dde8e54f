"""Settings of the organization, a form for each subject."""

from __future__ import annotations

from typing import Any

from functions.api.problems import Problem
from functions.console.field_errors import errors_at_fields
from functions.console.refusals import told_in_form
from functions.console.rendering import path_to
from functions.console.screen import Redirect, Reply, Screens
from functions.console.screens.administration import ADMINISTRATORS, PATH, settings_page
from functions.console.visit import Visit
from functions.resources.organizations import OrganizationRead
from lib.console.setting_fields import DAYS, SettingPage, differences, digest_of_values, patch_with
from lib.console.setting_pages import PAGES, warnings_of
from lib.errors import Refusal
from lib.storage.versions import etag_of

screens = Screens(ADMINISTRATORS)


@screens("GET", "settings")
async def settings(_: Visit) -> Reply:
    """Lead to the first page of the settings."""
    return Redirect(f"{PATH}/organization")


@screens("GET", "settings/{page}")
async def form(visit: Visit) -> Reply:
    """Show a form with the settings that are in force."""
    page = _page(visit)
    there, _ = await _there(visit, page)
    return _form(page, there, digest_of_values(there), is_saved=visit.query("did") == "saved")


@screens("POST", "settings/{page}")
async def save(visit: Visit) -> Reply:
    """Save a form; first ask once more where that cannot be undone, or where others have changed the same settings."""
    page, seen = _page(visit), visit.form.text("seen")
    there, organization = await _there(visit, page)
    typed = page.read(visit.form)
    if seen != digest_of_values(there):
        return _conflict(visit, page, there, typed)
    warnings = warnings_of(there, typed)
    if warnings and not visit.form.is_checked("sure"):
        values = {"page": page, "warnings": warnings, "changes": differences(page.fields, there, typed)}
        return settings_page(page.id, "sure", {**values, "fields": visit.form.pairs()})
    try:
        await visit.ask("patch_organization", body=patch_with(typed), etag=etag_of(organization.etag))
    except (Problem, Refusal) as error:
        problem = told_in_form(error)
        if problem.document.status == 412:
            return _conflict(visit, page, (await _there(visit, page))[0], typed)
        return _form(page, typed, seen, problem)
    return Redirect(f"{path_to('settings', page.id)}?did=saved")


def _page(visit: Visit) -> SettingPage:
    """Return the page of the path. Raises Problem."""
    page = PAGES.get(visit.path["page"])
    if page is None:
        raise Problem(404, "There is no such page of settings.")
    return page


async def _there(visit: Visit, page: SettingPage) -> tuple[dict[str, Any], OrganizationRead]:
    """Return the settings of the page that are in force, by their paths, and the organization."""
    organization: OrganizationRead = await visit.ask("get_organization")
    return page.values(organization.model_dump(mode="json")), organization


def _form(
    page: SettingPage,
    shown: dict[str, Any],
    seen: str,
    problem: Problem | None = None,
    *,
    is_saved: bool = False,
) -> Reply:
    paths = {field.path for field in page.fields}
    lists = {field.path: shown[field.path] for field in page.fields if isinstance(shown[field.path], list)}
    named = errors_at_fields(problem, paths, {path: [f"{each}" for each in some] for path, some in lists.items()})
    values = {
        "page": page,
        "shown": {field.path: field.typed(shown[field.path]) for field in page.fields},
        "days": DAYS,
        "seen": seen,
        "problem": problem.document if problem else None,
        "errors": named,
        "other_errors": [f"{name}: {text}" if name else text for name, text in named.items() if name not in paths],
        "is_saved": is_saved,
    }
    return settings_page(page.id, "form", values, problem.document.status if problem else 200)


def _conflict(visit: Visit, page: SettingPage, there: dict[str, Any], typed: dict[str, Any]) -> Reply:
    """Show what others have changed meanwhile beside what was typed, to choose from."""
    fields = [(name, value) for name, value in visit.form.pairs() if name not in ("seen", "sure")]
    values = {
        "page": page,
        "changes": differences(page.fields, there, typed),
        "fields": [*fields, ("seen", digest_of_values(there))],
    }
    return settings_page(page.id, "conflict", values, 412)
