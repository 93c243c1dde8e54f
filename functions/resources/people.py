"""Users and records."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, StringConstraints

from functions.api.authorization import Who
from functions.api.endpoint import READERS, Answer, Call, Endpoints
from functions.api.paging import Page, PageQuery, last_key, page_until
from functions.api.patching import patch_of, patched
from functions.api.problems import Problem, invalid, not_there
from functions.resources.consents import consent_actor
from lib.errors import NotAllowed, Stale
from lib.fields import Email, Model, QueryFlag, RecordRef, RecordType
from lib.ids import CHOSEN, RECORD_TYPE
from lib.people.beginnings import begins_so, read_words
from lib.people.records import Record, RecordSpec, StoredRecord
from lib.people.store import USERS, record_partition
from lib.people.users import OptIn, OptInShare, StoredUser, User, UsersChanged, UserSpec
from lib.records import Engagement, Rollup
from lib.storage import Conflict, Range
from lib.storage.at_once import some_at_once
from lib.storage.repository import Repository
from lib.storage.retry import retry_on_conflict
from lib.storage.sifted_pages import Sifted, sifted_page
from lib.storage.versions import IfMatch, check_version

endpoints = Endpoints("People and records")

UserPatch = patch_of(UserSpec, __name__)
RecordPatch = patch_of(RecordSpec, __name__)

_MAY_READ_USERS: tuple[Who, ...] = (*READERS, "admin")
MAY_CHANGE_USERS: tuple[Who, ...] = ("full", "admin")

TAKEN_IDS = frozenset({"opt-in"})
"""Ids of users, in whatever case, whose path is that of another endpoint: routes are found without regard to case."""

_MOST_NOTED = 200
"""Users that an entry of the audit log names."""

_USER_WISHES = {"opt_in", "email"}
_RECORD_WISHES = {"follow_email", "emails", "parent", "owner"}
"""Fields that decide, or may, whether a mail is followed."""


ParentName = Annotated[str, StringConstraints(max_length=141, pattern=rf"^{RECORD_TYPE.pattern}/{CHOSEN.pattern}$")]
"""A record in a query: its type and its id."""


class UsersQuery(PageQuery):
    opt_in: QueryFlag | None = Field(
        None, description="only users who have opted in, or only those who have not; pages may be short"
    )


_LONGEST_WORDS = 200
_SIFTED_AT_ONCE = 20
"""Records: to look through so many takes some milliseconds."""


class RecordsQuery(PageQuery):
    type: RecordType | None = Field(None, description="needed without a view or an address; narrows these")
    email: Email | None = Field(
        None,
        description="records that have this address (+ written as %2B), in whatever case, by type and id; its pages "
        "may be short",
    )
    q: str | None = Field(
        None,
        max_length=_LONGEST_WORDS,
        description="words that each begin a word of the name or the company, or an address, without regard to case "
        "and accents; narrows the pages of a list by type",
    )
    parent: ParentName | None = Field(
        None, description="`<type>/<id>`: records right below that one; narrows the pages of a list by type or address"
    )
    include: Literal["engagement"] | None = Field(
        None, description="`engagement`: with each record's, which costs one more read of storage for each"
    )
    view: Literal["engaged-this-week"] | None = Field(
        None, description="records that people have engaged with in the last 7 days, by score; its pages may be short"
    )


class RecordRead(Record):
    """A record, and how people engaged with the mail to it."""

    engagement: Engagement


class RecordItem(Record):
    """A record of a list."""

    engagement: Engagement | None = Field(None, description="in a view, or where it is included; else null")


async def _saved(stored: BaseModel, read: type[Any], saving: Awaitable[tuple[str, bool]]) -> Answer:
    """Answer with what is saved. Raises Stale."""
    try:
        etag, is_new = await saving
    except Conflict as error:
        raise Stale from error
    return Answer(201 if is_new else 200, read(**stored.model_dump(), etag=etag), etag)


async def _get(call: Call, kept: Repository[Any], partition: str, key: str, what: str) -> tuple[Any, str]:
    found = await kept.load(call.org, partition, key)
    if found is None:
        raise not_there(what)
    return found


async def _patched(
    call: Call, kept: Repository[Any], partition: str, key: str, spec: type[Model], what: str
) -> tuple[Any, str]:
    """Return the changed model, and the etag of the version that it is to replace. Raises Problem, Stale."""
    there, etag = await _get(call, kept, partition, key, what)
    check_version(call.if_match, etag)
    changed = spec.model_validate(patched(spec, there, call.body))
    return there.model_copy(update=dict(changed)), etag


@endpoints("PUT", "/users/{user}", body=UserSpec, answers={201: User, 200: User}, may=MAY_CHANGE_USERS, everybodys=True)
async def put_user(call: Call) -> Answer:
    """Make a user, or replace one. The id `opt-in` is taken: `GET /users/opt-in` counts users."""
    spec: UserSpec = call.body
    if call.path["user"].lower() in TAKEN_IDS:
        raise invalid(["path", "user"], f"the id {call.path['user']} is taken by an endpoint: choose another one")
    stored = StoredUser(id=call.path["user"], **spec.model_dump())
    known = await call.services.people.user(call.org, stored.id)
    if "opt_in" not in spec.model_fields_set:
        stored.opt_in = known.opt_in if known else call.organization.settings.opt_in_default
    users = call.services.people.users
    answer = await _saved(stored, User, users.save(call.org, USERS, stored.id, stored, call.if_match))
    await call.services.wishes.senders_changed(call.org, [stored.id])
    if stored.opt_in != (known.opt_in if known else False):
        call.note("user.opt_in", stored.id, opt_in=stored.opt_in)
    return answer


@endpoints("GET", "/users/{user}", answers={200: User}, may=_MAY_READ_USERS)
async def get_user(call: Call) -> Answer:
    """Read a user."""
    stored, etag = await _get(call, call.services.people.users, USERS, call.path["user"], "user")
    return Answer(200, User(**stored.model_dump(), etag=etag), etag)


@endpoints("PATCH", "/users/{user}", body=UserPatch, answers={200: User}, may=(*MAY_CHANGE_USERS, "user"))
async def patch_user(call: Call) -> Answer:
    """Change some fields of a user. People change their own, all but the address: those of scope `user`, and
    those who see their own mail alone."""
    if call.is_one_person and (call.path["user"] != call.user() or "email" in call.body.model_fields_set):
        raise Problem(403, "People change their own user alone, and not its address.")
    users, name = call.services.people.users, call.path["user"]
    stored, etag = await _patched(call, users, USERS, name, UserSpec, "user")
    answer = await _saved(stored, User, users.save(call.org, USERS, name, stored, IfMatch.for_version(etag)))
    if call.body.model_fields_set & _USER_WISHES:
        await call.services.wishes.senders_changed(call.org, [name])
    if "opt_in" in call.body.model_fields_set:
        call.note("user.opt_in", name, opt_in=stored.opt_in)
    return answer


@endpoints("GET", "/users", query=UsersQuery, answers={200: Page[User]}, may=_MAY_READ_USERS)
async def list_users(call: Call) -> Answer:
    """List the users, by id; all of them, or by their opt-in."""
    query: UsersQuery = call.query
    found = await call.services.people.list_users(call.org, query.opt_in, last_key(call), query.limit)
    items = [User(**stored.model_dump(), etag=etag) for stored, etag in found.users]
    return Answer(200, page_until(call, items, found.after))


@endpoints("GET", "/users/opt-in", answers={200: OptInShare}, may=_MAY_READ_USERS)
async def get_opt_in_share(call: Call) -> Answer:
    """Count the users, and those who have opted in to following mail."""
    return Answer(200, await call.services.people.count_opt_in(call.org))


@endpoints("POST", "/users/opt-in", body=OptIn, answers={200: UsersChanged}, may=MAY_CHANGE_USERS, everybodys=True)
async def opt_in_users(call: Call) -> Answer:
    """Opt users in to following mail, or out."""
    users = None if call.body.users == "all" else call.body.users
    changed = await call.services.people.set_opt_in(call.org, users, call.body.opt_in)
    await call.services.wishes.senders_changed(call.org, users)
    named = ["all"] if users is None else sorted(users)[:_MOST_NOTED]
    call.note("users.opt_in", opt_in=call.body.opt_in, changed=changed, users=named)
    return Answer(200, UsersChanged(changed=changed))


@endpoints("PUT", "/records/{type}/{id}", body=RecordSpec, answers={201: RecordRead, 200: RecordRead})
async def put_record(call: Call) -> Answer:
    """Make a record, or replace one. Its mail then counts for its new parent.

    A record into which others were merged keeps its `follow_email` where the body names none.
    """
    stored = StoredRecord(type=call.path["type"], id=call.path["id"], **call.body.model_dump())
    before: StoredRecord | None = None

    async def save_once() -> Answer:
        nonlocal before
        found = await call.services.people.stored_record(call.org, _ref(call))
        before = found[0] if found else None
        if before:
            await _refuse_merged(call, before)
            stored.merged = before.merged
            if before.merged and "follow_email" not in call.body.model_fields_set:
                stored.follow_email = before.follow_email  # it is that of the merged ones, too
        check_version(call.if_match, found[1] if found else None)
        # A merge that comes meanwhile changes the version, so that this cannot undo it.
        if_match = IfMatch.for_version(found[1]) if found else None
        return await _saved(stored, Record, call.services.address_index.save_record(call.org, stored, if_match))

    answer = await (save_once() if call.if_match else retry_on_conflict("the record", save_once, on=Stale))
    emails = {*stored.emails, *(before.emails if before else ())}
    await call.services.wishes.record_changed(call.org, _ref(call), emails)
    return await with_engagement(call, answer, _ref(call))


@endpoints("GET", "/records/{type}/{id}", answers={200: RecordRead})
async def get_record(call: Call) -> Answer:
    """Read a record, and how people engaged with the mail to it; of a merged one the record that stands for it."""
    # Few records are merged ones, so that both are read at once.
    found, rollup = await asyncio.gather(
        call.services.people.standing_record(call.org, _ref(call)),
        call.services.engagements.load_rollup(call.org, _ref(call)),
    )
    if found is None:
        raise not_there("record")
    stored, etag = found
    if stored.ref() != _ref(call):
        rollup = await call.services.engagements.load_rollup(call.org, stored.ref())
    return Answer(200, RecordRead(**stored.model_dump(), etag=etag, engagement=_engagement(call, rollup)), etag)


@endpoints("PATCH", "/records/{type}/{id}", body=RecordPatch, answers={200: RecordRead})
async def patch_record(call: Call) -> Answer:
    """Change some fields of a record. Its mail then counts for its new parent."""
    records, partition = call.services.people.records, record_partition(call.path["type"])
    before = await call.services.people.record(call.org, _ref(call))
    if before:
        await _refuse_merged(call, before)
    stored, etag = await _patched(call, records, partition, call.path["id"], RecordSpec, "record")
    await _refuse_merged(call, stored)
    answer = await _saved(
        stored, Record, call.services.address_index.save_record(call.org, stored, IfMatch.for_version(etag))
    )
    if call.body.model_fields_set & _RECORD_WISHES:
        emails = {*stored.emails, *(before.emails if before else ())}
        await call.services.wishes.record_changed(call.org, _ref(call), emails)
    return await with_engagement(call, answer, _ref(call))


async def _refuse_merged(call: Call, record: StoredRecord) -> None:
    """Refuse a change of a merged record, as it would be lost. A no to following is not: the addresses keep it."""
    if record.merged_into and call.body.follow_email == "do_not_allow":
        standing = await call.services.people.standing_record(call.org, record.ref())
        emails = [*(standing[0].emails if standing else ()), *(call.body.emails or ())]
        source = f"the record {record.type} {record.id}, which was merged before"
        await call.services.consents.keep_no(call.org, emails, source, consent_actor(call.actor), call.user())
        await call.services.wishes.record_changed(call.org, record.ref(), emails)
    check_not_merged(record)


def check_not_merged(record: StoredRecord) -> None:
    """Check that a record is itself, as changes of a merged one would be lost. Raises NotAllowed."""
    if into := record.merged_into:
        raise NotAllowed(f"The record was merged into {into.type}/{into.id}: change that one.")


def _ref(call: Call) -> RecordRef:
    return RecordRef(type=call.path["type"], id=call.path["id"])


async def with_engagement(call: Call, answer: Answer, record: RecordRef) -> Answer:
    """Update everything that holds a copy of the stored record. After an error the caller puts the record again."""
    rollup = await call.services.engagements.record_changed(call.org, record)
    assert isinstance(answer.body, Record)
    read = RecordRead(**answer.body.model_dump(), engagement=_engagement(call, rollup))
    return Answer(answer.status, read, answer.version)


def _engagement(call: Call, rollup: Rollup) -> Engagement:
    """Return the record's engagement; an empty one where the organization has switched engagement off."""
    settings = call.organization.settings
    return rollup.engagement(settings.score, call.now) if settings.engagement_enabled else Engagement()


@endpoints("GET", "/records", query=RecordsQuery, answers={200: Page[RecordItem]})
async def list_records(call: Call) -> Answer:
    """List the records of a type by id, those that have an address, or those that people have engaged with by score."""
    if call.query.view and call.query.email:
        raise invalid(["query", "email"], "give either view or email")
    if call.query.view and call.query.parent:
        raise invalid(["query", "parent"], "give either view or parent")
    if call.query.q is not None and (call.query.view or call.query.email):
        raise invalid(["query", "q"], "give either q, view or email")
    if call.query.email:
        return await _list_by_address(call)
    if call.query.view:
        return await _list_engaged(call)
    if call.query.type is None:
        raise invalid(["query", "type"], "needed where neither a view nor an address is named")
    return await _list_of_type(call, call.query.type)


async def _list_of_type(call: Call, record_type: str) -> Answer:
    """List records by id. Those that were merged are passed over, and those that the query does not want."""
    is_below, words = await _below(call), read_words(call.query.q or "")

    async def read(after: str | None, most: int) -> AsyncIterator[tuple[str, tuple[StoredRecord, str]]]:
        rows = call.services.people.records.list(call.org, record_partition(record_type), Range(after=after), most)
        count = 0
        async for key, record, etag in rows:
            yield key, (record, etag)
            count += 1
            if count % _SIFTED_AT_ONCE == 0:
                await asyncio.sleep(0)  # hits come between two records

    def sift(_: str, found: tuple[StoredRecord, str]) -> Sifted:
        record, _etag = found
        is_wanted = record.merged_into is None and is_below(record) and begins_so(record, words)
        return "show" if is_wanted else "pass"

    narrows = call.query.parent is not None or bool(words)
    sifted = await sifted_page(read, sift, last_key(call), call.query.limit, passes_many=narrows)
    return Answer(200, page_until(call, await _items(call, sifted.found), sifted.after))


async def _list_by_address(call: Call) -> Answer:
    query: RecordsQuery = call.query
    assert query.email
    found = await call.services.address_index.page(call.org, query.email, query.type, last_key(call), query.limit)
    is_below = await _below(call)
    shown = [(record, etag) for record, etag in found.records if is_below(record)]
    return Answer(200, page_until(call, await _items(call, shown), found.after))


async def _below(call: Call) -> Callable[[StoredRecord], bool]:
    """Return what tells whether a record is right below the wanted parent, or one that was merged into it."""
    if call.query.parent is None:
        return lambda _: True
    record_type, _, record_id = call.query.parent.partition("/")
    parents = await call.services.people.united_records(call.org, RecordRef(type=record_type, id=record_id))
    return lambda record: record.parent in parents


async def _items(call: Call, shown: Sequence[tuple[StoredRecord, str]]) -> list[RecordItem]:
    """Shape records of a list, with their engagement where it is asked for."""
    items = [RecordItem(**record.model_dump(), etag=etag) for record, etag in shown]
    if call.query.include:
        refs = [record.ref() for record, _ in shown]
        rollups = await some_at_once(call.services.engagements.load_rollup(call.org, each) for each in refs)
        for item, rollup in zip(items, rollups, strict=True):
            item.engagement = _engagement(call, rollup)
    return items


async def _list_engaged(call: Call) -> Answer:
    query: RecordsQuery = call.query
    if not call.organization.settings.engagement_enabled:
        return Answer(200, page_until(call, [], None))
    engaged = await call.services.engagements.engaged.page(call.org, last_key(call), query.limit, query.type)
    items = [
        RecordItem(**rollup.record.model_dump(), etag=rollup.etag or "", engagement=_engagement(call, rollup))
        for rollup in engaged.found
        if rollup.record
    ]
    return Answer(200, page_until(call, items, engaged.after))
