"""Messages: draft, read, change, delete and list them, and read their timeline."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from functions.api.endpoint import Answer, Call, Deleted, Endpoints
from functions.api.paging import Page, PageQuery, last_key, page, page_until
from functions.api.patching import patch_of, patched
from functions.api.problems import Problem, invalid, invalid_fields, not_there
from functions.resources.message_filters import sift_messages
from functions.resources.message_pages import MessagesQuery, read_page
from functions.shapes.checks import EDITABLE
from functions.shapes.message import (
    MessageItem,
    MessageRead,
    decided_now,
    listed_follow_state,
    listed_message,
    message_item,
    read_message,
    time_zone_of,
)
from functions.shapes.timeline import Event, timeline_event
from lib.assessment.followers import stored_part
from lib.assessment.summary import summary_of
from lib.cards.follower import CardsFollower
from lib.errors import NotAllowed, Stale
from lib.fields import QueryFlag, RecordRef
from lib.ids import MADE
from lib.lists.engaged import list_engaged
from lib.lists.store import View, scope_of
from lib.messages.conversations import NO_THREAD, may_have_left, thread_fields
from lib.messages.deliveries import fixed_follow_state, is_waiting
from lib.messages.models import Body, DraftSpec, MessageFields, StoredMessage, records_of
from lib.messages.store import Loaded
from lib.people.recipients import NOT_LOOKED_UP
from lib.reminders import check_followed, check_times, needs_following, with_reminder
from lib.storage.versions import check_version
from lib.tracking.facts import Fact
from lib.verdicts import Verdict
from lib.verdicts.repeats import is_repeat

endpoints = Endpoints("Messages")

MessagePatch = patch_of(DraftSpec, __name__, "MessagePatch")
LARGEST_MESSAGE = 25 * 1024 * 1024
"""Bytes of JSON, in which a character of the HTML and the text may take six (`\u0416`)."""

_AFTER_SENDING = {"deliver_at", "reminder"}


async def load_message(call: Call) -> Loaded:
    """Load the message of the path. Raises Problem where there is none, Stale where If-Match names another version."""
    message = call.path["message"]
    return _seen(call, await call.services.messages.load(call.org, message) if MADE.fullmatch(message) else None)


async def load_message_with_body(call: Call) -> tuple[Loaded, Body]:
    """Load the message of the path with its body. Raises as `load_message` does, and Unavailable."""
    message = call.path["message"]
    if not MADE.fullmatch(message):
        raise not_there("message")
    loaded, body = await call.services.messages.load_with_body(call.org, message)
    return _seen(call, loaded), body


def _seen(call: Call, loaded: Loaded | None) -> Loaded:
    """Return a message that the caller may see, in the version that is wanted. Raises Problem, Stale."""
    if loaded is None or not call.sees_mail_of(loaded.message.sender):
        raise not_there("message")
    check_version(call.if_match, loaded.etag)
    return loaded


async def answer_with_message(call: Call, status: int, message: str) -> Answer:
    """Bring lists and counts up to date, and answer with the message as it is now, and as lists show it."""
    loaded = await call.services.assessor.refresh(call.org, message)
    if loaded is None:
        raise not_there("message")
    listed = listed_follow_state(call, loaded) if loaded.message.state == "scheduled" else None
    state, recipients = (listed, NOT_LOOKED_UP) if listed else await decided_now(call, loaded)
    return whole_message(status, await read_message(call, loaded, state, recipients))


def whole_message(status: int, message: MessageRead) -> Answer:
    """Answer with a whole message, whose bodies may be large."""
    size = len(message.html or "") + len(message.text or "")
    return Answer(status, message, message.etag, message=message.id, size=size)


class MessageQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")

    checks: QueryFlag = Field(
        True,
        description="`false` leaves `check` of a mail that was not sent empty, and tells its follow state as lists do: "
        "no recipient is looked up, which is quicker",
    )


@endpoints("GET", "/messages/{message}", query=MessageQuery, answers={200: MessageRead})
async def get_message(call: Call) -> Answer:
    """Read a message, whole."""
    loaded = await load_message(call)
    if not call.query.checks:
        listed = await listed_message(call, loaded)
        return whole_message(200, await read_message(call, loaded, listed.follow_state, has_checks=False))
    state, recipients = await decided_now(call, loaded)
    if fixed_follow_state(loaded.message) is None and state != listed_follow_state(call, loaded):
        # A process has died before the lists were told of a change, or it was none that they are told of.
        with suppress(Stale):
            await call.services.assessor.refresh(call.org, loaded.message.id, wishes_changed=True)
    return whole_message(200, await read_message(call, loaded, state, recipients))


@endpoints("PATCH", "/messages/{message}", body=MessagePatch, answers={200: MessageRead}, largest_body=LARGEST_MESSAGE)
async def patch_message(call: Call) -> Answer:
    """Change a draft or a failed message; only `deliver_at` and `reminder` of a sent or scheduled one.

    `in_reply_to` moves the draft to the thread of another message, null out of its thread; nothing else changes by it.
    """
    loaded = await load_message(call)
    message = loaded.message
    given = set(call.body.model_fields_set)
    if message.state not in EDITABLE:
        frozen = sorted(given - _AFTER_SENDING)
        if frozen or message.state not in ("scheduled", "sent"):
            what = ", ".join("from" if name == "sender" else name for name in frozen or sorted(given))
            raise NotAllowed(f"The message is {message.status}: {what} can no longer be changed.")
    body = await call.services.messages.body(call.org, message.id)
    there = DraftSpec.model_construct(**dict(message), html=body.html, text=body.text)
    try:
        spec = DraftSpec.model_validate(patched(DraftSpec, there, call.body))
    except ValidationError as error:
        raise invalid_fields(error) from None
    if "sender" in given:
        await call.services.preparation.sender(call.org, spec)
    await check_message_times(call, spec, given)
    thread = await _moved_thread(call, message.id, spec.in_reply_to) if "in_reply_to" in given else {}
    fields = {name: getattr(spec, name) for name in given - {"html", "text"}}
    changed = message.model_copy(update={**fields, **thread})
    if given - _AFTER_SENDING - {"regarding", "template", "metadata"}:
        changed.follow_state = None
        changed.copy_count = None if changed.copy_count is None else 0  # what was prepared is no longer this mail
    if given - _AFTER_SENDING - {"template", "metadata"}:
        changed.matched = None
    if "template" in given:
        changed.template_version = await _template_version(call, spec.template)
    if "reminder" in given:
        changed = with_reminder(changed, spec.reminder)
        await call.services.reminders.enter(call.org, changed)
    if "deliver_at" in given and message.state not in EDITABLE:
        await call.services.schedule.move(call.org, replace(loaded, message=changed), spec.deliver_at)
    else:
        new_body = Body(html=spec.html, text=spec.text) if given & {"html", "text"} else None
        if new_body and changed.in_reply_to:
            new_body = await call.services.preparation.without_tracking(call.org, changed, new_body)
        await call.services.messages.change(call.org, changed, loaded.etag, body=new_body)
    await call.services.reminders.leave(call.org, message, changed)
    return await answer_with_message(call, 200, message.id)


async def _moved_thread(call: Call, message: str, answered: str | None) -> dict[str, object]:
    """Return the fields of the thread to which a draft is moved; those of none where it answers nothing more."""
    if answered is None:
        return dict(NO_THREAD)
    parent = await answered_message(call, answered)
    if parent.thread == message:
        raise invalid(["in_reply_to"], "a message cannot answer itself, or an answer to itself")
    return thread_fields(parent)


async def answered_message(call: Call, message: str) -> StoredMessage:
    """Load the message that a draft answers. Raises Problem."""
    loaded = await call.services.messages.load(call.org, message)
    if loaded is None or not call.sees_mail_of(loaded.message.sender):
        raise invalid(["in_reply_to"], "there is no such message")
    if not may_have_left(loaded.message):
        raise invalid(
            ["in_reply_to"], f"only a sent or a received message can be answered; this one is {loaded.message.status}"
        )
    return loaded.message


async def _template_version(call: Call, template: str | None) -> int | None:
    """Return the newest version of the template that a draft is made of. Raises Problem."""
    if template is None:
        return None
    found = await call.services.templates.load_template(call.org, template)
    if found is None:
        raise invalid(["template"], "there is no such template")
    return found[0].version


async def check_message_times(call: Call, message: MessageFields, given: set[str]) -> None:
    """Check the delivery time and the reminder. Raises WrongField.

    Recipients' wishes are read only where a reminder needs them.
    """
    check_times(message, given, call.now)
    if needs_following(message, given):
        check_followed(await call.services.preparation.follow_state(call.org, call.organization.settings, message))


@endpoints("DELETE", "/messages/{message}", answers={200: Deleted})
async def delete_message(call: Call) -> Answer:
    """Delete a draft, a scheduled or a failed message."""
    try:
        loaded = await load_message(call)
    except Problem:
        # An earlier try may have deleted the message, and nothing more.
        await call.services.kept_answers.forget_message(call.org, call.path["message"])
        raise
    if loaded.message.state not in (*EDITABLE, "scheduled"):
        raise NotAllowed(f"A message that is {loaded.message.status} cannot be deleted.")
    await remove_message(call, loaded)
    return Answer(200, Deleted(deleted=loaded.message.id))


async def remove_message(call: Call, loaded: Loaded) -> None:
    """Delete a message that has not been sent, with its cards and all that leads to it. Raises Stale: it stays."""
    await call.services.schedule.before_deletion(call.org, loaded)
    for card in stored_part(CardsFollower.part_name, summary_of(loaded).parts) or {}:
        await call.services.cards.withdraw(call.org, loaded.message.sender, card, "The mail was deleted.")
    await call.services.assessor.forget_message(call.org, loaded)
    try:
        await call.services.messages.delete(call.org, loaded)
    except Stale:
        await call.services.assessor.refresh(call.org, loaded.message.id)  # it stays, in lists too
        raise
    await call.services.kept_answers.forget_message(call.org, loaded.message.id)
    await call.services.threads.remove_message(call.org, loaded.message)
    await call.services.reminders.leave(call.org, loaded.message)
    if is_waiting(loaded.message):
        await call.services.schedule.leave(call.org, loaded.message)


@endpoints("GET", "/messages", query=MessagesQuery, answers={200: Page[MessageItem]})
async def list_messages(call: Call) -> Answer:
    """List the messages of the organization, a user or a record.

    `owner`, `record` and `view` have lists of their own, and `message_id` is looked up. `recipient`, `template`,
    `status` and `updated_since` have an index in certain orders, as each of them says. What has none narrows the pages,
    so that a page may be short, or empty, with a `next`: go on until that is null.
    """
    query: MessagesQuery = call.query
    if query.owner and query.record:
        raise invalid(["query", "record"], "give either owner or record")
    if query.owner and not call.sees_mail_of(query.owner):
        call.check_sees_all()
    try:
        record = RecordRef(**dict(zip(("type", "id"), query.record.split("/"), strict=True))) if query.record else None
    except ValidationError as error:
        raise invalid_fields(error, ["query", "record"]) from None
    owner = query.owner or call.sees_only
    scope = scope_of(owner, record)
    if query.view == "engaged-this-week":
        if query.narrows or query.message_id is not None:
            raise invalid(["query", "view"], "this view takes no filters but owner and record")
        return await _list_engaged(call, scope)
    if query.message_id is not None:
        if query.view != "all":
            raise invalid(["query", "view"], "give either view or message_id")
        return await _list_by_message_id(call, query.message_id, owner, record)
    view: View = query.own_view if query.own_view and query.view == "all" else query.view
    zone = await time_zone_of(call)
    found = await read_page(call, view, owner, record)
    return Answer(200, page_until(call, [message_item(each, call.now, zone) for each in found.found], found.after))


async def _list_by_message_id(call: Call, message_id: str, owner: str | None, record: RecordRef | None) -> Answer:
    """List the messages with a Message-ID, hardly ever more than one, as far as the other filters agree."""
    query: MessagesQuery = call.query
    last_key(call)  # a cursor of another list is refused
    hits = {hit.message: None for hit in await call.services.threads.find_id(call.org, message_id)}
    loaded = [found for each in hits if (found := await call.services.messages.load(call.org, each))]
    records = await call.services.people.united_records(call.org, record) if record else []
    sift, zone, items = sift_messages(query, "subject"), await time_zone_of(call), list[MessageItem]()
    for each in loaded:
        message, listed = each.message, await listed_message(call, each)
        is_there = (owner is None or message.sender == owner) and (
            record is None or any(named in records for named in records_of(message))
        )
        if is_there and sift("", listed) == "show":
            items.append(message_item(listed, call.now, zone))
    return Answer(200, page_until(call, items[: query.limit], None))


async def _list_engaged(call: Call, scope: str) -> Answer:
    query: MessagesQuery = call.query
    if "sort" in query.model_fields_set and query.sort != "-last_opened_at":
        raise invalid(["query", "sort"], "this view is sorted by -last_opened_at")
    after = last_key(call)
    if not call.organization.settings.engagement_enabled:
        return Answer(200, page_until(call, [], None))
    zone = await time_zone_of(call)
    engaged = await list_engaged(call.services.lists, call.org, scope, after, query.limit, call.now)
    seen = [listed for listed in engaged.found if call.sees_mail_of(listed.message.sender)]
    items = [message_item(listed, call.now, zone) for listed in seen]
    return Answer(200, page_until(call, items, engaged.after))


@endpoints("GET", "/messages/{message}/timeline", query=PageQuery, answers={200: Page[Event]})
async def message_timeline(call: Call) -> Answer:
    """List the events of a message, newest first, each with a verdict and its reasons."""
    loaded = await load_message(call)
    found, shape = await asyncio.gather(_newest_events(call, loaded), event_shaper(call, loaded))
    return Answer(200, page(call, [(cursor, shape(fact, verdict)) for cursor, fact, verdict in found]))


async def _newest_events(call: Call, loaded: Loaded) -> list[tuple[str, Fact, Verdict]]:
    """Read judged facts with their cursors, one more than the page shows. Repeats are no events."""
    query: PageQuery = call.query
    found = []
    async for row in call.services.fact_store.newest_first(call.org, loaded.message.id, last_key(call)):
        if not is_repeat(row[2]):
            found.append(row)
        if len(found) > query.limit:
            break
    return found


async def event_shaper(call: Call, loaded: Loaded) -> Callable[[Fact, Verdict], Event]:
    """Read what events of the message name, and return a function that shapes them."""
    links, names = await asyncio.gather(
        _links_of_copies(call, loaded), call.services.files.file_names(call.org, loaded.message)
    )
    # Facts of before the organization began to count without who name recipients until they are looked at again.
    named = call.organization.settings.tracking != "aggregate"
    catalogues = call.services.catalogues
    return lambda fact, verdict: timeline_event(loaded, links, names, fact, verdict, catalogues, names_recipients=named)


async def _links_of_copies(call: Call, loaded: Loaded) -> list[list[str]]:
    """Read the links of each copy. Copies of one mail usually share a blob of links, which is read once."""
    read: dict[str, list[str]] = {}
    for copy in loaded.copies:
        if isinstance(copy.links, str) and copy.links not in read:
            read[copy.links] = await call.services.messages.links(call.org, copy)
    return [read[copy.links] if isinstance(copy.links, str) else copy.links for copy in loaded.copies]
