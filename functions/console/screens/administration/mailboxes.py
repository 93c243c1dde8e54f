"""Mailboxes that Heed reads: made, changed, paused, tested, deleted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from functions.api.paging import Page
from functions.api.problems import Problem
from functions.console.naming import names_of_users
from functions.console.refusals import told_in_form
from functions.console.rendering import with_query
from functions.console.screen import Redirect, Reply, Screens
from functions.console.screens.administration import ADMINISTRATORS, PATH, ask_once_more, settings_form, settings_page
from functions.console.visit import Form, Visit
from lib.console.pairs import read_pairs, write_pairs
from lib.errors import Refusal
from lib.fields import Regarding
from lib.inbound.mailboxes.models import MailboxRead
from lib.storage.versions import etag_of

screens = Screens(ADMINISTRATORS)

_MAILBOXES = f"{PATH}/mailboxes"
_MOST_SHOWN = 100
_TEXTS = ("kind", "user", "owner", "host", "port", "security", "auth", "secret", "folders", "categories")
_BOXES = ("queue", "enabled")
_LABELS = {
    "id": "Id",
    "kind": "Where it is",
    "user": "Name to log in with",
    "owner": "Whose it is",
    "queue": "Several users share it",
    "host": "IMAP server",
    "port": "Port of IMAP",
    "security": "TLS of IMAP",
    "auth": "Way to log in to IMAP",
    "secret": "Name of the secret",
    "folders": "Folders",
    "categories": "Categories",
    "enabled": "Read it",
}
_CHOICES = {
    "kind": (("imap", "An IMAP server"), ("graph", "Microsoft 365")),
    "security": (("tls", "From the beginning (port 993)"), ("starttls", "By STARTTLS (port 143)")),
    "auth": (("password", "Password"), ("xoauth2", "OAuth (XOAUTH2)")),
}
_NEW = {**dict.fromkeys(_TEXTS, ""), "id": "", "kind": "imap", "folders": "INBOX", "queue": False, "enabled": True}


@screens("GET", "settings/mailboxes")
async def mailboxes(visit: Visit) -> Reply:
    """Show the mailboxes, and how the last poll of each went."""
    query = {"limit": _MOST_SHOWN, "cursor": visit.query("cursor")}
    found: Page[MailboxRead] = await visit.ask("list_mailboxes", query=query)
    values = {
        "asked": visit.query("asked"),
        "users": await names_of_users(visit, [each.owner for each in found.items]),
        "mailboxes": [(each, etag_of(each.etag)) for each in found.items],
        "more": with_query(_MAILBOXES, cursor=found.next) if found.next else None,
    }
    return settings_page("mailboxes", "mailboxes", values)


@screens("GET", "settings/mailboxes/new")
async def new_mailbox(visit: Visit) -> Reply:
    """Show an empty form."""
    return _form(visit, _NEW)


@screens("GET", "settings/mailboxes/{id}/edit")
async def edit_mailbox(visit: Visit) -> Reply:
    """Show a mailbox in a form."""
    found = await _mailbox(visit, visit.path["id"])
    given = {name: getattr(found, name) for name in (*_TEXTS, *_BOXES, "id")}
    folders = [(each.path, _named(each.regarding)) for each in found.folders]
    given |= {
        "folders": write_pairs(folders),
        "categories": write_pairs([(each.name, each.create or "") for each in found.categories]),
    }
    return _form(visit, {name: "" if value is None else value for name, value in given.items()}, etag_of(found.etag))


@screens("POST", "settings/mailboxes/save")
async def save_mailbox(visit: Visit) -> Reply:
    """Make a mailbox, or change the version that the form showed."""
    form, chosen, etag = visit.form, visit.form.text("id"), visit.form.text("etag")
    try:
        if etag:
            body = _body(form, await _mailbox(visit, chosen))
            await visit.ask("patch_mailbox", {"id": chosen}, body=body, etag=etag)
        elif await visit.services.mailboxes.load_mailbox(visit.org, chosen):
            raise Problem(422, f"There is a mailbox {chosen} already.", code="invalid")
        else:
            await visit.ask("put_mailbox", {"id": chosen}, body=_body(form, None))
    except (Problem, Refusal) as error:
        given = {name: form.text(name) for name in (*_TEXTS, "id")} | {name: form.is_checked(name) for name in _BOXES}
        return _form(visit, given, etag, told_in_form(error, has_if_match=bool(etag)))
    return Redirect(_MAILBOXES)


def _body(form: Form, stored: MailboxRead | None) -> dict[str, Any]:
    """Return the mailbox as the API takes it. The names of records, which the form does not show, stay."""
    port = form.text("port")
    known = {(each.path, _named(each.regarding)): each.regarding for each in (stored.folders if stored else [])}
    folders = [
        {"path": path, "regarding": _regarding(record, known.get((path, record)))}
        for path, record in read_pairs(form.text("folders"))
    ]
    categories = [{"name": name, "create": kind or None} for name, kind in read_pairs(form.text("categories"))]
    return {
        **{name: form.text(name) for name in ("kind", "user", "secret", "security", "auth") if form.text(name)},
        **{name: form.text(name) or None for name in ("owner", "host")},
        **{name: form.is_checked(name) for name in _BOXES},
        "port": int(port) if port.isdecimal() and len(port) < 10 else port or None,
        "folders": folders,
        "categories": categories,
    }


def _named(record: Regarding | None) -> str:
    return f"{record.type}/{record.id}" if record else ""


def _regarding(text: str, stored: Regarding | None) -> dict[str, str | None] | None:
    if not text:
        return None
    kind, _, record = text.partition("/")
    return {"type": kind, "id": record, "name": stored.name if stored else None}


async def _mailbox(visit: Visit, mailbox: str) -> MailboxRead:
    found: MailboxRead = await visit.ask("get_mailbox", {"id": mailbox})
    return found


@screens("POST", "settings/mailboxes/{id}/poll")
async def poll_mailbox(visit: Visit) -> Reply:
    """Have a mailbox read within a minute; the page then shows how that went."""
    await visit.ask("poll_mailbox", {"id": visit.path["id"]})
    return Redirect(with_query(_MAILBOXES, asked=visit.path["id"]))


@screens("POST", "settings/mailboxes/{id}/{act}")
async def change_mailbox(visit: Visit) -> Reply:
    """Pause the version of a mailbox that the page showed, go on with it, or delete it."""
    act, path, etag = visit.path["act"], {"id": visit.path["id"]}, visit.form.text("etag") or None
    if act in ("pause", "resume"):
        await visit.ask("patch_mailbox", path, body={"enabled": act == "resume"}, etag=etag)
    elif act == "delete":
        await visit.ask("delete_mailbox", path, etag=etag)
    else:
        raise Problem(404, "There is no such button.")
    return Redirect(_MAILBOXES)


@screens("GET", "settings/mailboxes/{id}/delete")
async def ask_to_delete_mailbox(visit: Visit) -> Reply:
    """Ask once more."""
    found = await _mailbox(visit, visit.path["id"])
    texts = ["Heed reads it no longer, and forgets how far it came. Mail that was read from it stays."]
    title, fields = f"Delete the mailbox {found.id}?", {"etag": etag_of(found.etag)}
    return ask_once_more(visit, "mailboxes", title, texts, "Delete it", fields)


def _form(visit: Visit, given: Mapping[str, Any], etag: str = "", problem: Problem | None = None) -> Reply:
    entries = {name: [left for left, _ in read_pairs(f"{given[name]}")] for name in ("folders", "categories")}
    values = {
        "given": given,
        "etag": etag,
        "choices": _CHOICES,
        "secrets": f"HEED_MAILBOX_{visit.org.upper()}_",
    }
    return settings_form("mailboxes", "mailbox", values, problem, _LABELS, entries)
