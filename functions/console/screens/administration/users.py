"""Users: who has agreed to following, and who they are."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from functions.api.paging import Page
from functions.api.problems import Problem
from functions.console.refusals import told_in_form
from functions.console.rendering import with_query
from functions.console.screen import Redirect, Reply, Screens
from functions.console.screens.administration import ADMINISTRATORS, PATH, ask_once_more, settings_form, settings_page
from functions.console.visit import Visit
from lib.errors import Refusal
from lib.people.users import OptInShare, User
from lib.storage.versions import etag_of

screens = Screens(ADMINISTRATORS)

_USERS = f"{PATH}/users"
_MOST_SHOWN = 50
_OPT_IN = {"yes": "true", "no": "false"}
_TEXTS = ("email", "name", "time_zone", "inbound")
_LABELS = {
    "id": "Id",
    "email": "Mail address",
    "name": "Name",
    "time_zone": "Time zone",
    "inbound": "Received mail that is taken in",
    "networks": "Networks of the user",
}
_INBOUND = (
    ("replies", "Answers to mail of theirs"),
    ("known", "Mail of people who are known"),
    ("all", "All mail"),
    ("none", "None"),
)


@screens("GET", "settings/users")
async def users(visit: Visit) -> Reply:
    """Show how many have agreed, and the users."""
    chosen = visit.query("opt_in")
    query = {"opt_in": _OPT_IN.get(chosen), "limit": _MOST_SHOWN, "cursor": visit.query("cursor")}
    share: OptInShare
    found: Page[User]
    share, found = await asyncio.gather(visit.ask("get_opt_in_share"), visit.ask("list_users", query=query))
    values = {
        "share": share,
        "percent": round(100 * share.opted_in / share.users) if share.users else 0,
        "users": found.items,
        "chosen": chosen if chosen in _OPT_IN else "",
        "more": with_query(_USERS, opt_in=chosen, cursor=found.next) if found.next else None,
        "changed": visit.query("changed"),
        "needs_opt_in": visit.signed_in.organization.settings.require_opt_in,
    }
    return settings_page("users", "users", values)


@screens("GET", "settings/users/everybody")
async def ask_for_everybody(visit: Visit) -> Reply:
    """Ask once more before all users are opted in or out."""
    share: OptInShare = await visit.ask("get_opt_in_share")
    values = {"share": share, "opt_in": visit.query("opt_in") != "no"}
    return settings_page("users", "everybody", values)


@screens("POST", "settings/users/opt-in")
async def opt_in(visit: Visit) -> Reply:
    """Opt users in or out: those that are named, or all."""
    is_all = visit.form.text("users") == "all"
    body = {"users": "all" if is_all else visit.form.texts("user"), "opt_in": visit.form.text("opt_in") == "yes"}
    changed = await visit.ask("opt_in_users", body=body)
    return Redirect(with_query(_USERS, changed=f"{changed.changed}", opt_in=visit.form.text("shown")))


@screens("GET", "settings/users/new")
async def new_user(_: Visit) -> Reply:
    """Show an empty form."""
    return _form("", {**dict.fromkeys(_TEXTS, ""), "time_zone": "UTC", "inbound": "replies", "networks": ""})


@screens("GET", "settings/users/{user}")
async def user(visit: Visit) -> Reply:
    """Show a user in a form."""
    found: User = await visit.ask("get_user", {"user": visit.path["user"]})
    given = {name: getattr(found, name) for name in _TEXTS}
    return _form(found.id, {**given, "networks": "\n".join(found.networks)}, etag_of(found.etag))


@screens("POST", "settings/users/save")
async def save_user(visit: Visit) -> Reply:
    """Make a user, or change the version that the form showed."""
    form, etag = visit.form, visit.form.text("etag")
    given = {name: form.text(name) for name in (*_TEXTS, "networks")}
    chosen = form.text("id")
    body = {**given, "networks": given["networks"].split()}
    try:
        if etag:
            await visit.ask("patch_user", {"user": chosen}, body=body, etag=etag)
        elif await visit.services.people.user(visit.org, chosen):
            raise Problem(422, f"There is a user {chosen} already.", code="invalid")
        else:
            await visit.ask("put_user", {"user": chosen}, body=body)
    except (Problem, Refusal) as error:
        return _form(chosen, given, etag, told_in_form(error, has_if_match=bool(etag)))
    return Redirect(_USERS)


@screens("GET", "settings/users/{user}/delete")
async def ask_to_delete(visit: Visit) -> Reply:
    """Ask once more."""
    found: User = await visit.ask("get_user", {"user": visit.path["user"]})
    texts = [
        "Mail of the user that waits to go out is held: it fails, and can be given another sender.",
        "Mailboxes of the user are switched off. Mail that was sent stays, with all that is known of it.",
    ]
    title, fields = f"Delete {found.name or found.id}?", {"etag": etag_of(found.etag)}
    return ask_once_more(visit, "users", title, texts, "Delete the user", fields)


@screens("POST", "settings/users/{user}/delete")
async def delete_user(visit: Visit) -> Reply:
    """Delete the version of the user that the page showed."""
    await visit.ask("delete_user", {"user": visit.path["user"]}, etag=visit.form.text("etag") or None)
    return Redirect(_USERS)


def _form(user_id: str, given: Mapping[str, Any], etag: str = "", problem: Problem | None = None) -> Reply:
    values = {"id": user_id, "given": given, "etag": etag, "inbound": _INBOUND}
    return settings_form("users", "user", values, problem, _LABELS, {"networks": given["networks"].split()})
