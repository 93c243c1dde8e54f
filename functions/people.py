"""Users and records."""

from __future__ import annotations

from typing import Any

from functions.endpoint import Answer, Call, Endpoints
from functions.paging import Page, PageQuery, page
from functions.problems import not_there
from lib.fields import Model, RecordType
from lib.people import (
    USERS,
    Changed,
    OptIn,
    Record,
    RecordSpec,
    StoredRecord,
    StoredUser,
    User,
    UserSpec,
    record_partition,
)
from lib.repository import Repository, Stale, patch_of, patched
from lib.storage import Conflict, Range

endpoints = Endpoints("People and records")

UserPatch = patch_of(UserSpec)
RecordPatch = patch_of(RecordSpec)


class RecordsQuery(PageQuery):
    type: RecordType


async def _put(call: Call, kept: Repository[Any], partition: str, key: str, stored: Any, read: type[Any]) -> Answer:
    try:
        etag, made = await kept.put(call.org, partition, key, stored, call.if_match)
    except Conflict as error:
        raise Stale from error
    return Answer(201 if made else 200, read(**stored.model_dump(), etag=etag), etag)


async def _get(call: Call, kept: Repository[Any], partition: str, key: str, what: str) -> tuple[Any, str]:
    found = await kept.get(call.org, partition, key)
    if found is None:
        raise not_there(what)
    return found


async def _patch(
    call: Call, kept: Repository[Any], partition: str, key: str, spec: type[Model], read: type[Any], what: str
) -> Answer:
    there, etag = await _get(call, kept, partition, key, what)
    if call.if_match not in (None, "*", etag):
        raise Stale
    changed = spec.model_validate(patched(spec, there, call.body))
    stored = there.model_copy(update=dict(changed))
    etag = await kept.change(call.org, partition, key, stored, etag)
    return Answer(200, read(**stored.model_dump(), etag=etag), etag)


async def _list(call: Call, kept: Repository[Any], partition: str, read: type[Any]) -> Answer:
    keys = Range(after=call.query.after())
    rows = kept.list(call.org, partition, keys, call.query.limit + 1)
    found = [(key, read(**stored.model_dump(), etag=etag)) async for key, stored, etag in rows]
    return Answer(200, page(found, call.query.limit))


@endpoints("PUT", "/users/{user}", body=UserSpec, answers={201: User, 200: User})
async def put_user(call: Call) -> Answer:
    """Make a user, or replace what is known of one."""
    stored = StoredUser(id=call.path["user"], **call.body.model_dump())
    return await _put(call, call.services.people.users, USERS, stored.id, stored, User)


@endpoints("GET", "/users/{user}", answers={200: User})
async def get_user(call: Call) -> Answer:
    """Read a user."""
    stored, etag = await _get(call, call.services.people.users, USERS, call.path["user"], "user")
    return Answer(200, User(**stored.model_dump(), etag=etag), etag)


@endpoints("PATCH", "/users/{user}", body=UserPatch, answers={200: User})
async def patch_user(call: Call) -> Answer:
    """Change some of what is known of a user."""
    return await _patch(call, call.services.people.users, USERS, call.path["user"], UserSpec, User, "user")


@endpoints("GET", "/users", query=PageQuery, answers={200: Page[User]})
async def list_users(call: Call) -> Answer:
    """List the users, by id."""
    return await _list(call, call.services.people.users, USERS, User)


@endpoints("POST", "/users/opt-in", body=OptIn, answers={200: Changed})
async def opt_in_users(call: Call) -> Answer:
    """Opt users in to following mail, or out."""
    users = None if call.body.users == "all" else call.body.users
    return Answer(200, Changed(changed=await call.services.people.opt_in(call.org, users, call.body.opt_in)))


@endpoints("PUT", "/records/{type}/{id}", body=RecordSpec, answers={201: Record, 200: Record})
async def put_record(call: Call) -> Answer:
    """Make a record, or replace what is known of one."""
    stored = StoredRecord(type=call.path["type"], id=call.path["id"], **call.body.model_dump())
    kept = call.services.people.records
    return await _put(call, kept, record_partition(stored.type), stored.id, stored, Record)


@endpoints("GET", "/records/{type}/{id}", answers={200: Record})
async def get_record(call: Call) -> Answer:
    """Read a record."""
    partition = record_partition(call.path["type"])
    stored, etag = await _get(call, call.services.people.records, partition, call.path["id"], "record")
    return Answer(200, Record(**stored.model_dump(), etag=etag), etag)


@endpoints("PATCH", "/records/{type}/{id}", body=RecordPatch, answers={200: Record})
async def patch_record(call: Call) -> Answer:
    """Change some of what is known of a record."""
    partition = record_partition(call.path["type"])
    kept = call.services.people.records
    return await _patch(call, kept, partition, call.path["id"], RecordSpec, Record, "record")


@endpoints("GET", "/records", query=RecordsQuery, answers={200: Page[Record]})
async def list_records(call: Call) -> Answer:
    """List the records of a type, by id."""
    return await _list(call, call.services.people.records, record_partition(call.query.type), Record)
