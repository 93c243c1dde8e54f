"""People: lists of records, those who were engaged this week, and one record with its mail and its consents."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from functions.api.paging import Page
from functions.api.problems import Problem, not_there
from functions.console.downloads import csv_of
from functions.console.naming import name_of, names_of_records, names_of_users
from functions.console.rendering import path_to, with_query
from functions.console.screen import READERS, Redirect, Reply, Screens, Shown
from functions.console.screens.addresses import noted_by, rights_over
from functions.console.visit import HOME, Visit
from functions.resources.activities import ActivityRead
from functions.resources.consents import ConsentHistory
from functions.resources.people import RecordItem, RecordRead
from lib.console.people import SAID, ReadMails, parts_of, sentence_about
from lib.fields import RecordRef
from lib.ids import CHOSEN, RECORD_TYPE

screens = Screens(READERS)

PATH, ENGAGED = f"{HOME}people", f"{HOME}engaged"

_TYPES = {
    "contact": "Contacts",
    "lead": "Leads",
    "account": "Accounts",
    "opportunity": "Opportunities",
    "case": "Cases",
}
_PAGE = 50
_ACTIVITIES = 25


@screens("GET", "people")
async def people(visit: Visit) -> Reply:
    """Show the records of a type, or those that have an address."""
    email, parent = visit.sealed_query("address"), visit.query("parent")
    kind = visit.query("type") or ("" if email else "contact")
    query = {"type": kind, "email": email, "parent": parent}
    if visit.query("format") == "csv":
        return await csv_of(visit, "list_records", query, RecordItem, "people.csv")
    asked = {**query, "limit": _PAGE, "cursor": visit.query("cursor")}
    found: Page[RecordItem] = await visit.ask("list_records", query=asked)
    owners, parents = await asyncio.gather(
        names_of_users(visit, [each.owner for each in found.items]), names_of_records(visit, [_ref(parent)])
    )
    here = {"type": kind, "address": visit.seal(email), "parent": parent}
    values = {
        **_list_values(kind, found),
        "owners": owners,
        "parent_name": next(iter(parents.values()), parent),
        "email": email,
        "parent": parent,
        "more": with_query(PATH, **here, cursor=found.next) if found.next else None,
        "csv": with_query(PATH, **here, format="csv"),
    }
    return Shown("people.html", values)


def _list_values(kind: str, found: Page[RecordItem]) -> dict[str, Any]:
    return {
        "types": _TYPES if kind in _TYPES or not kind else {**_TYPES, kind: kind.capitalize()},
        "type": kind,
        "items": found.items,
        "path": PATH,
    }


@screens("POST", "people")
async def find_people(visit: Visit) -> Reply:
    """Show the records whose name or address begins as was typed, or that have the whole address.

    The words come in a form, so that no address stands in the address of a page. A page looks through a bounded number
    of records, and its button goes on behind them.
    """
    typed, kind, cursor = visit.form.text("q"), visit.form.text("type") or "contact", visit.form.text("cursor")
    if not typed:
        return Redirect(with_query(PATH, type=kind))
    found, of_address = await asyncio.gather(
        visit.ask("list_records", query={"type": kind, "q": typed, "limit": _PAGE, "cursor": cursor}),
        _with_address(visit, typed),
    )
    if of_address is not None and of_address.items:
        found, kind = of_address, ""
    values = {
        **_list_values(kind, found),
        "owners": await names_of_users(visit, [each.owner for each in found.items]),
        "q": typed,
        "email": typed if of_address is not None else "",
        "further": found.next,
    }
    return Shown("people.html", values)


async def _with_address(visit: Visit, typed: str) -> Page[RecordItem] | None:
    """Find the records that have an address; None where what was typed is no whole address."""
    if "@" not in typed:
        return None
    try:
        found: Page[RecordItem] = await visit.ask("list_records", query={"email": typed, "limit": _PAGE})
    except Problem as error:
        if error.document.status != 422:
            raise
        return None
    return found


@screens("GET", "engaged")
async def engaged(visit: Visit) -> Reply:
    """Show the records that people have engaged with in the last seven days, by score."""
    kind = visit.query("type")
    query = {"view": "engaged-this-week", "type": kind}
    if visit.query("format") == "csv":
        return await csv_of(visit, "list_records", query, RecordItem, "engaged.csv")
    asked = {**query, "limit": _PAGE, "cursor": visit.query("cursor")}
    found: Page[RecordItem] = await visit.ask("list_records", query=asked)
    scores = [each.engagement.score for each in found.items if each.engagement]
    values = {
        "types": {"": "All", **_TYPES},
        "type": kind,
        "items": found.items,
        "greatest": max(scores, default=0) or 1,
        "path": ENGAGED,
        "more": with_query(ENGAGED, type=kind, cursor=found.next) if found.next else None,
        "csv": with_query(ENGAGED, type=kind, format="csv"),
    }
    return Shown("engaged.html", values)


@screens("GET", "people/{type}/{id}")
async def person(visit: Visit) -> Reply:
    """Show a record. The consents of its first address are read once that is known, beside its activities."""
    path = record_path(visit)
    query = {"limit": _ACTIVITIES, "cursor": visit.query("cursor")}
    activities: Page[ActivityRead]
    found: RecordRead
    consents: ConsentHistory | None
    activities, (found, consents) = await asyncio.gather(
        visit.ask("list_activities", path, query), _record_and_consents(visit, path)
    )
    callers = [each.user for each in activities.items if each.kind == "call"]
    company = found.company if found.parent and found.parent.type == "account" else ""
    users, records = await asyncio.gather(
        names_of_users(visit, [found.owner, *callers, *(noted_by(consents) if consents else ())]),
        names_of_records(visit, [] if company else [found.parent]),
    )
    name = name_of(found)
    mails = _read_mails(activities.items)
    here = path_to("people", found.type, found.id)
    values = {
        "record": found,
        "name": name,
        "users": users,
        "parent_name": next(iter(records.values()), company),
        "here": here,
        "is_first_page": not visit.query("cursor"),
        "sentence": sentence_about(name, found.engagement, mails, visit.times),
        "mails": mails,
        "parts": parts_of(found.engagement.score_parts),
        "activities": activities.items,
        "more": with_query(here, cursor=activities.next) if activities.next else None,
        "consents": consents,
        "said": SAID,
        "did": visit.query("did"),
        "back": f"{found.type}/{found.id}",
        "may_merge": "full" in visit.scopes,
        **rights_over(visit),
    }
    return Shown("person.html", values)


def _ref(text: str) -> RecordRef | None:
    """Read `<type>/<id>`; None where it is none."""
    kind, _, name = text.partition("/")
    is_record = RECORD_TYPE.fullmatch(kind) and CHOSEN.fullmatch(name)
    return RecordRef.model_construct(type=kind, id=name) if is_record else None


def record_path(visit: Visit) -> dict[str, str]:
    """Return the record of the address. Raises Problem where it is none."""
    path = {"type": visit.path["type"], "id": visit.path["id"]}
    if not RECORD_TYPE.fullmatch(path["type"]) or not CHOSEN.fullmatch(path["id"]):
        raise not_there("record")
    return path


async def _record_and_consents(visit: Visit, path: dict[str, str]) -> tuple[RecordRead, ConsentHistory | None]:
    record: RecordRead = await visit.ask("get_record", path)
    return record, await visit.ask("get_consents", {"email": record.emails[0]}) if record.emails else None


def _read_mails(activities: Sequence[ActivityRead]) -> ReadMails:
    followed = [each.kpis for each in activities if each.followed and each.kpis]
    return ReadMails(sum(bool(each.opens or each.clicks or each.replies) for each in followed), len(followed))
