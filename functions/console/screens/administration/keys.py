"""Keys of the organization: made, shown once, revoked."""

from __future__ import annotations

from typing import get_args

from functions.api.paging import Page
from functions.api.problems import Problem
from functions.console.rendering import with_query
from functions.console.screen import Redirect, Reply, Screens
from functions.console.screens.administration import ADMINISTRATORS, PATH, ask_once_more, settings_page
from functions.console.visit import Visit
from lib.organizations.keys import ApiKey
from lib.organizations.scopes import KeyScope

screens = Screens(ADMINISTRATORS)

_KEYS = f"{PATH}/keys"
_MOST_SHOWN = 100
_SCOPES = {
    "read": "reads all mail",
    "full": "all work of a CRM",
    "inbound": "hands in mail alone",
    "admin": "settings, users and keys; no mail",
}


@screens("GET", "settings/keys")
async def keys(visit: Visit) -> Reply:
    """Show the keys without their secrets."""
    found: Page[ApiKey] = await visit.ask("list_keys", query={"limit": _MOST_SHOWN, "cursor": visit.query("cursor")})
    values = {
        "keys": found.items,
        "scopes": _SCOPES,
        "own": visit.signed_in.session.key,
        "more": with_query(_KEYS, cursor=found.next) if found.next else None,
        "is_revoked": visit.query("did") == "revoked",
    }
    return settings_page("keys", "keys", values)


@screens("POST", "settings/keys")
async def make_key(visit: Visit) -> Reply:
    """Make a key. Only the page that answers shows it."""
    scope, name = visit.form.text("scope"), visit.form.text("name")
    if scope not in get_args(KeyScope):
        raise Problem(422, "Choose what the key may do.")
    made = await visit.ask("make_key", body={"scope": scope, "name": name})
    values = {
        "title": "Your new key",
        "secret": made.key,
        "text": f"The key {made.name or made.id} may do this: {_SCOPES[scope]}. Keep it on a server, never in a page.",
        "back": _KEYS,
    }
    return settings_page("keys", "secret", values)


@screens("GET", "settings/keys/{key}/revoke")
async def ask_to_revoke(visit: Visit) -> Reply:
    """Ask once more."""
    key = visit.path["key"]
    texts = ["It ends at once, with all sessions and tokens that were begun by it. What it was used for stops working."]
    if key == visit.signed_in.session.key:
        texts.append("You have signed in with this key: you are signed out by revoking it.")
    return ask_once_more(visit, "keys", "Revoke the key?", [*texts, f"Its id is {key}."], "Revoke it")


@screens("POST", "settings/keys/{key}/revoke")
async def revoke_key(visit: Visit) -> Reply:
    """Revoke a key."""
    await visit.ask("revoke_key", {"key": visit.path["key"]})
    return Redirect(f"{_KEYS}?did=revoked")
