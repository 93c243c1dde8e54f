"""Making a message in one call: its text from a template, its files, and sending it.

Each step gives the same result when it is done again for the same id of a request. A process that dies between two of
them leaves a draft that no list shows; the request, sent again with its Idempotency-Key, does what is left.
"""

from __future__ import annotations

from contextlib import suppress

from functions.api.endpoint import Answer, Call, Endpoints
from functions.api.problems import Problem, invalid, not_there
from functions.resources.attachments import check_followed_file
from functions.resources.messages import (
    LARGEST_MESSAGE,
    answer_with_message,
    answered_message,
    check_message_times,
    remove_message,
)
from functions.resources.sending import send_loaded
from functions.resources.templates import render_newest
from functions.shapes.message import MessageRead
from functions.shapes.new_message import NewMessage
from lib.errors import Refusal, Stale
from lib.files.image_formats import BrokenImage
from lib.ids import short_hash
from lib.messages.conversations import prefilled_fields, thread_fields
from lib.messages.models import Body, DraftSpec, StoredMessage
from lib.messages.store import Loaded
from lib.storage import Conflict
from lib.templates.greeting import merge_spec
from lib.templates.models import Rendered, StoredTemplate

endpoints = Endpoints("Messages")

_NOT_STORED = {"html", "text", "render", "attachments", "images", "send"}
"""Fields of a new message that are no part of its row."""


@endpoints("POST", "/messages", body=NewMessage, answers={201: MessageRead}, largest_body=LARGEST_MESSAGE)
async def make_message(call: Call) -> Answer:
    """Make a draft, with its files; with `send`, send it; with `in_reply_to`, one in the thread of another message.

    The body has at most 25 MB: larger files are added to the draft one by one. Where a file or the sending is refused,
    nothing is made.
    """
    spec: NewMessage = call.body
    parent = await answered_message(call, spec.in_reply_to) if spec.in_reply_to else None
    thread = {**prefilled_fields(parent, spec), **thread_fields(parent)} if parent else {}
    template = await _template(call, spec.template)
    message = StoredMessage(
        id=call.made_id,
        created_at=call.now,
        template_version=template.version if template else None,
        **{**spec.model_dump(exclude=_NOT_STORED, by_alias=False), **thread},
    )
    body = Body(html=spec.html, text=spec.text)
    if spec.render and template:
        rendered = await render_newest(
            call, template, merge_spec(message.to, message.cc, message.bcc, message.sender, message.regarding)
        )
        body = Body(html=rendered.html, text=rendered.text)
        message = _with_subject(message, rendered, spec, is_answer=parent is not None)
    if parent:
        body = await call.services.preparation.without_tracking(call.org, message, body)
    await call.services.preparation.sender(call.org, message)
    await check_message_times(call, message, call.body.model_fields_set)
    await call.services.reminders.enter(call.org, message)
    with suppress(Conflict):  # an earlier try with the same Idempotency-Key got so far
        await call.services.messages.make(call.org, message, body)
    if spec.does_more:
        await _do_the_rest(call, spec)
    return await answer_with_message(call, 201, message.id)


async def _template(call: Call, template: str | None) -> StoredTemplate | None:
    """Load the template that a draft is made of. Raises Problem."""
    if template is None:
        return None
    found = await call.services.templates.load_template(call.org, template)
    if found is None:
        raise invalid(["template"], "there is no such template")
    return found[0]


def _with_subject(message: StoredMessage, rendered: Rendered, spec: DraftSpec, *, is_answer: bool) -> StoredMessage:
    """Return the message with the template's subject, unless it has one: its own, or that of its thread."""
    if is_answer or "subject" in spec.model_fields_set:
        return message
    return message.model_copy(update={"subject": rendered.subject})


async def _do_the_rest(call: Call, spec: NewMessage) -> None:
    """Add the files of a draft, and send it. Raises Problem and Refusal; the draft is gone then."""
    loaded = await _loaded(call)
    # An earlier try, or another request since, may have had it sent: all of it was there then.
    if loaded.message.state != "draft" or loaded.message.asked_by:
        return
    try:
        await _add_files(call, spec, loaded.message)
        if spec.send:
            await send_loaded(call, await _loaded(call))
    except (Problem, Refusal):
        await _remove_draft(call)
        raise


async def _loaded(call: Call) -> Loaded:
    loaded = await call.services.messages.load(call.org, call.made_id)
    if loaded is None:
        raise not_there("message")
    return loaded


async def _add_files(call: Call, spec: NewMessage, message: StoredMessage) -> None:
    """Add the files, each under an id that is the same in every try. Raises Problem, Refusal."""
    files = call.services.files
    if any(each.followed for each in spec.attachments):
        await check_followed_file(call, message)
    for number, file in enumerate(spec.attachments):
        name = short_hash(message.id, "attachment", str(number))
        await files.add_file(call.org, message.id, name, file.filename, file.content, followed=file.followed)
    for number, image in enumerate(spec.images):
        name = short_hash(message.id, "image", str(number))
        try:
            await files.add_image(call.org, message.id, name, image.filename, image.content, cid=image.cid)
        except BrokenImage as error:
            raise invalid(["images", number, "content"], f"{error}") from None


async def _remove_draft(call: Call) -> None:
    """Remove the draft of a request that is refused, unless another try has had it sent meanwhile."""
    loaded = await call.services.messages.load(call.org, call.made_id)
    if loaded is not None and loaded.message.state == "draft" and not loaded.message.asked_by:
        with suppress(Stale):
            await remove_message(call, loaded)
