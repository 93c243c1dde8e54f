"""The identity provider with which people of the organization sign in."""

from __future__ import annotations

from collections.abc import Mapping

from functions.api.problems import Problem
from functions.console.refusals import told_in_form
from functions.console.screen import Redirect, Reply, Screens
from functions.console.screens.administration import ADMINISTRATORS, PATH, ask_once_more, settings_form
from functions.console.visit import HOME, Visit
from functions.resources.organizations import OrganizationRead
from lib.console.pairs import read_pairs, write_pairs
from lib.errors import Refusal
from lib.storage.versions import etag_of

screens = Screens(ADMINISTRATORS)

_SIGN_IN = f"{PATH}/sign-in"
_TEXTS = ("issuer", "audience", "client_id", "user_claim", "role_claim")
_LABELS = {
    "issuer": "Issuer",
    "audience": "Audience",
    "client_id": "The console’s id",
    "user_claim": "Claim of the user",
    "role_claim": "Claim of roles",
    "roles": "Roles",
}
_EMPTY = {**dict.fromkeys(_TEXTS, ""), "user_claim": "sub", "roles": ""}


@screens("GET", "settings/sign-in")
async def sign_in(visit: Visit) -> Reply:
    """Show the provider in a form, or an empty one."""
    organization: OrganizationRead = await visit.ask("get_organization")
    found = organization.settings.sign_in
    given = _EMPTY if found is None else {name: getattr(found, name) or "" for name in _TEXTS}
    roles = write_pairs(found.roles.items()) if found else ""
    return _form(visit, {**given, "roles": roles}, etag_of(organization.etag))


@screens("POST", "settings/sign-in")
async def save_sign_in(visit: Visit) -> Reply:
    """Save the provider, unless the organization was changed since the form was shown."""
    form, etag = visit.form, visit.form.text("etag")
    given = {name: form.text(name) for name in (*_TEXTS, "roles")}
    provider = {
        **{name: given[name] for name in ("issuer", "audience")},
        **{name: given[name] or None for name in ("client_id", "role_claim")},
        "user_claim": given["user_claim"] or "sub",
        "roles": dict(read_pairs(given["roles"])),
    }
    try:
        await visit.ask("patch_organization", body={"settings": {"sign_in": provider}}, etag=etag or "*")
    except (Problem, Refusal) as error:
        return _form(visit, given, etag, told_in_form(error))
    return Redirect(f"{_SIGN_IN}?did=saved")


@screens("GET", "settings/sign-in/remove")
async def ask_to_remove(visit: Visit) -> Reply:
    """Ask once more."""
    organization: OrganizationRead = await visit.ask("get_organization")
    texts = ["All who have signed in by it are signed out at once. Keys go on working."]
    fields = {"etag": etag_of(organization.etag)}
    return ask_once_more(visit, "sign-in", "Remove the provider?", texts, "Remove it", fields)


@screens("POST", "settings/sign-in/remove")
async def remove(visit: Visit) -> Reply:
    """Remove the provider."""
    await visit.ask("patch_organization", body={"settings": {"sign_in": None}}, etag=visit.form.text("etag") or None)
    return Redirect(f"{_SIGN_IN}?did=saved")


def _form(visit: Visit, given: Mapping[str, str], etag: str, problem: Problem | None = None) -> Reply:
    values = {
        "given": given,
        "etag": etag,
        "has_one": visit.signed_in.organization.settings.sign_in is not None,
        "is_saved": visit.query("did") == "saved",
        "back_address": f"{visit.services.settings.base_url}{HOME}sign-in/back",
    }
    roles, places = [role for role, _ in read_pairs(given["roles"])], {f"sign_in.{name}": name for name in _LABELS}
    return settings_form("sign-in", "sign_in", values, problem, _LABELS, {"roles": roles}, places)
