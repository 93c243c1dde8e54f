"""Addresses: what is known about one, what its owner has said, and export and erasure of what is held."""

from __future__ import annotations

import asyncio

from functions.api.paging import Page
from functions.api.problems import Problem
from functions.console.naming import names_of_users
from functions.console.rendering import path_to, with_query
from functions.console.screen import READERS, Download, Redirect, Reply, Screens, Shown
from functions.console.visit import HOME, Visit
from functions.resources.consents import ConsentHistory
from functions.resources.people import RecordItem
from functions.resources.subjects import JobRead
from functions.shapes.message import MessageItem
from lib.console.people import SAID
from lib.ids import CHOSEN, RECORD_TYPE
from lib.organizations.scopes import Scope

screens = Screens(READERS)

PATH, JOB = f"{HOME}people/address", f"{HOME}people/job"

_WRITERS: frozenset[Scope] = frozenset({"full", "user"})
_KEEPERS: frozenset[Scope] = frozenset({"full", "admin"})
"""Scopes that export and erase what is held about an address, as with the API."""

_MAILS = 25
_RECORDS = 10


def rights_over(visit: Visit) -> dict[str, bool]:
    """Return what the person who has signed in may do with what is held about an address."""
    return {
        "may_say": bool(visit.scopes & _WRITERS),
        "is_keeper": bool(visit.scopes & _KEEPERS) and visit.signed_in.caller().sees_only is None,
    }


def noted_by(consents: ConsentHistory) -> list[str | None]:
    """List the ids of users who have noted consents."""
    actors = [each.actor.id for each in consents.history if each.actor and each.actor.kind == "user"]
    return [*actors, *(each.by for each in consents.history)]


@screens("GET", "people/address")
async def address(visit: Visit) -> Reply:
    """Show what is known about an address, whether or not a record has it."""
    email = visit.sealed_query("address")
    if not email:
        return Redirect(f"{HOME}people")
    mails: Page[MessageItem]
    records: Page[RecordItem]
    consents: ConsentHistory
    consents, records, mails = await asyncio.gather(
        visit.ask("get_consents", {"email": email}),
        visit.ask("list_records", query={"email": email, "limit": _RECORDS}),
        visit.ask("list_messages", query={"recipient": email, "view": "all", "sort": "-sent_at", "limit": _MAILS}),
    )
    values = {
        "email": consents.email,
        "users": await names_of_users(visit, noted_by(consents)),
        "consents": consents,
        "said": SAID,
        "records": records.items,
        "all_records": with_query(f"{HOME}people", address=visit.seal(email)) if records.next else None,
        "mails": mails.items,
        "all_mails": _all_mails(visit, email) if mails.next else None,
        "did": visit.query("did"),
        "back": "",
        **rights_over(visit),
    }
    return Shown("address.html", values)


def _all_mails(visit: Visit, email: str) -> str:
    return with_query(f"{HOME}messages", view="all", whose="all", recipient=visit.seal(email))


@screens("POST", "people/consent", may=_WRITERS)
async def note_consent(visit: Visit) -> Reply:
    """Note what the owner of an address has said, and how that is known."""
    form, email = visit.form, visit.form.text("email")
    if not form.text("follow"):
        raise Problem(422, "Say whether the answer was yes or no.")
    if not form.text("source"):
        raise Problem(422, "Say where or how it was said, so that anybody can see why mail is followed or not.")
    body = {name: form.text(name) for name in ("follow", "source", "basis", "notice")}
    await visit.ask("put_consent", {"email": email}, body=body)
    kind, _, record = form.text("back").partition("/")
    if RECORD_TYPE.fullmatch(kind) and CHOSEN.fullmatch(record):
        return Redirect(with_query(path_to("people", kind, record), did="consent"))
    return Redirect(with_query(PATH, address=visit.seal(email), did="consent"))


@screens("POST", "people/export", may=_KEEPERS)
async def export(visit: Visit) -> Reply:
    """Begin an export, and lead to where it can be fetched."""
    begun = await visit.ask("export_subject", {"email": visit.form.text("email")})
    return Redirect(with_query(JOB, id=begun.job))


@screens("GET", "people/erase", may=_KEEPERS)
async def ask_to_erase(visit: Visit) -> Reply:
    """Ask once more, and have the address typed."""
    return Shown("erase.html", {"email": visit.sealed_query("address"), "is_other": False})


@screens("POST", "people/erase", may=_KEEPERS)
async def erase(visit: Visit) -> Reply:
    """Begin an erasure, if the address was typed as it stands on the page."""
    email, typed = visit.form.text("email"), visit.form.text("typed")
    if not email or typed.casefold() != email.casefold():
        return Shown("erase.html", {"email": email, "is_other": True}, 422)
    query = {"also_sent_mail": "true" if visit.form.is_checked("also_sent_mail") else None}
    begun = await visit.ask("erase_subject", {"email": email}, query)
    return Redirect(with_query(JOB, id=begun.job))


@screens("GET", "people/job", may=_KEEPERS)
async def job(visit: Visit) -> Reply:
    """Show how far an export or an erasure has come."""
    found: JobRead = await visit.ask("get_job", {"job": visit.query("id")})
    result = with_query(f"{HOME}people/job-result", id=found.id) if found.result else None
    return Shown("job.html", {"job": found, "result": result, **rights_over(visit)})


@screens("GET", "people/job-result", may=_KEEPERS)
async def job_result(visit: Visit) -> Reply:
    """Download an export."""
    content: bytes = await visit.ask("get_job_result", {"job": visit.query("id")})
    return Download(content, "export.json", "application/json")
