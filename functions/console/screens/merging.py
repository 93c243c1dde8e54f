"""Merging of two records that are the same person: the second step names both, as it cannot be undone."""

from __future__ import annotations

import asyncio

from functions.api.problems import Problem
from functions.console.naming import name_of
from functions.console.rendering import path_to, with_query
from functions.console.screen import Redirect, Reply, Screens, Shown
from functions.console.screens.people import record_path
from functions.console.visit import Visit
from functions.resources.people import RecordItem, RecordRead
from lib.ids import CHOSEN, RECORD_TYPE
from lib.storage.versions import etag_of

screens = Screens(frozenset({"full"}))

_MOST_SHOWN = 10


@screens("GET", "people/{type}/{id}/merge")
async def choose(visit: Visit) -> Reply:
    """Show records that may be the same, or, once one is chosen, what merging will do."""
    path, chosen = record_path(visit), visit.query("into")
    record: RecordRead
    kept: RecordRead | None
    record, kept = await asyncio.gather(visit.ask("get_record", path), _chosen(visit, chosen))
    others = [] if kept else await _with_the_same_address(visit, record)
    values = {
        "record": record,
        "name": name_of(record),
        "here": path_to("people", record.type, record.id),
        "kept": kept,
        "kept_name": name_of(kept) if kept else "",
        "others": others,
        "etag": etag_of(record.etag),
    }
    return Shown("merge.html", values)


@screens("POST", "people/{type}/{id}/merge")
async def merge(visit: Visit) -> Reply:
    """Merge the record into the other one, which is shown then."""
    into = _record(visit.form.text("into"))
    etag = visit.form.text("etag") or None
    kept: RecordRead = await visit.ask("merge_record", record_path(visit), body={"into": into}, etag=etag)
    return Redirect(with_query(path_to("people", kept.type, kept.id), did="merge"))


async def _chosen(visit: Visit, name: str) -> RecordRead | None:
    return await visit.ask("get_record", _record(name)) if name else None


def _record(name: str) -> dict[str, str]:
    """Read `<type>/<id>`. Raises Problem."""
    kind, _, record = name.partition("/")
    if not RECORD_TYPE.fullmatch(kind) or not CHOSEN.fullmatch(record):
        raise Problem(422, "Name the other record by its type and its id, such as contact/c1.")
    return {"type": kind, "id": record}


async def _with_the_same_address(visit: Visit, record: RecordRead) -> list[RecordItem]:
    """Find other records that have one of the record's first addresses."""
    asked = [visit.ask("list_records", query={"email": email, "limit": _MOST_SHOWN}) for email in record.emails[:3]]
    found = [item for page in await asyncio.gather(*asked) for item in page.items]
    others = {(each.type, each.id): each for each in found if each.ref() != record.ref()}
    return list(others.values())
