"""Messages: draft, read, change, delete, list; and what became of one."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from functions.endpoint import Answer, Call, Deleted, Endpoints
from functions.message_shapes import message_item, message_read, time_zone_of
from functions.paging import Page, PageQuery, page
from functions.problems import Problem, invalid, invalid_fields, not_there
from lib.catalogues.devices import device_of
from lib.clock import moment
from lib.errors import Stale
from lib.fields import ChosenId, Moment, RecordRef
from lib.ids import MADE
from lib.lists.store import Sort, View, scope_of
from lib.messages.deliveries import is_waiting
from lib.messages.models import Body, MessageFields, MessageItem, MessageRead, MessageSpec, StoredMessage
from lib.messages.store import Loaded
from lib.reminders import check_times, with_reminder
from lib.storage import Conflict
from lib.storage.repository import patch_of, patched
from lib.tracking.facts import Fact
from lib.verdicts import Verdict
from lib.verdicts.repeats import is_repeat

endpoints = Endpoints("Messages")

MessagePatch = patch_of(MessageSpec, __name__)
LARGEST_MESSAGE = 25 * 1024 * 1024
"""Bytes of JSON, in which a character of the HTML and the text may take six (`\u0416`)."""

_AFTER_SENDING = {"deliver_at", "reminder"}
_EDITABLE = ("draft", "failed")


class MessagesQuery(PageQuery):
    view: View = "all"
    owner: ChosenId | None = None
    record: Annotated[str, StringConstraints(max_length=141, pattern=r"^[a-z_]+/[^/]+$")] | None = None
    sort: Sort = "-sent_at"


class ReasonRead(BaseModel):
    """`weight` is in log-odds (natural logarithm): above 0 it speaks for a person, below for a machine."""

    code: str
    text: str
    weight: float
    source: str


class VerdictRead(BaseModel):
    """Who it was, how sure that is (0 to 1), and why. `human_probability` is that of a person among the recipients."""

    model_config = ConfigDict(populate_by_name=True)

    class_: Literal["human", "machine", "uncertain"] = Field(alias="class")
    confidence: float
    human_probability: float
    reasons: list[ReasonRead]
    rules: str


class DeviceRead(BaseModel):
    """With what it was done, as far as the user agent tells."""

    type: str | None
    os: str | None
    client: str | None


class Event(BaseModel):
    """One thing that happened to a message."""

    id: str
    kind: Literal["open", "click", "attachment_view", "reply", "auto_reply", "bounce"]
    at: Moment
    recipient: str | None
    url: str | None
    attachment: str | None
    device: DeviceRead
    verdict: VerdictRead


async def load(call: Call) -> Loaded:
    """The message of the path. Raises Problem."""
    message = call.path["message"]
    loaded = await call.services.messages.load(call.org, message) if MADE.fullmatch(message) else None
    if loaded is None:
        raise not_there("message")
    if call.if_match not in (None, "*", loaded.etag):
        raise Stale
    return loaded


async def answer_with(call: Call, status: int, message: str) -> Answer:
    """The message as it is now, after what was derived of it has been brought up to date."""
    loaded = await call.services.assessor.refresh(call.org, message)
    if loaded is None:
        raise not_there("message")
    return whole(status, await message_read(call, loaded))


def whole(status: int, message: MessageRead) -> Answer:
    """With its bodies, which may be large."""
    return Answer(status, message, message.etag, size=len(message.html or "") + len(message.text or ""))


@endpoints("POST", "/messages", body=MessageSpec, answers={201: MessageRead}, largest_body=LARGEST_MESSAGE)
async def make_message(call: Call) -> Answer:
    """Make a draft."""
    spec: MessageSpec = call.body
    message = StoredMessage(
        id=call.made_id,
        created_at=call.now,
        template_version=await _template_version(call, spec.template),
        **spec.model_dump(exclude={"html", "text"}, by_alias=False),
    )
    await call.services.preparation.sender(call.org, message)
    await check_message_times(call, message, call.body.model_fields_set)
    await call.services.reminders.enter(call.org, message)
    with suppress(Conflict):  # an earlier try with the same Idempotency-Key got so far
        await call.services.messages.make(call.org, message, Body(html=spec.html, text=spec.text))
    return await answer_with(call, 201, message.id)


@endpoints("GET", "/messages/{message}", answers={200: MessageRead})
async def get_message(call: Call) -> Answer:
    """Read a message, whole."""
    loaded = await load(call)
    return whole(200, await message_read(call, loaded))


@endpoints("PATCH", "/messages/{message}", body=MessagePatch, answers={200: MessageRead}, largest_body=LARGEST_MESSAGE)
async def patch_message(call: Call) -> Answer:
    """Change a draft or a failed message; of one that was sent or scheduled, only `deliver_at` and `reminder`."""
    loaded = await load(call)
    message = loaded.message
    given = set(call.body.model_fields_set)
    if message.state not in _EDITABLE:
        frozen = sorted(given - _AFTER_SENDING)
        if frozen or message.state not in ("scheduled", "sent"):
            what = ", ".join("from" if name == "sender" else name for name in frozen or sorted(given))
            raise Problem(409, f"The message is {message.status}: {what} can no longer be changed.")
    body = await call.services.messages.body(call.org, message.id)
    there = MessageSpec.model_construct(**dict(message), html=body.html, text=body.text)
    try:
        spec = MessageSpec.model_validate(patched(MessageSpec, there, call.body))
    except ValidationError as error:
        raise invalid_fields(error) from None
    if "sender" in given:
        await call.services.preparation.sender(call.org, spec)
    await check_message_times(call, spec, given)
    changed = message.model_copy(update={name: getattr(spec, name) for name in given - {"html", "text"}})
    if given - _AFTER_SENDING - {"regarding", "template"}:
        changed.follow_state = None
        changed.copy_count = None if changed.copy_count is None else 0  # what was prepared is no longer this mail
    if "template" in given:
        changed.template_version = await _template_version(call, spec.template)
    if "reminder" in given:
        changed = with_reminder(changed, spec.reminder)
        await call.services.reminders.enter(call.org, changed)
    if "deliver_at" in given and message.state not in _EDITABLE:
        await call.services.schedule.move(call.org, replace(loaded, message=changed), spec.deliver_at)
    else:
        new_body = Body(html=spec.html, text=spec.text) if given & {"html", "text"} else None
        await call.services.messages.change(call.org, changed, loaded.etag, body=new_body)
    await call.services.reminders.leave(call.org, message, changed)
    return await answer_with(call, 200, message.id)


async def _template_version(call: Call, template: str | None) -> int | None:
    """The newest version of the template that a draft is made of. Raises Problem."""
    if template is None:
        return None
    found = await call.services.templates.load_template(call.org, template)
    if found is None:
        raise invalid(["template"], "there is no such template")
    return found[0].version


async def check_message_times(call: Call, message: MessageFields, given: set[str]) -> None:
    """Raises WrongField."""
    state = await call.services.preparation.follow_state(call.org, call.organization.settings, message)
    check_times(message, given, call.now, state)


@endpoints("DELETE", "/messages/{message}", answers={200: Deleted})
async def delete_message(call: Call) -> Answer:
    """Delete a draft, a scheduled or a failed message."""
    loaded = await load(call)
    if loaded.message.state not in (*_EDITABLE, "scheduled"):
        raise Problem(409, f"A message that is {loaded.message.status} cannot be deleted.")
    await call.services.schedule.before_deletion(call.org, loaded)
    await call.services.assessor.forget_message(call.org, loaded)
    try:
        await call.services.messages.delete(call.org, loaded)
    except Stale:
        await call.services.assessor.refresh(call.org, loaded.message.id)  # it stays, in lists too
        raise
    await call.services.reminders.leave(call.org, loaded.message)
    if is_waiting(loaded.message):
        await call.services.schedule.leave(call.org, loaded.message)
    return Answer(200, Deleted(deleted=loaded.message.id))


@endpoints("GET", "/messages", query=MessagesQuery, answers={200: Page[MessageItem]})
async def list_messages(call: Call) -> Answer:
    """List messages: everybody's, a user's or a record's."""
    query: MessagesQuery = call.query
    if query.owner and query.record:
        raise invalid(["query", "record"], "give either owner or record")
    try:
        record = RecordRef(**dict(zip(("type", "id"), query.record.split("/"), strict=True))) if query.record else None
    except ValidationError as error:
        raise invalid_fields(error, ["query", "record"]) from None
    rows = call.services.lists.page(
        call.org, scope_of(query.owner, record), query.view, query.sort, query.after(), query.limit + 1
    )
    zone = await time_zone_of(call)
    found = [(cursor, message_item(listed, call.now, zone)) async for cursor, listed in rows]
    return Answer(200, page(found, query.limit))


@endpoints("GET", "/messages/{message}/timeline", query=PageQuery, answers={200: Page[Event]})
async def message_timeline(call: Call) -> Answer:
    """What happened to a message, newest first; each with a verdict and its reasons."""
    loaded = await load(call)
    query: PageQuery = call.query
    found = []
    async for row in call.services.fact_store.newest_first(call.org, loaded.message.id, query.after()):
        if not is_repeat(row[2]):
            found.append(row)
        if len(found) > query.limit:
            break
    links = await _links_of_copies(call, loaded)
    files = await call.services.files.attachments(call.org, loaded.message)
    names = {file.number: file.filename for file in files}
    events = [(cursor, _event(loaded, links, names, fact, verdict)) for cursor, fact, verdict in found]
    return Answer(200, page(events, call.query.limit))


async def _links_of_copies(call: Call, loaded: Loaded) -> list[list[str]]:
    """Copies of one mail have the same links, as a rule: a blob that holds them is read once."""
    read: dict[str, list[str]] = {}
    for copy in loaded.copies:
        if isinstance(copy.links, str) and copy.links not in read:
            read[copy.links] = await call.services.messages.links(call.org, copy)
    return [read[copy.links] if isinstance(copy.links, str) else copy.links for copy in loaded.copies]


def _event(
    loaded: Loaded, links_of_copies: list[list[str]], filenames: Mapping[int, str], fact: Fact, verdict: Verdict
) -> Event:
    recipients = loaded.message.recipients()
    known = fact.recipient is not None and fact.recipient < len(recipients)
    copies = zip(loaded.copies, links_of_copies, strict=True)
    # A browser that asks not to be tracked does not say whose copy it was; followed ones come first, and have the link.
    links = next((links for copy, links in copies if _is_for(copy.recipients, fact)), [])
    return Event(
        id=fact.key,
        kind=fact.kind,
        at=moment(fact.at),
        recipient=recipients[fact.recipient].email if known and fact.recipient is not None else None,
        url=links[fact.item] if fact.kind == "click" and fact.item < len(links) else None,
        attachment=filenames.get(fact.item) if fact.kind == "attachment_view" else None,
        device=DeviceRead(**device_of(fact.agent)),
        verdict=VerdictRead(
            class_=verdict.kind,
            confidence=verdict.confidence,
            human_probability=verdict.probability,
            reasons=[
                ReasonRead(code=each.code, text=each.text, weight=each.weight, source=each.source)
                for each in verdict.reasons
            ],
            rules=verdict.rules,
        ),
    )


def _is_for(recipients: list[int], fact: Fact) -> bool:
    return fact.recipient is None or fact.recipient in recipients
